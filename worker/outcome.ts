import type { ClaimGranted } from "../contracts/claim";

/** Everything this Worker can answer. What the caller may learn is here; why it happened goes to the log. */
export type Outcome =
  | { readonly kind: "accepted"; readonly jobId: number; readonly state: string | null; readonly duplicate: boolean }
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "unusable"; readonly reason: string }
  | { readonly kind: "bad_signature" }
  | { readonly kind: "too_large"; readonly limitBytes: number }
  | { readonly kind: "not_durable" }
  | { readonly kind: "not_configured" }
  | { readonly kind: "method_not_allowed"; readonly allow: string }
  | { readonly kind: "not_found" }
  | { readonly kind: "claim_granted"; readonly granted: ClaimGranted }
  | { readonly kind: "claim_refused"; readonly reason: "malformed" | "forged" | "expired" }
  | { readonly kind: "claim_used" }
  | { readonly kind: "nothing_waits" }
  | { readonly kind: "github_refused" }
  | { readonly kind: "try_again"; readonly retryAfterSeconds: number }
  | { readonly kind: "released" }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "healthy"; readonly version: string }
  | { readonly kind: "unhealthy"; readonly version: string; readonly missing: readonly string[]; readonly invalid: readonly string[] }
  | { readonly kind: "status"; readonly status: unknown }
  | { readonly kind: "metrics"; readonly text: string };

/** How long GitHub's redelivery, or a runner, should leave the ledger alone. */
const LEDGER_RETRY_SECONDS = 5;

/** The one mapping from outcome to response. */
export function toResponse(outcome: Outcome): Response {
  switch (outcome.kind) {
    case "accepted":
      return json(202, { outcome: "accepted", job_id: outcome.jobId, state: outcome.state, duplicate: outcome.duplicate });
    case "ignored":
      return json(200, { outcome: "ignored", reason: outcome.reason });
    case "unusable":
      return json(400, { error: "delivery is signed but unusable", reason: outcome.reason });
    case "bad_signature":
      return json(401, { error: "X-Hub-Signature-256 is missing, malformed or wrong" });
    case "too_large":
      return json(413, { error: `body is over ${String(outcome.limitBytes)} bytes` });
    case "not_durable":
      return json(503, { error: "the ledger is not available; redeliver later" }, LEDGER_RETRY_SECONDS);
    case "not_configured":
      return json(503, { error: "the Worker is not configured; see /healthz" });
    case "method_not_allowed":
      return json(405, { error: `use ${outcome.allow}` }, undefined, { Allow: outcome.allow });
    case "not_found":
      return json(404, { error: "no such path" });
    case "claim_granted":
      return json(201, outcome.granted);
    case "claim_refused":
    case "unauthorized":
      return json(401, { error: "bearer is missing, wrong or expired" });
    case "claim_used":
      return json(409, { error: "this claim was used already" });
    case "nothing_waits":
      return json(410, { error: "nothing waits for a runner; exit without registering" });
    case "github_refused":
      return json(502, { error: "GitHub refused the runner; see the Worker's log and /status" });
    case "try_again":
      return json(503, { error: "not now; try again" }, outcome.retryAfterSeconds);
    case "released":
      return new Response(null, { status: 204 });
    case "healthy":
      return json(200, { status: "ok", version: outcome.version });
    case "unhealthy":
      return json(503, { status: "not configured", version: outcome.version, missing: outcome.missing, invalid: outcome.invalid });
    case "status":
      return json(200, outcome.status);
    case "metrics":
      return new Response(outcome.text, { headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8", ...NO_STORE } });
  }
}

/** Claims and JIT configs pass through here: nothing on the way may keep an answer. */
const NO_STORE = { "Cache-Control": "no-store" };

function json(status: number, body: unknown, retryAfterSeconds?: number, headers: Record<string, string> = {}): Response {
  const retry = retryAfterSeconds === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterSeconds)) };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...NO_STORE, ...retry, ...headers },
  });
}
