import { asRecord, parseJson } from "./json";

/**
 * Why a dispatch did not happen, by who must act:
 * - `transient` Nomad cannot now (no leader, dispatch disabled for the moment): try again
 * - `throttled` Nomad's or Cloudflare's limit on connections: try again later
 * - `permanent` the job or the request is wrong: nothing helps until an operator changes something
 * - `denied` Nomad refused its ACL token
 * - `access` Cloudflare Access, or something else in front of Nomad, answered instead of Nomad
 * - `unreachable` no answer, or Cloudflare says that the tunnel or the origin is down
 */
export type DispatchError = "transient" | "throttled" | "permanent" | "denied" | "access" | "unreachable";

export type AnswerClass =
  | { readonly kind: "dispatched"; readonly child: string | null }
  | { readonly kind: "failed"; readonly error: DispatchError; readonly detail: string };

/** Nomad answers an operator's mistakes with 500, as it does an election; only the text tells them apart.
 *  @see https://github.com/hashicorp/nomad/blob/v2.0.5/nomad/job_endpoint.go (Dispatch, validateDispatchRequest) */
const PERMANENT_TEXT =
  /not found|not a parameterized|is stopped|Payload |metadata keys|meta keys|priority must/;

/** Statuses by which a proxy says that the origin did not answer: 502–504, and Cloudflare's 520–530.
 *  @see https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/ */
function isOriginDown(status: number): boolean {
  return (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
}

/**
 * Classifies an answer to `POST /v1/job/{job}/dispatch` by its body, not by its status alone.
 * @param text the body, perhaps cut; not yet cleaned, and neither is the `detail` that is returned
 */
export function classifyAnswer(status: number, headers: Headers, text: string): AnswerClass {
  const html = isHtml(headers, text);
  const said = html ? "an HTML page" : text.trim() === "" ? "an empty body" : text.trim();
  const failed = (error: DispatchError, what = `answered ${status}: ${said}`): AnswerClass => ({
    kind: "failed",
    error,
    detail: what,
  });

  if (status < 200 || (status >= 300 && status < 400)) {
    return failed("access", `answered ${status} with a redirect to ${locationHost(headers)}`);
  }
  if (status === 429) return failed("throttled");
  if (isOriginDown(status)) return failed("unreachable");
  if (status === 401 || html) return failed("access");
  if (status < 300) {
    const dispatched = dispatchedChild(text);
    // Not refused as `access`: whatever said JSON may well have dispatched, and the idempotency token makes a second
    // try harmless.
    return dispatched ?? failed("transient", `answered ${status} without a DispatchedJobID`);
  }
  if (text.includes("Permission denied")) return failed("denied");
  // cloudflared (no or wrong Access JWT) and Cloudflare's firewall answer 403 too; none of them says what Nomad says.
  if (status === 403) return failed(text.includes("scheduler configuration") ? "transient" : "access");
  if (status === 408 || status === 425) return failed("transient");
  if (status < 500 || (status === 500 && PERMANENT_TEXT.test(text))) return failed("permanent");
  return failed("transient");
}

/** @returns undefined when the body does not name a child. `child` is null when its name is not fit to be kept */
function dispatchedChild(text: string): AnswerClass | undefined {
  const id = asRecord(parseJson(text))?.["DispatchedJobID"];
  if (typeof id !== "string" || id === "") return undefined;
  return { kind: "dispatched", child: /^[\x21-\x7e]{1,512}$/.test(id) ? id : null };
}

function isHtml(headers: Headers, text: string): boolean {
  return /^(text\/html|application\/xhtml)/i.test(headers.get("content-type") ?? "") || /^\s*</.test(text);
}

/** Only the host: an Access login URL carries a token in its query. */
function locationHost(headers: Headers): string {
  try {
    return new URL(headers.get("location") ?? "").host;
  } catch {
    return "nowhere";
  }
}
