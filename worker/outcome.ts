import type { ClaimGranted } from "../contracts/claim";
import type { PausesAnswer } from "../contracts/pauses";

/** Everything this Worker can answer. What the caller may learn is here; why it happened goes to the log. */
export type Outcome =
  | {
      readonly kind: "accepted";
      readonly jobId: number;
      readonly state: string | null;
      readonly duplicate: boolean;
    }
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
  | {
      readonly kind: "unhealthy";
      readonly version: string;
      readonly missing: readonly string[];
      readonly invalid: readonly string[];
    }
  | { readonly kind: "status"; readonly status: unknown }
  | { readonly kind: "metrics"; readonly text: string }
  | { readonly kind: "pauses"; readonly answer: PausesAnswer }
  /** A pause began or ended. */
  | { readonly kind: "changed" }
  | { readonly kind: "no_such_repository" };

/** How long GitHub's redelivery should leave the ledger alone. */
const LEDGER_RETRY_SECONDS = 5;

/** The one mapping from outcome to response. */
export function toResponse(outcome: Outcome): Response {
  switch (outcome.kind) {
    case "accepted": {
      const { jobId, state, duplicate } = outcome;
      return json(202, { outcome: "accepted", job_id: jobId, state, duplicate });
    }
    case "ignored":
      return json(200, { outcome: "ignored", reason: outcome.reason });
    case "unusable":
      return json(400, { error: "delivery is signed but unusable", reason: outcome.reason });
    case "bad_signature":
      return error(401, "X-Hub-Signature-256 is missing, malformed or wrong");
    case "too_large":
      return error(413, `body is over ${outcome.limitBytes} bytes`);
    case "not_durable":
      return error(503, "the ledger is not available; redeliver later", retryAfter(LEDGER_RETRY_SECONDS));
    case "not_configured":
      return error(503, "the Worker is not configured; see /healthz");
    case "method_not_allowed":
      return error(405, `use ${outcome.allow}`, { Allow: outcome.allow });
    case "not_found":
      return error(404, "no such path");
    case "claim_granted":
      return json(201, outcome.granted);
    case "claim_refused":
    case "unauthorized":
      return error(401, "bearer is missing, wrong or expired");
    case "claim_used":
      return error(409, "this claim was used already");
    case "nothing_waits":
      return error(410, "nothing waits for a runner; exit without registering");
    case "github_refused":
      return error(502, "GitHub refused the runner; see the Worker's log and /status");
    case "try_again":
      return error(503, "not now; try again", retryAfter(outcome.retryAfterSeconds));
    case "no_such_repository":
      return error(404, "the policy names no such repository");
    case "released":
    case "changed":
      return new Response(null, { status: 204 });
    case "healthy":
      return json(200, { status: "ok", version: outcome.version });
    case "unhealthy": {
      const { version, missing, invalid } = outcome;
      return json(503, { status: "not configured", version, missing, invalid });
    }
    case "status":
      return json(200, outcome.status);
    case "pauses":
      return json(200, outcome.answer);
    case "metrics":
      return new Response(outcome.text, {
        headers: { ...NO_STORE, "Content-Type": "text/plain; version=0.0.4" },
      });
  }
}

/** Claims and JIT configs pass through here: nothing on the way may keep an answer. */
const NO_STORE = { "Cache-Control": "no-store" };

type ExtraHeaders = Readonly<Record<string, string>>;

function json(status: number, body: unknown, headers?: ExtraHeaders): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...NO_STORE, "Content-Type": "application/json", ...headers },
  });
}

function error(status: number, text: string, headers?: ExtraHeaders): Response {
  return json(status, { error: text }, headers);
}

function retryAfter(seconds: number): ExtraHeaders {
  return { "Retry-After": String(Math.ceil(seconds)) };
}
