import {
  DELIVERY_GUID,
  OWNER,
  REPOSITORY_FULL_NAME,
  RUNNER_LABEL,
  RUNNER_NAME,
  cleanJobName,
  isId,
  matches,
} from "../contracts/patterns";
import { MAX_LABELS } from "../contracts/policy";
import { type Json, asRecord, parseJson } from "./json";

/** A `workflow_job` delivery, every field matched or cleaned.
 *  @see https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_job */
export interface WorkflowJobEvent {
  /** `X-GitHub-Delivery`; a redelivery carries the same. */
  readonly delivery: string;
  readonly action: "queued" | "in_progress" | "completed";
  readonly jobId: number;
  readonly runId: number;
  /** For people only, cleaned. */
  readonly name: string;
  /** As `runs-on` has them. Empty, too, where an `in_progress` or `completed` job has labels that no class of ours can
   *  have: it is then no job of ours, but the runner it names may be. */
  readonly labels: readonly string[];
  /** Of a completed job; null when GitHub sent none that is known. */
  readonly conclusion: string | null;
  readonly runnerName: string | null;
  readonly repository: {
    readonly fullName: string;
    readonly owner: string;
    /** False unless GitHub says so: a public repository gets less. */
    readonly private: boolean;
    readonly fork: boolean;
  };
  /** Login of the organization, when GitHub sent one. */
  readonly organization: string | null;
}

/** `unusable`: signed, but the sender must be configured otherwise (400). `ignored`: fine, and nothing to do (200).
 *  The reasons are stable words. */
export type ParsedEvent =
  | { readonly kind: "unusable"; readonly reason: UnusableReason }
  | { readonly kind: "ping" }
  | { readonly kind: "ignored"; readonly reason: IgnoredReason }
  | { readonly kind: "workflow_job"; readonly event: WorkflowJobEvent };

export type UnusableReason =
  | "no_event_header"
  | "bad_event_header"
  | "no_delivery_header"
  | "bad_delivery_header"
  | "form_encoded"
  | "not_utf8"
  | "not_json"
  | "not_an_object"
  | "no_action"
  | "no_workflow_job"
  | "bad_job_id"
  | "bad_run_id"
  | "bad_labels"
  | "no_repository"
  | "bad_repository";

export type IgnoredReason =
  | "other_event"
  | "action_waiting"
  | "other_action"
  | "status_waiting"
  | "status_not_queued"
  | "too_many_labels"
  | "bad_label";

/** What GitHub documents, so that a new word never reaches the ledger. */
const CONCLUSIONS: ReadonlySet<unknown> = new Set([
  "success",
  "failure",
  "skipped",
  "cancelled",
  "action_required",
  "neutral",
  "timed_out",
  "stale",
  "startup_failure",
]);

/**
 * Reads a delivery whose signature was right. A right signature says who sent it, not that its texts are harmless:
 * repository, job and label names are written by whoever may push. Never throws.
 * @param body at most 2 MiB, the caller's bound
 */
export function parseEvent(headers: Headers, body: Uint8Array): ParsedEvent {
  const eventName = headers.get("x-github-event");
  if (eventName === null || eventName === "") return unusable("no_event_header");
  if (!/^[a-z0-9_]{1,64}$/.test(eventName)) return unusable("bad_event_header");
  const delivery = headers.get("x-github-delivery");
  if (delivery === null || delivery === "") return unusable("no_delivery_header");
  if (!matches(DELIVERY_GUID, delivery)) return unusable("bad_delivery_header");
  // GitHub's default for a hook is the form encoding, so this is the mistake to name.
  if (/^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "")) {
    return unusable("form_encoded");
  }
  const text = decode(body);
  if (text === null) return unusable("not_utf8");
  const json = parseJson(text);
  if (json === undefined) return unusable("not_json");
  const payload = asRecord(json);
  if (payload === null) return unusable("not_an_object");
  if (eventName === "ping") return { kind: "ping" };
  if (eventName !== "workflow_job") return ignored("other_event");
  return workflowJob(delivery, payload);
}

function workflowJob(delivery: string, payload: Json): ParsedEvent {
  const action = payload["action"];
  if (typeof action !== "string") return unusable("no_action");
  if (action === "waiting") return ignored("action_waiting");
  if (action !== "queued" && action !== "in_progress" && action !== "completed")
    return ignored("other_action");
  const job = asRecord(payload["workflow_job"]);
  if (job === null) return unusable("no_workflow_job");
  const { id: jobId, run_id: runId } = job;
  if (!isId(jobId)) return unusable("bad_job_id");
  if (!isId(runId)) return unusable("bad_run_id");
  const repository = readRepository(payload["repository"]);
  if (typeof repository === "string") return unusable(repository);
  // `queued` can carry the status `waiting`: an approval gate of an environment holds the job.
  if (action === "queued" && job["status"] !== "queued") {
    return ignored(job["status"] === "waiting" ? "status_waiting" : "status_not_queued");
  }
  const labels = readLabels(job["labels"]);
  if (labels === "bad_labels") return unusable(labels);
  if (typeof labels === "string" && action === "queued") return ignored(labels);
  const conclusion = job["conclusion"];
  const runnerName = job["runner_name"];
  const organization = asRecord(payload["organization"])?.["login"];
  return {
    kind: "workflow_job",
    event: {
      delivery,
      action,
      jobId,
      runId,
      name: cleanJobName(job["name"]),
      labels: typeof labels === "string" ? [] : labels,
      conclusion: action === "completed" && CONCLUSIONS.has(conclusion) ? (conclusion as string) : null,
      runnerName: matches(RUNNER_NAME, runnerName) ? runnerName : null,
      repository,
      organization: matches(OWNER, organization) ? organization : null,
    },
  };
}

/** Reads a repository as a delivery and a workflow run show it. @returns the reason when it cannot be read */
export function readRepository(
  value: unknown,
): WorkflowJobEvent["repository"] | "no_repository" | "bad_repository" {
  const raw = asRecord(value);
  if (raw === null) return "no_repository";
  const fullName = raw["full_name"];
  if (!matches(REPOSITORY_FULL_NAME, fullName)) return "bad_repository";
  return {
    fullName,
    owner: fullName.slice(0, fullName.indexOf("/")),
    private: raw["private"] === true && raw["visibility"] !== "public",
    fork: raw["fork"] === true,
  };
}

/** @returns the reason when they cannot be read */
export function readLabels(value: unknown): string[] | "bad_labels" | "too_many_labels" | "bad_label" {
  if (!Array.isArray(value)) return "bad_labels";
  if (value.length > MAX_LABELS) return "too_many_labels";
  const labels: string[] = [];
  for (const label of value as unknown[]) {
    if (typeof label !== "string") return "bad_labels";
    if (!matches(RUNNER_LABEL.pattern, label)) return "bad_label";
    labels.push(label);
  }
  return labels;
}

function decode(body: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return null;
  }
}

function unusable(reason: UnusableReason): ParsedEvent {
  return { kind: "unusable", reason };
}

function ignored(reason: IgnoredReason): ParsedEvent {
  return { kind: "ignored", reason };
}
