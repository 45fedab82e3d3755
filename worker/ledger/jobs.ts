import { type LedgerContext, common, pickupMs } from "./context";
import { LEASE_MS, LEASE_OWN_REQUEST, type LeasedDispatch } from "./dispatches";
import { OPEN, firstRunner, requestShortage, trimSurplus } from "./fragments";
import { type Params, transaction } from "./statement";

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

export type JobState =
  "checking" | "waiting" | "parked" | "expired" | "refused" | "in_progress" | "completed";

/** What the ledger holds for the job once the transition is durable. */
export interface JobResult {
  readonly state: JobState | null;
  /** Whether this delivery changed the job; false for a duplicate or a late one. */
  readonly changed: boolean;
  /** The job's own request, where it was leased in the same batch; the lease began at `now`. */
  readonly leased: readonly LeasedDispatch[];
  readonly now: number;
  /** Whether any other request is due. */
  readonly due: boolean;
}

/** A job that policy or labels keep out (`:scope` is empty then) is only ever changed, never put in. */
const UPSERT_JOB = `INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, delivery,
    arrived_at, queued_at, started_at, completed_at, conclusion, runner_name, next_look_at, updated_at, op)
  SELECT :job, :scope, :class, :repo, :run, :name, :fork, :state, :delivery,
    :now, :now, :started, :completed, :conclusion, nullif(:runner, ''), :look, :now, :op
  WHERE :scope <> '' OR EXISTS (SELECT 1 FROM jobs WHERE job_id = :job)
  ON CONFLICT (job_id) DO UPDATE SET op = :op, updated_at = :now`;

const READ_JOB = `SELECT state, op = :op AS changed,
    EXISTS (SELECT 1 FROM runners WHERE state = 'requested' AND next_attempt_at <= :now) AS due
  FROM jobs WHERE job_id = :job`;

const JOB_OF_OP = "SELECT scope, class FROM jobs WHERE job_id = :job AND op = :op";
const RUNNER_OF_OP = "SELECT scope, class FROM runners WHERE name = :runner AND op = :op";

/**
 * Records a job that waits, and requests its runner. The same delivery again changes nothing; another delivery of a
 * job that waits restarts its 24 hours and requests only what is short.
 * @param check the run must be looked up before a runner may be dispatched (public repository, forks refused)
 * @param lease leases its request for this caller to send; not for a class with limits
 */
export async function queued(
  ledger: LedgerContext,
  job: PlacedJob,
  check: boolean,
  lease = false,
): Promise<JobResult> {
  const params = jobParams(ledger, job, check ? "checking" : "waiting");
  return run(ledger, { ...params, until: params.now + LEASE_MS }, [
    `${UPSERT_JOB}, queued_at = :now, delivery = :delivery, looks = 0, next_look_at = :look,
      state = iif(state IN ('parked', 'expired'), :state, state)
    WHERE state IN ('waiting', 'checking', 'parked', 'expired') AND delivery IS NOT :delivery`,
    firstRunner("job_id = :job"),
    requestShortage(JOB_OF_OP),
    ...(lease ? LEASE_OWN_REQUEST : []),
  ]);
}

/**
 * Records that a job runs. A runner of ours becomes busy whatever job took it; when that job was not counted as
 * waiting for it, another runner is requested.
 * @param job null when policy or labels do not let the job into the ledger
 * @param runner a name of this stack, or null
 */
export async function started(
  ledger: LedgerContext,
  jobId: number,
  job: PlacedJob | null,
  runner: string | null,
): Promise<JobResult> {
  const params = { ...jobParams(ledger, job, "in_progress"), job: jobId, runner: runner ?? "" };
  return run(ledger, { ...params, started: params.now }, [
    `${UPSERT_JOB}, state = :state, started_at = :now, runner_name = nullif(:runner, '') WHERE state IN ${OPEN}`,
    // That a holder is to be removed was our guess, so a delivery that names the runner overrules it.
    `UPDATE runners SET state = 'busy', live = 1, taken_job_id = :job, taken_done = 0, busy_at = :now, until = :now + span,
      op = :op, looks = 0, next_look_at = 0, ended_at = NULL, end_reason = NULL
    WHERE name = :runner AND (state IN ('requested', 'dispatched', 'claimed')
        OR (state = 'busy' AND taken_job_id IS NULL)
        OR (state = 'removing' AND busy_at IS NULL))
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
  return run(ledger, { ...params, completed: params.now }, [
    `${UPSERT_JOB}, state = :state, completed_at = :now, conclusion = :conclusion,
      runner_name = coalesce(nullif(:runner, ''), runner_name) WHERE state <> 'completed'`,
    // One that GitHub would not let go of stays until it is deleted there, but takes no place any more.
    `UPDATE runners SET taken_done = 1, op = :op, taken_job_id = coalesce(taken_job_id, :job),
      state = iif(state = 'removing', state, 'ended'), live = state = 'removing',
      ended_at = iif(state = 'removing', NULL, :now), end_reason = iif(state = 'removing', NULL, 'done')
    WHERE (live = 1 OR end_reason = 'unneeded')
      AND (name = :runner OR (state IN ('busy', 'removing') AND taken_job_id = :job))`,
    requestShortage(
      `${RUNNER_OF_OP} UNION ALL SELECT scope, class FROM runners WHERE taken_job_id = :job AND op = :op`,
    ),
    trimSurplus(JOB_OF_OP),
  ]);
}

async function run(
  ledger: LedgerContext,
  params: Params & { readonly now: number },
  statements: readonly string[],
): Promise<JobResult> {
  const results = await transaction(
    ledger,
    [...statements, READ_JOB].map((sql) => ({ sql, params })),
  );
  const row = results.at(-1)?.[0];
  const leased = statements.at(-1) === LEASE_OWN_REQUEST[1] ? results.at(-2) : [];
  return {
    state: (row?.["state"] as JobState | undefined) ?? null,
    changed: row?.["changed"] === 1,
    leased: leased as unknown as readonly LeasedDispatch[],
    now: params.now,
    // Of a job that is not in the ledger nothing was read.
    due: row?.["due"] !== 0,
  };
}

function jobParams(
  ledger: LedgerContext,
  job: PlacedJob | null,
  state: JobState,
): Record<string, string | number | null> & { now: number } {
  const params = common(ledger);
  return {
    ...params,
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
    runner: "",
    // When GitHub is first asked about it: a job that waits when it should long have had its runner, or at once for a
    // run that must be looked up.
    look: params.now + (job === null || state === "checking" ? 0 : pickupMs(ledger, job.class)),
  };
}
