import type { DispatchBody } from "../contracts/dispatch";
import { boundedFetch, cleanDetail, retryAfter } from "./bounded-fetch";
import { type DispatchError, classifyAnswer } from "./nomad-answer";

export type { DispatchError } from "./nomad-answer";

export interface NomadConfig {
  /** Base URL without a trailing slash. */
  readonly addr: string;
  /** ACL token that may only dispatch. */
  readonly token: string;
  readonly namespace: string;
  /** Access service token; both or neither. */
  readonly accessClientId: string | null;
  readonly accessClientSecret: string | null;
}

export type DispatchResult =
  | {
      readonly ok: true;
      /** Id of the child job. For reading only: in a race the loser is told an id that never exists. */
      readonly child: string | null;
    }
  | {
      readonly ok: false;
      readonly error: DispatchError;
      /** Printable ASCII, at most 200 characters, no secrets. */
      readonly detail: string;
      readonly retryAfterSeconds: number | null;
    };

/** Nomad's answers are some hundred bytes; an HTML page in its place needs no more than to be recognised. */
const MAX_ANSWER_BYTES = 16_384;

/**
 * Dispatches a parameterized job, exactly once per idempotency token. Takes at most 8 s, never throws.
 * @param request.token idempotency token: a duplicate answers with the first one's child
 * @see https://developer.hashicorp.com/nomad/api-docs/jobs#dispatch-job
 */
export async function dispatchJob(
  nomad: NomadConfig,
  request: { readonly job: string; readonly token: string; readonly body: DispatchBody },
  fetcher: typeof fetch,
): Promise<DispatchResult> {
  const query = new URLSearchParams({ namespace: nomad.namespace, idempotency_token: request.token });
  const url = `${nomad.addr}/v1/job/${encodeURIComponent(request.job)}/dispatch?${query.toString()}`;
  const headers: Record<string, string> = {
    Authorization: `Bearer ${nomad.token}`,
    "Content-Type": "application/json",
  };
  if (nomad.accessClientId !== null && nomad.accessClientSecret !== null) {
    headers["CF-Access-Client-Id"] = nomad.accessClientId;
    headers["CF-Access-Client-Secret"] = nomad.accessClientSecret;
  }
  const init = { method: "POST", headers, body: JSON.stringify(request.body) };
  const answer = await boundedFetch(fetcher, url, init, MAX_ANSWER_BYTES);
  if (answer.status === null) {
    return {
      ok: false,
      error: "unreachable",
      detail: `no answer: ${answer.reason}`,
      retryAfterSeconds: null,
    };
  }
  const classified = classifyAnswer(answer.status, answer.headers, answer.text);
  if (classified.kind === "dispatched") return { ok: true, child: classified.child };
  return {
    ok: false,
    error: classified.error,
    // The payload holds the claim, and whatever stands before Nomad may say what it was sent.
    detail: cleanDetail(classified.detail, [
      nomad.token,
      nomad.accessClientSecret,
      nomad.accessClientId,
      request.body.Payload,
    ]),
    retryAfterSeconds: retryAfter(answer.headers),
  };
}
