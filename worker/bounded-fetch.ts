import { readBounded } from "./body";
import { asRecord } from "./json";

/** Longest one call may take, its body included: several fit into the 30 s that a Worker has after its answer.
 *  @see https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
export const FETCH_TIMEOUT_MS = 8_000;

/** An answer that was read to its end, or to the bound. */
export interface BoundedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A call that got no whole answer. `reason` is a cleaned text for a log. */
export interface NoAnswer {
  readonly status: null;
  readonly reason: string;
}

/**
 * Fetches with a time limit over head and body, without following redirects, and reads at most `maxBytes`; the rest is
 * dropped, since the other side may be anything. Never throws.
 */
export async function boundedFetch(
  fetcher: typeof fetch,
  url: string,
  init: RequestInit,
  maxBytes: number,
  timeoutMs: number = FETCH_TIMEOUT_MS,
): Promise<BoundedAnswer | NoAnswer> {
  try {
    // Called bare: workerd refuses its own fetch when it is called as a method of another object.
    const response = await fetcher(url, {
      ...init,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: response.status,
      headers: response.headers,
      text: await readText(response, maxBytes),
    };
  } catch (error) {
    return { status: null, reason: noAnswerReason(error) };
  }
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  const bytes = await readBounded(response.body, maxBytes);
  return bytes === null ? "(an answer too long to read)" : new TextDecoder().decode(bytes);
}

/** A message may quote a URL or a header; one of nothing but words cannot, such as "Network connection lost." */
function noAnswerReason(error: unknown): string {
  const { name, message } = asRecord(error) ?? {};
  if (name === "Error" && typeof message === "string" && /^[A-Za-z ]{1,60}\.$/.test(message)) return message;
  return typeof name === "string" ? name : "Error";
}

/** Seconds of a `Retry-After` header, at most an hour. @returns null when there is none; a date counts as none */
export function retryAfter(headers: Headers): number | null {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), 3_600) : null;
}

/** The sender's clock by the `Date` header, in milliseconds since the epoch. @returns null when it does not tell */
export function dateOf(headers: Headers): number | null {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? null : date;
}

/** Makes a foreign text fit for a log or an error: printable ASCII, secrets struck out, at most `length` characters. */
export function cleanDetail(text: string, secrets: readonly (string | null)[], length = 200): string {
  let cleaned = text;
  for (const secret of secrets) {
    if (secret !== null && secret !== "") cleaned = cleaned.replaceAll(secret, "[removed]");
  }
  return cleaned
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, length);
}
