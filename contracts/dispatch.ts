import { WARM } from "./claim";
import { JOB_NAME, OWNER, REPOSITORY, REPOSITORY_FULL_NAME, isId, matches } from "./patterns";

/**
 * What the Worker sends to `POST /v1/job/{class job}/dispatch` and the parameterized job declares. Every value comes
 * from a webhook and can end in a process's environment, so each has a pattern, checked where the request is built.
 */

/** Nomad's limit on a dispatch payload, in bytes after base64 decoding.
 *  @see https://developer.hashicorp.com/nomad/docs/job-specification/parameterized (Requirements) */
export const MAX_PAYLOAD_BYTES = 16_384;

/** The meta keys of the parameterized job; all are required there. */
export const META_KEYS = ["REPO_FULL_NAME", "REPO_SHORT_NAME", "WORKFLOW_RUN", "WORKFLOW_JOB"] as const;

export type DispatchMeta = Readonly<Record<(typeof META_KEYS)[number], string>>;

/** The payload, as JSON before base64. The claim in it is a secret of sorts: the runner script deletes the file before
 *  any workflow code starts. */
export interface DispatchPayload {
  /** `owner/name` of the job that caused the dispatch. */
  readonly repo: string;
  /** `repository.fork`: whether that repository is itself a fork. */
  readonly fork: boolean;
  /** The workflow job's name, cleaned. */
  readonly job: string;
  readonly run_id: number;
  readonly job_id: number;
  /** Where to show the claim. */
  readonly claim_url: string;
  readonly claim: string;
}

/** The body of a dispatch. `Payload` is the base64 of a {@link DispatchPayload}. */
export interface DispatchBody {
  readonly Payload: string;
  readonly Meta: DispatchMeta;
  /** Put into the child's id: `<parent>/dispatch-<this>-<unix>-<8 hex>`. */
  readonly IdPrefixTemplate: string;
}

/** Where a payload's field does not have its shape; the request is then not built. */
export class DispatchFieldError extends Error {
  override readonly name = "DispatchFieldError";
  constructor(field: string) {
    super(`dispatch field ${field} does not match its pattern; nothing was sent`);
  }
}

/**
 * Builds the dispatch body and checks every field on the way.
 * @param base64 encodes UTF-8 text; given by the caller because the two runtimes do it differently
 * @throws DispatchFieldError when a field does not match
 */
export function dispatchBody(payload: DispatchPayload, base64: (text: string) => string): DispatchBody {
  if (!matches(REPOSITORY_FULL_NAME, payload.repo)) throw new DispatchFieldError("repo");
  const shortName = payload.repo.slice(payload.repo.indexOf("/") + 1);
  if (!matches(REPOSITORY, shortName)) throw new DispatchFieldError("repo");
  if (!matches(JOB_NAME, payload.job)) throw new DispatchFieldError("job");
  if (!isId(payload.run_id)) throw new DispatchFieldError("run_id");
  if (!isId(payload.job_id)) throw new DispatchFieldError("job_id");
  const text = JSON.stringify({
    repo: payload.repo,
    fork: payload.fork,
    job: payload.job,
    run_id: payload.run_id,
    job_id: payload.job_id,
    claim_url: payload.claim_url,
    claim: payload.claim,
  });
  // Every field above is ASCII, so characters are bytes.
  if (text.length > MAX_PAYLOAD_BYTES) throw new DispatchFieldError("payload size");
  return {
    Payload: base64(text),
    Meta: {
      REPO_FULL_NAME: payload.repo,
      REPO_SHORT_NAME: shortName,
      WORKFLOW_RUN: String(payload.run_id),
      WORKFLOW_JOB: String(payload.job_id),
    },
    IdPrefixTemplate: `${shortName}-${payload.job_id}`,
  };
}

/**
 * The body of a dispatch that no workflow job caused: the runner is one of a pool. The parent requires all meta keys, so
 * the ids are 0, and both names are the scope's.
 * @param pool.scope `owner/name`, or an organization's login
 * @throws DispatchFieldError when a field does not match
 */
export function poolDispatchBody(
  pool: {
    readonly scope: string;
    readonly ordinal: number;
    readonly claim_url: string;
    readonly claim: string;
  },
  base64: (text: string) => string,
): DispatchBody {
  const { scope, ordinal, claim_url, claim } = pool;
  if (!matches(REPOSITORY_FULL_NAME, scope) && !matches(OWNER, scope)) throw new DispatchFieldError("scope");
  if (!isId(ordinal)) throw new DispatchFieldError("ordinal");
  const text = JSON.stringify({
    repo: scope,
    fork: false,
    job: WARM,
    run_id: 0,
    job_id: 0,
    claim_url,
    claim,
  });
  return {
    Payload: base64(text),
    Meta: {
      REPO_FULL_NAME: scope,
      REPO_SHORT_NAME: scope.slice(scope.indexOf("/") + 1),
      WORKFLOW_RUN: "0",
      WORKFLOW_JOB: "0",
    },
    IdPrefixTemplate: `${WARM}-${ordinal}`,
  };
}

/** `idempotency_token` of a dispatch: the same ordinal of the same job is one child in Nomad. */
export function idempotencyToken(jobId: number, ordinal: number): string {
  return `${jobId}:${ordinal}`;
}

/** `idempotency_token` of a pool's dispatch. */
export function poolIdempotencyToken(scope: string, className: string, ordinal: number): string {
  return `pool:${scope}:${className}:${ordinal}`;
}
