/** Subrequests of one invocation on the free plan. D1 statements are counted one each, which errs on the safe side.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
export const MAX_SUBREQUESTS = 50;

/** Counts what an invocation sends. */
export interface Subrequests {
  /** Counts, and refuses what would go beyond the limit. */
  readonly fetch: typeof fetch;
  readonly add: (count: number) => void;
  /** How many may still be sent; negative when statements went beyond. */
  readonly left: () => number;
}

export function countSubrequests(limit: number, send: typeof fetch = globalThis.fetch): Subrequests {
  let used = 0;
  return {
    fetch: async (input, init) => {
      if (used >= limit) throw new Error(`this invocation has used its ${limit} subrequests`);
      used += 1;
      return send(input, init);
    },
    add: (count) => {
      used += count;
    },
    left: () => limit - used,
  };
}
