import { type FaultSet, faultSet } from "./plan/faults";
import { type Sabotage, findSabotages } from "./sabotages";

/** What the command line asks for. */
export interface Options {
  readonly seeds: readonly number[];
  /** In each seed. */
  readonly jobs: number;
  readonly faults: FaultSet;
  /** As it was written. */
  readonly faultList: string;
  /** Seeds at once. */
  readonly lanes: number;
  /** Deliberate bugs to be played instead. */
  readonly sabotages: readonly Sabotage[];
}

const DEFAULTS = { seeds: 20, jobs: 250, faults: "all", lanes: 3 };
const ALLOWED = "--seeds N, --jobs N, --seed N, --faults LIST, --lanes N, --sabotage NAME|all";

/**
 * Reads the command line.
 * @throws RangeError that says what is allowed
 */
export function parseOptions(args: readonly string[]): Options {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const name = args[index] ?? "";
    const value = args[index + 1];
    if (!/^--(?:seeds|jobs|seed|faults|lanes|sabotage)$/.test(name)) {
      throw new RangeError(`unknown option ${JSON.stringify(name)}; allowed are ${ALLOWED}`);
    }
    if (value === undefined) throw new RangeError(`${name} needs a value; allowed are ${ALLOWED}`);
    given.set(name.slice(2), value);
  }
  const seed = given.get("seed");
  if (seed !== undefined && given.has("seeds"))
    throw new RangeError("--seed plays one seed, --seeds the first N: give one of them");
  const faultList = given.get("faults") ?? DEFAULTS.faults;
  const sabotage = given.get("sabotage");
  const count = whole(given, "seeds", DEFAULTS.seeds, 1, 10_000);
  return {
    seeds:
      seed === undefined
        ? Array.from({ length: count }, (_, index) => index + 1)
        : [whole(given, "seed", 1, 0, 2 ** 31)],
    jobs: whole(given, "jobs", DEFAULTS.jobs, 1, 5_000),
    faults: faultSet(faultList),
    faultList,
    lanes: whole(given, "lanes", DEFAULTS.lanes, 1, 8),
    sabotages: sabotage === undefined ? [] : findSabotages(sabotage),
  };
}

function whole(
  given: ReadonlyMap<string, string>,
  name: string,
  otherwise: number,
  least: number,
  most: number,
): number {
  const text = given.get(name);
  if (text === undefined) return otherwise;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(
    `--${name} must be a whole number from ${String(least)} to ${String(most)}, got ${JSON.stringify(text)}`,
  );
}
