/** Subrequests of one invocation on the free plan. D1 statements are counted one each, which errs on the safe side.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
export const MAX_SUBREQUESTS = 50;

/** What questions to GitHub leave over, so that their answers can still be written: how many requests a question takes
 *  depends on tokens and pages. */
const KEPT_FOR_LEDGER = 10;

/** An App asks for the installation and for a token before it asks anything else. */
export const TOKEN_REQUESTS = 2;

/** Name of the error where a fetch was refused. */
export const USED_UP = "SubrequestsUsedUp";

/** Counts what an invocation sends. */
export interface Subrequests {
  /** Counts, and refuses what would go beyond the limit. */
  readonly fetch: typeof fetch;
  /** The same, refusing while there is still room for the ledger. */
  readonly askingFetch: typeof fetch;
  /** How much room `askingFetch` leaves from now on; without a number as much as questions need. */
  readonly leave: (count?: number) => void;
  readonly add: (count: number) => void;
  /** How many may still be sent; negative when statements went beyond. */
  readonly left: () => number;
}

export function countSubrequests(limit: number, send: typeof fetch = globalThis.fetch): Subrequests {
  let used = 0;
  let kept = KEPT_FOR_LEDGER;
  const leaving =
    (count: () => number): typeof fetch =>
    async (input, init) => {
      // Only an error's name is told on.
      if (used >= limit - count()) throw new DOMException("", USED_UP);
      used += 1;
      return send(input, init);
    };
  return {
    fetch: leaving(() => 0),
    askingFetch: leaving(() => kept),
    leave: (count = KEPT_FOR_LEDGER) => {
      kept = count;
    },
    add: (count) => {
      used += count;
    },
    left: () => limit - used,
  };
}
