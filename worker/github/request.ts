import { boundedFetch, cleanDetail, dateOf, retryAfter } from "../bounded-fetch";
import { asRecord, parseJson } from "../json";
import { USED_UP } from "../subrequests";
import type { GithubCache } from "./cache";
import { type CallResult, type GithubError, callError } from "./errors";
import { limitTold } from "./limits";

/** The largest answer is a page of 100 runners, each with its labels. */
const MAX_ANSWER_BYTES = 1_048_576;

export interface GithubRequest<T> {
  readonly method: "GET" | "POST" | "DELETE";
  /** After the API's base, with its leading slash. */
  readonly path: string;
  readonly body?: unknown;
  /** Registrations have a limit of their own beside that of all other calls. */
  readonly registration?: boolean;
  /** Of an answer that was read before: 304 then says that it is still the same, and goes to `read`, too. */
  readonly etag?: string;
  /** Reads the body of a 2xx, which is anything until this has looked. @returns undefined for another shape */
  readonly read: (json: unknown, status: number, headers: Headers) => T | undefined;
}

/** One credential's bearer token, and the name under which its limits are remembered. */
export interface Bearer {
  readonly token: string;
  readonly key: string;
}

export interface Transport {
  /** Without a trailing slash. */
  readonly apiUrl: string;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly cache: GithubCache;
}

/**
 * Sends one request to GitHub's REST API. Never throws; does not call GitHub at all while a limit that was met before
 * lasts.
 */
export async function callGithub<T>(
  transport: Transport,
  bearer: Bearer,
  request: GithubRequest<T>,
): Promise<CallResult<T>> {
  const { blockedUntil } = transport.cache;
  const what = `${request.method} ${request.path}: `;
  const keys = {
    all: bearer.key,
    kind: bearer.key + (request.registration === true ? " registration" : " core"),
  };
  const until = Math.max(blockedUntil.get(keys.all) ?? 0, blockedUntil.get(keys.kind) ?? 0);
  const wait = Math.ceil((until - transport.now()) / 1000);
  if (wait > 0) return callError("rate_limited", `${what}not sent, a rate limit lasts`, null, wait);

  const answer = await boundedFetch(
    transport.fetch,
    transport.apiUrl + request.path,
    {
      method: request.method,
      headers: {
        Accept: "application/vnd.github+json",
        Authorization: `Bearer ${bearer.token}`,
        "Content-Type": "application/json",
        // Without it GitHub answers 403, and workerd sends none by itself.
        "User-Agent": "nomad-github-runners",
        "X-GitHub-Api-Version": "2022-11-28",
        ...(request.etag === undefined ? {} : { "If-None-Match": request.etag }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    },
    MAX_ANSWER_BYTES,
  );
  const { status } = answer;
  if (status === null) {
    const none = callError("unavailable", `${what}no answer: ${answer.reason}`);
    return answer.reason === USED_UP ? { ...none, unsent: true } : none;
  }
  const json = answer.text === "" ? null : parseJson(answer.text);
  const said = asRecord(json)?.["message"];
  const message = typeof said === "string" ? said : "";
  const limit = limitTold(status, answer.headers, message, transport.now());
  if (limit !== null) blockedUntil.set(keys[limit.of], transport.now() + limit.seconds * 1000);
  if ((status >= 200 && status < 300) || (status === 304 && request.etag !== undefined)) {
    const value = request.read(json, status, answer.headers);
    if (value !== undefined) return { ok: true, value };
    return callError("unavailable", `${what}answered ${status} with an unknown body`, status);
  }
  const detail = cleanDetail(`${what}answered ${status} ${message}`, [bearer.token]);
  if (limit !== null && (status === 403 || status === 429)) {
    return callError("rate_limited", detail, status, limit.seconds);
  }
  const error = callError(errorOf(status), detail, status, retryAfter(answer.headers));
  return status === 401 ? { ...error, date: dateOf(answer.headers) } : error;
}

function errorOf(status: number): GithubError["error"] {
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  return status >= 500 ? "unavailable" : "refused";
}
