import { CLAIM_LIFETIME_SECONDS, CLAIM_PATH } from "../contracts/claim";
import {
  type DispatchBody,
  dispatchBody,
  idempotencyToken,
  poolDispatchBody,
  poolIdempotencyToken,
} from "../contracts/dispatch";
import type { RunnerClass } from "../contracts/policy";
import type { App } from "./app";
import { signClaim } from "./claim-token";
import { base64 } from "./encoding";
import {
  type DispatchOutcome,
  LEASE_MS,
  type LeasedDispatch,
  deadlineMs,
  leaseDispatches,
  recordDispatches,
} from "./ledger/dispatches";
import type { JobResult } from "./ledger/jobs";
import { log } from "./log";
import { type DispatchError, type DispatchResult, dispatchJob } from "./nomad";
import { keepPools, poolSize } from "./pools";
import { mapSixAtATime, sleep } from "./timing";

/** After the answer to GitHub an invocation may go on for 30 s.
 *  @see https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
const FOLLOW_MS = 25_000;

/** A fetch may take 8 s, so what is not begun by then would outlive its lease. */
const SAFE_LEASE_MS = LEASE_MS - 8_000;

const SLOWEST_MS = 60_000;

/** One pass: how many were sent, and when those that failed may be tried again. */
export interface Pass {
  readonly sent: number;
  readonly retries: readonly number[];
}

/** What a delivery's own transaction has leased and seen. */
export type Begun = Pick<JobResult, "leased" | "now" | "due">;

/**
 * Requests what pools lack, sends what is due, and retries what failed for now, within the time after an answer. What
 * does not get through is left to the sweep.
 * @param begun what is leased already is sent first, and a pass over the ledger made where more is due. @default a pass
 */
export async function dispatchSoon(app: App, begun?: Begun): Promise<void> {
  const end = app.now() + FOLLOW_MS;
  let retries =
    begun === undefined ? [] : (await sendLeased(app, begun.leased, begun.now, recordSoon)).retries;
  let due = begun?.due ?? true;
  if (app.subrequests.left() > PASS_COST && (await keepPools(app))) due = true;
  while (app.subrequests.left() >= PASS_COST) {
    if (!due) {
      const next = Math.min(...retries);
      if (next + 8_000 > end) return;
      await sleep(next - app.now());
    }
    const began = app.now();
    const pass = await dispatchDue(app, AT_ONCE);
    // What failed in an earlier pass is often due after what failed in this one, and no other sender may look for it.
    retries = [...retries.filter((at) => at > began), ...pass.retries];
    // After a full pass more may be due.
    due = pass.sent === AT_ONCE;
  }
}

/** Sends of one pass after an answer. */
const AT_ONCE = 6;

/** Lease and read, the sends, result and problem. */
const PASS_COST = 2 + AT_ONCE + 2;

/** Leases up to `limit` requests that are due, sends them six at a time, and writes the results. */
export async function dispatchDue(app: App, limit: number): Promise<Pass> {
  const leasedAt = app.now();
  return sendLeased(app, await leaseDispatches(app.ledger, limit), leasedAt);
}

async function sendLeased(
  app: App,
  leased: readonly LeasedDispatch[],
  leasedAt: number,
  record: typeof recordNow = recordNow,
): Promise<Pass> {
  const problems = new Map<string, string>();
  const outcomes = await mapSixAtATime(leased, async (one) => {
    if (app.now() - leasedAt > SAFE_LEASE_MS) return null;
    return send(app, one, problems);
  });
  const written = outcomes.filter((one) => one !== null);
  await record(app, written, problems);
  return {
    sent: written.length,
    retries: written.flatMap((one) => (one.ok ? [] : [one.nextAttemptAt])),
  };
}

type Problems = ReadonlyMap<string, string>;

async function recordNow(app: App, outcomes: readonly DispatchOutcome[], problems: Problems): Promise<void> {
  await recordDispatches(app.ledger, outcomes, problems);
}

/** What was sent and is not written yet, by ledger; kept per isolate. */
const unwritten = new WeakMap<D1Database, DispatchOutcome[]>();

/** What was sent is written when this span is over that all invocations share, so that the first to wake writes for all. */
const TOGETHER_MS = 50;

/**
 * Writes successes together with those of other deliveries at that time, so that each takes the ledger's time once and not
 * twice. What is lost with its isolate is sent again by the sweep, under the same idempotency token.
 */
async function recordSoon(app: App, outcomes: readonly DispatchOutcome[], problems: Problems): Promise<void> {
  if (problems.size > 0 || outcomes.length === 0) return recordNow(app, outcomes, problems);
  const list = unwritten.get(app.ledger.db) ?? [];
  unwritten.set(app.ledger.db, list);
  list.push(...outcomes);
  await sleep(TOGETHER_MS - (app.now() % TOGETHER_MS));
  await recordNow(app, list.splice(0), problems);
}

async function send(
  app: App,
  one: LeasedDispatch,
  problems: Map<string, string>,
): Promise<DispatchOutcome | null> {
  const runnerClass = app.config.policy.classes.find((candidate) => candidate.name === one.class);
  // The lease only takes classes of the policy.
  if (runnerClass === undefined) return null;
  const result = await request(app, one, runnerClass);
  const fields = {
    ...(one.warm === 1 ? { scope: one.scope, reason: "pool" } : { job_id: one.jobId, repo: one.repo }),
    ordinal: one.ordinal,
    class: one.class,
    attempt: one.attempts,
  };
  if (result.ok) {
    log("info", "dispatched", fields);
    return {
      name: one.name,
      ok: true,
      deadlineAt: app.now() + deadlineMs(runnerClass.pickupDeadlineSeconds * 1000, unheardOf(app, one)),
    };
  }
  problems.set(result.error, result.detail);
  log(isPermanent(result.error) ? "error" : "warn", "dispatch_failed", {
    ...fields,
    error: result.error,
    detail: result.detail,
  });
  return {
    name: one.name,
    op: one.op,
    ok: false,
    error: result.error,
    nextAttemptAt: app.now() + backoffMs(one.attempts, result),
  };
}

/** A pool's runners go unheard together: each time that its size is reached counts as one. */
function unheardOf(app: App, { warm, unheard, scope, class: className }: LeasedDispatch): number {
  return warm === 0 ? unheard : Math.floor(unheard / poolSize(app.config.policy, scope, className));
}

async function request(app: App, one: LeasedDispatch, runnerClass: RunnerClass): Promise<DispatchResult> {
  const { scope, class: className, ordinal } = one;
  let body: DispatchBody;
  try {
    body = await dispatchOf(app, one);
  } catch (error) {
    const detail = error instanceof Error ? error.message : "dispatch could not be built";
    return { ok: false, error: "permanent", detail, retryAfterSeconds: null };
  }
  const token =
    one.warm === 1 ? poolIdempotencyToken(scope, className, ordinal) : idempotencyToken(one.jobId, ordinal);
  return dispatchJob(app.config.nomad, { job: runnerClass.job, token, body }, app.fetch);
}

async function dispatchOf(app: App, one: LeasedDispatch): Promise<DispatchBody> {
  const { scope, class: className, jobId, ordinal } = one;
  const exp = Math.floor(app.now() / 1000) + CLAIM_LIFETIME_SECONDS;
  const claim_url = `${app.config.publicUrl}${CLAIM_PATH}`;
  // Job 0 makes it a claim of a pool's.
  const claim = await signClaim(
    { scope, class: className, job: jobId, ordinal, exp },
    app.config.claimKeys[0],
  );
  if (one.warm === 1) return poolDispatchBody({ scope, ordinal, claim_url, claim }, base64);
  const { repo, jobName: job, runId: run_id } = one;
  return dispatchBody({ repo, fork: one.fork === 1, job, run_id, job_id: jobId, claim_url, claim }, base64);
}

function isPermanent(error: DispatchError): boolean {
  return error === "permanent" || error === "denied";
}

/** 1, 2, 4, … s up to a minute; what only an operator can mend is tried at the slowest pace from the start. */
function backoffMs(
  attempts: number,
  result: { readonly error: DispatchError; readonly retryAfterSeconds: number | null },
): number {
  if (isPermanent(result.error)) return SLOWEST_MS;
  const step = 1000 * 2 ** Math.min(attempts - 1, 6);
  return Math.min(SLOWEST_MS, Math.max(step, (result.retryAfterSeconds ?? 0) * 1000));
}
