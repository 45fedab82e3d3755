import { randomBytes, randomUUID } from "node:crypto";
import { NomadRefusal } from "./answer";
import type { DispatchRequest } from "./decode";
import type { Child, DispatchRules, NomadJob } from "./types";

/** @see https://github.com/hashicorp/nomad/blob/v2.0.5/nomad/job_endpoint.go (DispatchPayloadSizeLimit) */
const MAX_PAYLOAD_BYTES = 16_384;
const PRIORITY = { min: 1, max: 100 };

/** What a dispatch reads and changes. */
export interface JobStore {
  readonly jobs: ReadonlyMap<string, NomadJob>;
  readonly children: Map<string, Child>;
  /** Raft's index: one more for every change. */
  nextIndex(): number;
}

/**
 * Dispatches: parent, rules, then idempotency, in the server's order. So a repeated request with another set of meta
 * fails instead of returning the earlier child.
 * @see https://github.com/hashicorp/nomad/blob/v2.0.5/nomad/job_endpoint.go (Job.Dispatch, validateDispatchRequest)
 * @throws NomadRefusal 500, whatever the mistake was
 */
export function dispatch(
  store: JobStore,
  jobId: string,
  request: DispatchRequest,
  idempotencyToken: string | null,
): { readonly child: Child; readonly duplicate: boolean } {
  const parent = store.jobs.get(jobId);
  if (parent === undefined) throw new NomadRefusal(500, "parameterized job not found");
  if (parent.parameterized === null) {
    throw new NomadRefusal(500, `Specified job "${jobId}" is not a parameterized job`);
  }
  if (parent.stopped) throw new NomadRefusal(500, `Specified job "${jobId}" is stopped`);
  validate(request, parent.parameterized);
  if (idempotencyToken !== null) {
    const earlier = [...store.children.values()].find(
      (child) => child.parent === jobId && child.token === idempotencyToken,
    );
    if (earlier !== undefined) return { child: earlier, duplicate: true };
  }
  const index = store.nextIndex();
  const prefix = request.idPrefix === "" ? "" : `${request.idPrefix}-`;
  const seconds = String(Math.floor(Date.now() / 1000));
  const child: Child = {
    id: `${jobId}/dispatch-${prefix}${seconds}-${randomBytes(4).toString("hex")}`,
    parent: jobId,
    job: parent,
    token: idempotencyToken,
    meta: request.meta,
    payload: request.payload,
    createIndex: index,
    modifyIndex: index,
    status: "pending",
    stopped: false,
    allocations: [],
  };
  store.children.set(child.id, child);
  return { child, duplicate: false };
}

/** The body of a 200. A duplicate is told by its empty evaluation. */
export function dispatchAnswer(child: Child, duplicate: boolean): object {
  return {
    DispatchedJobID: child.id,
    EvalCreateIndex: duplicate ? 0 : child.createIndex,
    EvalID: duplicate ? "" : randomUUID(),
    Index: child.modifyIndex,
    JobCreateIndex: child.createIndex,
  };
}

function validate(request: DispatchRequest, rules: DispatchRules): void {
  const { payload, meta, priority } = request;
  if (rules.payload === "required" && payload.length === 0) {
    throw new NomadRefusal(500, "Payload is not provided but required by parameterized job");
  }
  if (rules.payload === "forbidden" && payload.length > 0) {
    throw new NomadRefusal(500, "Payload provided but forbidden by parameterized job");
  }
  if (payload.length > MAX_PAYLOAD_BYTES) {
    const sizes = `${String(payload.length)} > ${String(MAX_PAYLOAD_BYTES)}`;
    throw new NomadRefusal(500, `Payload exceeds maximum size; ${sizes}`);
  }
  const permitted = new Set([...rules.metaRequired, ...rules.metaOptional]);
  const extra = Object.keys(meta).filter((key) => !permitted.has(key));
  if (extra.length > 0) {
    throw new NomadRefusal(500, `Dispatch request included unpermitted metadata keys: [${extra.join(" ")}]`);
  }
  const missing = rules.metaRequired.filter((key) => !(key in meta));
  if (missing.length > 0) {
    throw new NomadRefusal(500, `Dispatch did not provide required meta keys: [${missing.join(" ")}]`);
  }
  if (priority !== 0 && (priority < PRIORITY.min || priority > PRIORITY.max)) {
    const range = `[${String(PRIORITY.min)}, ${String(PRIORITY.max)}]`;
    throw new NomadRefusal(500, `dispatch job priority must be between ${range}`);
  }
}
