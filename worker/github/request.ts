import { boundedFetch, cleanDetail, retryAfter } from "../bounded-fetch";
import type { GithubCache } from "./cache";
import { type GithubError, type GithubResult, githubError } from "./errors";

/** The largest answer is a page of 100 runners, each with its labels. */
const MAX_ANSWER_BYTES = 1_048_576;

/** No block is believed to last longer than GitHub's own window. */
const MAX_BLOCK_SECONDS = 3_600;

/** What GitHub asks for when it names no time.
 *  @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
const UNNAMED_BLOCK_SECONDS = 60;

export interface GithubRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** After the API's base, with its leading slash. */
  readonly path: string;
  /** What is done, for error texts. */
  readonly what: string;
  readonly body?: unknown;
  /** Registrations have a limit of their own beside that of all other calls. */
  readonly registration?: boolean;
}

/** One credential's bearer token, and the name under which its limits are remembered. */
export interface Bearer {
  readonly token: string;
  readonly key: string;
}

export interface Transport {
  readonly apiUrl: string;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly cache: GithubCache;
}

/** A failed call; `status` is null where none was answered. */
export interface FailedCall {
  readonly status: number | null;
  readonly failure: GithubError;
}
export type CallResult = { readonly status: number; readonly json: unknown } | FailedCall;

/**
 * Sends one request to GitHub's REST API. Never throws; does not call GitHub at all while a limit that was met before
 * lasts.
 * @returns the parsed body of a 2xx (null when it is empty), or what failed
 */
export async function callGithub(
  transport: Transport,
  bearer: Bearer,
  request: GithubRequest,
): Promise<CallResult> {
  const wait = secondsBlocked(transport, bearer.key, request);
  if (wait > 0) {
    const detail = `${request.what}: not asked, GitHub's rate limit was met before`;
    return { status: null, failure: githubError("rate_limited", detail, wait) };
  }
  const headers: Record<string, string> = {
    Accept: "application/vnd.github+json",
    Authorization: `Bearer ${bearer.token}`,
    // Without it GitHub answers 403, and workerd sends none by itself.
    "User-Agent": "nomad-github-runners",
    "X-GitHub-Api-Version": "2022-11-28",
  };
  const init: RequestInit = { method: request.method, headers };
  if (request.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(request.body);
  }
  const answer = await boundedFetch(transport.fetch, transport.apiUrl + request.path, init, MAX_ANSWER_BYTES);
  if (answer.status === null) {
    const detail = `${request.what}: no answer from GitHub: ${answer.reason}`;
    return { status: null, failure: githubError("unavailable", detail) };
  }
  const { status } = answer;
  const json = parseJson(answer.text);
  const limited = rememberLimit(transport, bearer.key, request, answer, json);
  if (status >= 200 && status < 300) {
    if (json !== undefined) return { status, json };
    const detail = `${request.what}: GitHub answered ${String(status)} with a body that is not JSON`;
    return { status, failure: githubError("unavailable", detail) };
  }
  const detail = cleanDetail(`${request.what}: GitHub answered ${String(status)}${message(json)}`, [
    bearer.token,
  ]);
  if (limited !== null) return { status, failure: githubError("rate_limited", detail, limited) };
  return { status, failure: githubError(errorOf(status), detail, retryAfter(answer.headers)) };
}

/** The failed arm as a result of any type. */
export function isFailed(result: CallResult): result is FailedCall {
  return "failure" in result;
}

/** Turns a call into a result: `read` gives null for a body of another shape. */
export function readCall<T>(
  result: CallResult,
  what: string,
  read: (json: unknown) => T | null,
): GithubResult<T> {
  if (isFailed(result)) return result.failure;
  const value = read(result.json);
  if (value !== null) return { ok: true, value };
  return githubError("unavailable", `${what}: GitHub's answer has not the documented shape`);
}

function errorOf(status: number): GithubError["error"] {
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  return status >= 500 ? "unavailable" : "refused";
}

/**
 * Remembers a limit that an answer tells of. `x-ratelimit-remaining: 0` ends the budget of this kind of call, even on a
 * success; a secondary limit ends all calls of the credential.
 * @returns seconds to wait when this answer itself is a refusal by a limit, else null
 */
function rememberLimit(
  transport: Transport,
  key: string,
  request: GithubRequest,
  answer: { readonly status: number; readonly headers: Headers },
  json: unknown,
): number | null {
  const now = transport.now();
  const refused = answer.status === 403 || answer.status === 429;
  const after = retryAfter(answer.headers);
  if (answer.headers.get("x-ratelimit-remaining") === "0") {
    const reset = Number(answer.headers.get("x-ratelimit-reset") ?? Number.NaN);
    const untilReset = Number.isFinite(reset) ? Math.ceil(reset - now / 1000) : UNNAMED_BLOCK_SECONDS;
    const seconds = Math.min(Math.max(after ?? untilReset, 1), MAX_BLOCK_SECONDS);
    transport.cache.blockedUntil.set(kindKey(key, request), now + seconds * 1000);
    return refused ? seconds : null;
  }
  if (!refused) return null;
  const secondary = after !== null || answer.status === 429 || /rate limit/i.test(message(json));
  if (!secondary) return null;
  const seconds = Math.max(after ?? UNNAMED_BLOCK_SECONDS, 1);
  transport.cache.blockedUntil.set(key, now + seconds * 1000);
  return seconds;
}

function secondsBlocked(transport: Transport, key: string, request: GithubRequest): number {
  const { blockedUntil } = transport.cache;
  const until = Math.max(blockedUntil.get(key) ?? 0, blockedUntil.get(kindKey(key, request)) ?? 0);
  return Math.ceil((until - transport.now()) / 1000);
}

function kindKey(key: string, request: GithubRequest): string {
  return `${key} ${request.registration === true ? "registration" : "core"}`;
}

/** @returns null for an empty body, undefined when it is not JSON */
function parseJson(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function message(json: unknown): string {
  const text = (json as { message?: unknown } | null | undefined)?.message;
  return typeof text === "string" ? `: ${text}` : "";
}
