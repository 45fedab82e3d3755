/** What a benchmark tells of several runs, in the unit of the runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws without a value, or with one that is no finite number */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined || !sorted.every(Number.isFinite)) {
    throw new Error(`A spread needs one finite number or more, got [${values.join(", ")}].`);
  }
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? max;
  const lower = sorted.length % 2 === 0 ? (sorted[half - 1] ?? upper) : upper;
  return { median: (lower + upper) / 2, min, max };
}

/**
 * The largest whole number that fits, between one that does and one that does not.
 * @param fits monotonic: what is above one that does not fit does not fit either
 * @throws when 1 does not fit, or the limit does: then the answer is not between them
 */
export function largestThatFits(limit: number, fits: (value: number) => boolean): number {
  if (!fits(1)) throw new Error("Not even 1 fits.");
  if (fits(limit)) throw new Error(`${String(limit)} fits; look above it.`);
  let [good, bad] = [1, limit];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** The value below which the given share of the values lies, by the nearest rank.
 *  @throws without a value */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new Error("A quantile needs one value or more.");
  return found;
}
