/**
 * Why GitHub did not do what it was asked:
 * - `rate_limited` ask again after `retryAfterSeconds`
 * - `unavailable` no answer, a 5xx, an answer of another shape, or a credential that cannot be read: try again
 * - `refused` 401, 403, 422 or a redirect: nothing helps until an operator changes something
 * - `not_found` 404, `conflict` 409: as GitHub says
 * - `busy` 422 to the deletion of a runner that runs a job
 */
export interface GithubError {
  readonly ok: false;
  readonly error: "rate_limited" | "unavailable" | "refused" | "not_found" | "conflict" | "busy";
  readonly retryAfterSeconds: number | null;
  /** Printable ASCII, at most 200 characters, no secrets. */
  readonly detail: string;
}

export type GithubResult<T> = { readonly ok: true; readonly value: T } | GithubError;

/** A failure with the status that was answered; null when none was. */
export interface CallError extends GithubError {
  readonly status: number | null;
  /** Of a 401: GitHub's time in milliseconds since the epoch, where it told it. */
  readonly date?: number | null;
  /** It was never sent: this invocation's subrequests are used up. */
  readonly unsent?: true;
}

export type CallResult<T> = { readonly ok: true; readonly value: T } | CallError;

/** @param detail printable ASCII without secrets; cut at 200 characters */
export function callError(
  error: GithubError["error"],
  detail: string,
  status: number | null = null,
  retryAfterSeconds: number | null = null,
): CallError {
  return { ok: false, error, retryAfterSeconds, detail: detail.slice(0, 200), status };
}
