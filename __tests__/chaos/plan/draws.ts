import { Random } from "../../live/lifecycle/random";

/**
 * Numbers of one seed, by what they are for. What is drawn for one thing does not depend on how often, or in which order,
 * numbers were drawn for others: so a seed that is replayed meets the same faults though processes run at another pace.
 */
export class Draws {
  constructor(readonly seed: number) {}

  /** @param key what the numbers are for, such as `"delivery", "j7", "queued"` */
  of(...key: readonly (string | number)[]): Random {
    return new Random(mix(`${String(this.seed)} ${key.join(" ")}`));
  }
}

/** 32 bits of a text. @see https://datatracker.ietf.org/doc/draft-eastlake-fnv/ (FNV-1a) */
function mix(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
