import { isOwnRunnerName } from "../contracts/runner-name";
import type { App } from "./app";
import { checkRuns } from "./check-runs";
import { dispatchSoon } from "./dispatch";
import { type WorkflowJobEvent, parseEvent } from "./event";
import { type JobResult, completed, queued, started } from "./ledger/jobs";
import type { Outcome } from "./outcome";
import { place } from "./place";
import { verifySignature } from "./signature";

/** What a delivery came to, and what is left to do once GitHub has its answer. */
export interface Received {
  readonly outcome: Outcome;
  readonly event: WorkflowJobEvent | null;
  readonly follow: (() => Promise<void>) | null;
}

/**
 * Takes one delivery: signature over the raw bytes first, then the event, then policy and labels, then the ledger.
 * @param openApp opened only for workflow jobs: whatever else is signed never touches the ledger
 * @throws LedgerUnavailable when it could not be made durable
 */
export async function receive(
  headers: Headers,
  body: Uint8Array,
  secrets: readonly string[],
  openApp: () => Promise<App>,
): Promise<Received> {
  if (!(await verifySignature(headers.get("X-Hub-Signature-256"), body, secrets))) {
    return { outcome: { kind: "bad_signature" }, event: null, follow: null };
  }
  const parsed = parseEvent(headers, body);
  switch (parsed.kind) {
    case "unusable":
      return { outcome: { kind: "unusable", reason: parsed.reason }, event: null, follow: null };
    case "ping":
      return { outcome: { kind: "ignored", reason: "ping" }, event: null, follow: null };
    case "ignored":
      return { outcome: { kind: "ignored", reason: parsed.reason }, event: null, follow: null };
    case "workflow_job":
      return { ...(await take(parsed.event, await openApp())), event: parsed.event };
  }
}

type Taken = Omit<Received, "event">;

async function take(event: WorkflowJobEvent, app: App): Promise<Taken> {
  const placed = place(app.config.policy, event);
  if (event.action === "queued") {
    if (placed.job === null) return ignored(placed.reason);
    const { check, job } = placed;
    const result = await queued(app.ledger, job, check, !check && isUnlimited(app, job.class));
    return accepted(event, result, check ? () => checkRuns(app) : rest(app, result));
  }
  // Whatever job a runner of ours took, it is busy or done: this is read before policy and labels have a say.
  const runner = isOwnRunnerName(app.ledger.stackId, event.runnerName) ? event.runnerName : null;
  if (placed.job === null && runner === null) return ignored(placed.reason);
  const result =
    event.action === "in_progress"
      ? await started(app.ledger, event.jobId, placed.job, runner)
      : await completed(app.ledger, event.jobId, placed.job, runner, event.conclusion);
  return accepted(event, result, rest(app, result));
}

function isUnlimited(app: App, className: string): boolean {
  const found = app.config.policy.classes.find(({ name }) => name === className);
  return found?.maxRunners === 0 && found.maxRunnersPerRepository === 0;
}

/** What is left to send; null where the ledger has just said that there is nothing. */
function rest(app: App, result: JobResult): Received["follow"] {
  const isAll = !result.due && result.leased.length === 0 && app.config.policy.pools.length === 0;
  return isAll ? null : () => dispatchSoon(app, result);
}

function ignored(reason: string): Taken {
  return { outcome: { kind: "ignored", reason }, follow: null };
}

function accepted(event: WorkflowJobEvent, result: JobResult, follow: Received["follow"]): Taken {
  return {
    outcome: { kind: "accepted", jobId: event.jobId, state: result.state, duplicate: !result.changed },
    follow,
  };
}
