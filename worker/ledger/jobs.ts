import type { LedgerContext } from "./context";
import { OPEN, requestShortage, trimSurplus } from "./fragments";
import { type Params, type Row, type Statement, transaction } from "./statement";

/** A workflow job as a delivery describes it, once policy and labels have placed it. */
export interface PlacedJob {
  readonly jobId: number;
  readonly scope: string;
  readonly class: string;
  readonly repo: string;
  readonly runId: number;
  readonly name: string;
  readonly fork: boolean;
  readonly delivery: string;
}

export type JobState = "checking" | "waiting" | "parked" | "expired" | "refused" | "in_progress" | "completed";

/** What the ledger holds for the job once the transition is durable. */
export interface JobResult {
  readonly state: JobState | null;
  /** Whether this delivery changed the job; false for a duplicate or a late one. */
  readonly changed: boolean;
}

const INSERT_JOB = `INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, delivery,
    arrived_at, queued_at, started_at, completed_at, conclusion, runner_name, next_look_at, updated_at, op)
  VALUES (:job, :scope, :class, :repo, :run, :name, :fork, :state, :delivery,
    :now, :now, :started, :completed, :conclusion, :runner, :look, :now, :op)
  ON CONFLICT (job_id) DO UPDATE SET op = :op, updated_at = :now`;

const READ_JOB = "SELECT state, op = :op AS changed FROM jobs WHERE job_id = :job";

/** Asks by itself for one runner, when the job is new; `INSERT OR IGNORE` makes it the same one when sent twice. */
const FIRST_RUNNER = `INSERT OR IGNORE INTO runners
    (name, job_id, ordinal, scope, class, state, requested_at, next_attempt_at, op)
  SELECT :stack || '-' || class || '-' || job_id || '-1', job_id, 1, scope, class, 'requested', :now, :now, :op
  FROM jobs WHERE job_id = :job AND op = :op AND state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM runners WHERE job_id = :job)`;

const JOB_OF_OP = "SELECT scope, class FROM jobs WHERE job_id = :job AND op = :op";
const RUNNER_OF_OP = "SELECT scope, class FROM runners WHERE name = :runner AND op = :op";

/**
 * Records a job that waits, and requests its runner. The same delivery again changes nothing; another delivery of a
 * job that waits restarts its 24 hours and requests only what is short.
 * @param check the run must be looked up before a runner may be dispatched (public repository, forks refused)
 */
export async function queued(ledger: LedgerContext, job: PlacedJob, check: boolean): Promise<JobResult> {
  const params = jobParams(ledger, job, check ? "checking" : "waiting");
  return run(ledger, params, [
    `${INSERT_JOB}, queued_at = :now, delivery = :delivery, looks = 0, next_look_at = :look,
      state = CASE WHEN state IN ('parked', 'expired') THEN :state ELSE state END
    WHERE state IN ('waiting', 'checking', 'parked', 'expired') AND delivery IS NOT :delivery`,
    FIRST_RUNNER,
    requestShortage(JOB_OF_OP),
  ]);
}

/**
 * Records that a job runs. A runner of ours becomes busy whatever job took it; when that job was not counted as
 * waiting for it, another runner is requested.
 * @param job null when policy or labels do not let the job into the ledger
 * @param runner a name of this stack, or null
 */
export async function started(ledger: LedgerContext, jobId: number, job: PlacedJob | null, runner: string | null): Promise<JobResult> {
  const params = { ...jobParams(ledger, job, "in_progress"), job: jobId, runner: runner ?? "" };
  const change = "state = 'in_progress', started_at = :now, runner_name = nullif(:runner, '')";
  return run(ledger, { ...params, started: params.now, completed: null, conclusion: null }, [
    job === null
      ? `UPDATE jobs SET ${change}, updated_at = :now, op = :op WHERE job_id = :job AND state IN ${OPEN}`
      : `${INSERT_JOB}, ${change} WHERE state IN ${OPEN}`,
    // `unanswered` is our guess after silence, so a delivery that names the runner overrules it.
    `UPDATE runners SET state = 'busy', live = 1, taken_job_id = :job, taken_done = 0, busy_at = :now,
      op = :op, looks = 0, next_look_at = 0, ended_at = NULL, end_reason = NULL
    WHERE name = :runner AND (state IN ('requested', 'dispatched', 'claimed')
        OR (state = 'busy' AND taken_job_id IS NULL)
        OR (state = 'removing' AND busy_at IS NULL) OR (state = 'ended' AND end_reason = 'unanswered'))
      AND NOT EXISTS (SELECT 1 FROM jobs WHERE job_id = :job AND state = 'completed')`,
    requestShortage(RUNNER_OF_OP),
    trimSurplus(JOB_OF_OP),
  ]);
}

/** Records that a job is over, and with it the runner that it ran on. */
export async function completed(
  ledger: LedgerContext,
  jobId: number,
  job: PlacedJob | null,
  runner: string | null,
  conclusion: string | null,
): Promise<JobResult> {
  const params = { ...jobParams(ledger, job, "completed"), job: jobId, runner: runner ?? "", conclusion };
  const change = `state = 'completed', completed_at = :now, conclusion = :conclusion,
    runner_name = coalesce(nullif(:runner, ''), runner_name)`;
  const ofThisJob = "(name = :runner OR (state IN ('busy', 'removing') AND taken_job_id = :job))";
  return run(ledger, { ...params, started: null, completed: params.now }, [
    job === null
      ? `UPDATE jobs SET ${change}, updated_at = :now, op = :op WHERE job_id = :job AND state <> 'completed'`
      : `${INSERT_JOB}, ${change} WHERE state <> 'completed'`,
    `UPDATE runners SET taken_done = 1, op = :op,
      state = CASE WHEN state = 'removing' THEN state ELSE 'ended' END,
      live = CASE WHEN state = 'removing' THEN live ELSE 0 END,
      taken_job_id = coalesce(taken_job_id, :job),
      ended_at = CASE WHEN state = 'removing' THEN ended_at ELSE :now END,
      end_reason = CASE WHEN state = 'removing' THEN end_reason ELSE 'done' END
    WHERE (live = 1 OR end_reason IN ('unanswered', 'unneeded')) AND ${ofThisJob}`,
    requestShortage(`${RUNNER_OF_OP} UNION ALL SELECT scope, class FROM runners WHERE taken_job_id = :job AND op = :op`),
    trimSurplus(JOB_OF_OP),
  ]);
}

/** What GitHub said about the run of a job whose repository is public. */
export async function checked(ledger: LedgerContext, jobId: number, verdict: "waiting" | "refused"): Promise<JobResult> {
  const params = { ...base(ledger), job: jobId, state: verdict };
  return run(ledger, params, [
    `UPDATE jobs SET state = :state, updated_at = :now, op = :op, looks = 0,
      next_look_at = :now + coalesce((SELECT pickup FROM (SELECT value ->> 'name' AS name, value ->> 'pickup' AS pickup
        FROM json_each(:classes)) c WHERE c.name = jobs.class), 300000)
    WHERE job_id = :job AND state = 'checking'`,
    FIRST_RUNNER,
    requestShortage(JOB_OF_OP),
  ]);
}

async function run(ledger: LedgerContext, params: Params, statements: readonly string[]): Promise<JobResult> {
  const batch: Statement[] = [...statements, READ_JOB].map((sql) => ({ sql, params }));
  const results = await transaction(ledger, batch);
  const row: Row | undefined = results.at(-1)?.[0];
  return { state: (row?.["state"] as JobState | undefined) ?? null, changed: row?.["changed"] === 1 };
}

function base(ledger: LedgerContext): { now: number; op: string; stack: string; classes: string } {
  return { now: ledger.now(), op: ledger.newOp(), stack: ledger.stackId, classes: ledger.classes };
}

function jobParams(ledger: LedgerContext, job: PlacedJob | null, state: JobState): Record<string, string | number | null> & { now: number } {
  const common = base(ledger);
  const classes = JSON.parse(ledger.classes) as readonly { name: string; pickup: number }[];
  const pickup = classes.find((one) => one.name === job?.class)?.pickup ?? 0;
  return {
    ...common,
    state,
    job: job?.jobId ?? 0,
    scope: job?.scope ?? "",
    class: job?.class ?? "",
    repo: job?.repo ?? "",
    run: job?.runId ?? 0,
    name: job?.name ?? "",
    fork: job?.fork === true ? 1 : 0,
    delivery: job?.delivery ?? "",
    started: null,
    completed: null,
    conclusion: null,
    runner: null,
    // When GitHub is first asked about it: a job that waits when it should long have had its runner, or at once for a
    // run that must be looked up.
    look: state === "checking" ? common.now : common.now + pickup,
  };
}

