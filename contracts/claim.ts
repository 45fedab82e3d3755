import { CLASS_NAME, OWNER, REPOSITORY_FULL_NAME, isId, matches } from "./patterns";

/**
 * A claim: what a dispatched runner shows to get its JIT config. Text form
 * `base64url(json).base64url(HMAC-SHA256(first part))`, without padding.
 *
 * Whoever may read the Nomad job can read it, so it is single-use and buys one registration of one class in one scope.
 */
export interface Claim {
  /** `owner/name`, or the organization's login in organization scope. */
  readonly scope: string;
  /** Runner class. */
  readonly class: string;
  /** `workflow_job.id` that caused the dispatch; the runner may serve another of its scope and class. 0: none did, the
   *  runner is one of a pool. */
  readonly job: number;
  /** 1, 2, …: the how-many-eth runner requested for that job, or for any pool. */
  readonly ordinal: number;
  /** Unix seconds after which POST refuses it. */
  readonly exp: number;
}

/** What stands in a claim's JSON in place of `job` when the runner is one of a pool: `"kind": "warm"`. */
export const WARM = "warm";

/** The JSON of a claim, keys in the order in which they are signed. */
export function claimJson({ scope, class: className, job, ordinal, exp }: Claim): string {
  return JSON.stringify({ scope, class: className, ...(job === 0 ? { kind: WARM } : { job }), ordinal, exp });
}

/** How long a claim is good for: GitHub drops a job that was queued for longer.
 *  @see https://docs.github.com/actions/reference/limits */
export const CLAIM_LIFETIME_SECONDS = 24 * 60 * 60;

/** How long after its end a claim still deletes: a self-hosted job may run 5 days.
 *  @see https://docs.github.com/actions/reference/limits */
export const CLAIM_DELETE_GRACE_SECONDS = 5 * 24 * 60 * 60;

/** The text form: a first part of at most 1 KiB, and 32 bytes of HMAC as 43 characters. */
export const CLAIM_TEXT = /^([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]{43})$/;

/** Reads a claim's JSON after its signature was found right. Unknown keys are refused: they would be a claim of
 *  another version.
 *  @returns null when it is not a claim */
export function parseClaim(value: unknown): Claim | null {
  if (typeof value !== "object" || value === null) return null;
  const {
    scope,
    class: className,
    kind,
    job: given,
    ordinal,
    exp,
    ...rest
  } = value as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return null;
  const warm = kind === WARM && given === undefined;
  if (!warm && (kind !== undefined || !isId(given))) return null;
  if (!matches(REPOSITORY_FULL_NAME, scope) && !matches(OWNER, scope)) return null;
  if (!matches(CLASS_NAME.pattern, className) || !isId(ordinal) || !isId(exp)) return null;
  return { scope, class: className, job: warm ? 0 : (given as number), ordinal, exp };
}

/** POST and DELETE `/runners/claim`. */
export const CLAIM_PATH = "/runners/claim";

/** Names the allocation that holds a claim, so that a second POST can be told from a stranger's. */
export const HOLDER_HEADER = "X-Runner-Holder";

/** With a DELETE: the exit code of jobs/start-runner.sh, where its allocation knows it. */
export const EXIT_HEADER = "X-Runner-Exit";

/** 201 to a POST. */
export interface ClaimGranted {
  readonly runner_name: string;
  /** Base64, for `ACTIONS_RUNNER_INPUT_JITCONFIG`. */
  readonly encoded_jit_config: string;
}
