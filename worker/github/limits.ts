import { dateOf, retryAfter } from "../bounded-fetch";

/** No block is believed to last longer than GitHub's own window. */
const MAX_BLOCK_SECONDS = 3_600;

/** What GitHub asks for when it names no time. */
const UNNAMED_BLOCK_SECONDS = 60;

/**
 * Which limit an answer tells of, and for how many seconds. `kind`: `x-ratelimit-remaining: 0` ends the budget of this
 * kind of call, be the answer a success or not. `all`: a secondary limit ends every call of the credential.
 * @param message GitHub's text, which is all that some secondary limits say of themselves
 * @param now milliseconds since the epoch
 * @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function limitTold(
  status: number,
  headers: Headers,
  message: string,
  now: number,
): { readonly of: "kind" | "all"; readonly seconds: number } | null {
  const after = retryAfter(headers);
  if (headers.get("x-ratelimit-remaining") === "0") {
    const reset = headers.get("x-ratelimit-reset") ?? "";
    // By GitHub's own clock, which may differ from ours.
    const told = (dateOf(headers) ?? now) / 1000;
    const untilReset = /^\d+$/.test(reset) ? Math.ceil(Number(reset) - told) : UNNAMED_BLOCK_SECONDS;
    return { of: "kind", seconds: Math.min(Math.max(after ?? untilReset, 1), MAX_BLOCK_SECONDS) };
  }
  if (status !== 429 && (status !== 403 || (after === null && !/rate limit/i.test(message)))) return null;
  return { of: "all", seconds: Math.max(after ?? UNNAMED_BLOCK_SECONDS, 1) };
}
