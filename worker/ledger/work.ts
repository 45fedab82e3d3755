import type { LedgerContext } from "./context";
import { CLASSES, IS_HOLDER, requestShortage, trimSurplus } from "./fragments";
import { type Params, type Row, type Statement, transaction } from "./statement";

/** GitHub drops a job that was queued for so long, and a claim ends with it.
 *  @see https://docs.github.com/actions/reference/limits */
const QUEUED_MS = 24 * 60 * 60 * 1000;

/** How long finished rows stay for people to read. */
const KEEP_MS = 14 * 24 * 60 * 60 * 1000;

/** Rows deleted in one sweep, so that it stays short. */
const DELETE_AT_ONCE = 500;

/** Something to ask GitHub about. */
export type DueWork =
  /** May this public repository's run have a runner? */
  | { readonly kind: "check"; readonly jobId: number; readonly repo: string; readonly runId: number; readonly looks: number }
  /** Does this job really still wait? */
  | { readonly kind: "job"; readonly jobId: number; readonly repo: string; readonly looks: number; readonly pickupMs: number }
  /** What became of this runner? */
  | {
      readonly kind: "runner";
      readonly name: string;
      readonly scope: string;
      readonly state: "claimed" | "busy" | "removing";
      /** Past the time for which a claim taken counts. */
      readonly aged: boolean;
      readonly registrationId: number | null;
      readonly looks: number;
    };

const ALL_WAITING = "SELECT scope, class FROM jobs WHERE state = 'waiting'";
const ALL_REQUESTED = "SELECT scope, class FROM runners WHERE state = 'requested'";

/**
 * Ends what time has ended: jobs that waited a day, dispatches whose claim has run out. Then takes surplus requests
 * back and requests what is short, everywhere.
 */
export async function settle(ledger: LedgerContext): Promise<void> {
  const params = sweepParams(ledger);
  await transaction(ledger, [
    {
      sql: `UPDATE jobs SET state = 'expired', updated_at = :now, op = :op
        WHERE state IN ('waiting', 'checking') AND queued_at <= :now - ${String(QUEUED_MS)}`,
      params,
    },
    {
      sql: `UPDATE runners SET state = 'ended', live = 0, end_reason = 'lost', ended_at = :now, op = :op
        WHERE live = 1 AND state = 'dispatched' AND dispatched_at <= :now - ${String(QUEUED_MS)}`,
      params,
    },
    ...balance(params),
  ]);
}

function balance(params: Params): Statement[] {
  return [
    { sql: trimSurplus(ALL_REQUESTED), params },
    { sql: requestShortage(ALL_WAITING), params },
  ];
}

/**
 * What is due to be asked, most urgent first: runs to be checked, registrations to be removed, holders that do not
 * come to work while jobs wait or are too old, overdue busy runners, jobs that wait longer than they should.
 */
export async function dueWork(ledger: LedgerContext, limit: number): Promise<readonly DueWork[]> {
  const params = { ...sweepParams(ledger), limit };
  const sql = `WITH ${CLASSES}, due AS (
    SELECT 1 AS rank, 'check' AS kind, job_id, '' AS name, '' AS scope, repo, run_id, state, 0 AS aged,
      NULL AS registration_id, looks, 0 AS pickup, next_look_at FROM jobs
      WHERE state = 'checking' AND next_look_at <= :now
    UNION ALL
    SELECT CASE r.state WHEN 'removing' THEN 2 WHEN 'claimed' THEN 3 ELSE 4 END, 'runner', r.job_id, r.name, r.scope, '', 0,
      r.state, r.state = 'claimed' AND NOT ${IS_HOLDER}, r.registration_id, r.looks, 0, r.next_look_at
      FROM runners r LEFT JOIN cls c ON c.name = r.class
      WHERE r.live = 1 AND r.next_look_at <= :now AND (r.state = 'removing'
        OR (r.state = 'busy' AND r.busy_at <= :now - coalesce(c.span, 432600000))
        OR (r.state = 'claimed' AND (NOT ${IS_HOLDER} OR (r.claimed_at <= :now - coalesce(c.pickup, 300000)
          AND EXISTS (SELECT 1 FROM jobs j WHERE j.state = 'waiting' AND j.class = r.class AND j.scope = r.scope)))))
    UNION ALL
    SELECT 5, 'job', j.job_id, '', j.scope, j.repo, j.run_id, j.state, 0, NULL, j.looks, coalesce(c.pickup, 300000), j.next_look_at
      FROM jobs j LEFT JOIN cls c ON c.name = j.class WHERE j.state = 'waiting' AND j.next_look_at <= :now)
    SELECT * FROM due ORDER BY rank, next_look_at LIMIT :limit`;
  const [rows] = await transaction(ledger, [{ sql, params }]);
  return (rows ?? []).map(toWork);
}

function toWork(row: Row): DueWork {
  const looks = Number(row["looks"]);
  const job = { jobId: Number(row["job_id"]), repo: String(row["repo"]), looks };
  if (row["kind"] === "check") return { kind: "check", ...job, runId: Number(row["run_id"]) };
  if (row["kind"] === "job") return { kind: "job", ...job, pickupMs: Number(row["pickup"]) };
  const { state, registration_id: id } = row;
  return {
    kind: "runner",
    name: String(row["name"]),
    scope: String(row["scope"]),
    state: state === "busy" || state === "removing" ? state : "claimed",
    aged: row["aged"] === 1,
    registrationId: typeof id === "number" ? id : null,
    looks,
  };
}

/** What GitHub said about a job; `waiting` also when it said nothing. `nextLookAt` is when to ask again. */
export interface SeenJob {
  readonly jobId: number;
  readonly state: "checking" | "waiting" | "refused" | "parked" | "in_progress" | "completed";
  readonly conclusion: string | null;
  /** A runner of this stack that GitHub names, or null. */
  readonly runner: string | null;
  readonly nextLookAt: number;
}

/** What became of a runner: `same` changes nothing but the time of the next look. */
export interface SeenRunner {
  readonly name: string;
  /** The state it was read in; when that has changed, the answer is about the past. */
  readonly was: "claimed" | "busy" | "removing";
  readonly to: "same" | "busy" | "gone" | "unanswered" | "removing";
  readonly nextLookAt: number;
}

/**
 * Writes what GitHub said, in one batch whatever the number of answers, and balances what follows from it. Jobs only
 * go forward; a runner that changed its state since it was read keeps the newer one.
 */
export async function observe(ledger: LedgerContext, jobs: readonly SeenJob[], runners: readonly SeenRunner[]): Promise<void> {
  const params = { ...sweepParams(ledger), jobs: JSON.stringify(jobs), runners: JSON.stringify(runners) };
  await transaction(ledger, [
    ...(jobs.length === 0 ? [] : [SEEN_JOBS, JOBS_RUNNERS, FIRST_RUNNERS].map((sql) => ({ sql, params }))),
    ...(runners.length === 0 ? [] : [{ sql: SEEN_RUNNERS, params }]),
    ...balance(params),
  ]);
}

const SEEN = `(SELECT value ->> 'jobId' AS id, value ->> 'state' AS state, value ->> 'conclusion' AS conclusion,
  value ->> 'runner' AS runner, value ->> 'nextLookAt' AS look FROM json_each(:jobs)) x`;

const SEEN_JOBS = `UPDATE jobs SET op = CASE WHEN jobs.state = x.state THEN jobs.op ELSE :op END,
    updated_at = CASE WHEN jobs.state = x.state THEN jobs.updated_at ELSE :now END,
    state = x.state, looks = looks + 1, next_look_at = x.look,
    conclusion = x.conclusion, runner_name = coalesce(x.runner, runner_name),
    started_at = CASE WHEN x.state = 'in_progress' THEN :now ELSE started_at END,
    completed_at = CASE WHEN x.state = 'completed' THEN :now ELSE completed_at END
  FROM ${SEEN} WHERE jobs.job_id = x.id AND jobs.state IN ('checking', 'waiting')
    AND (jobs.state = 'checking' OR x.state NOT IN ('checking', 'refused'))`;

const JOBS_RUNNERS = `UPDATE runners SET op = :op, taken_job_id = x.id,
    state = CASE WHEN x.state = 'in_progress' THEN 'busy' ELSE 'ended' END,
    live = x.state = 'in_progress', taken_done = x.state = 'completed',
    busy_at = coalesce(busy_at, :now), looks = 0, next_look_at = 0,
    ended_at = CASE WHEN x.state = 'completed' THEN :now END,
    end_reason = CASE WHEN x.state = 'completed' THEN 'done' END
  FROM ${SEEN} WHERE runners.name = x.runner AND x.state IN ('in_progress', 'completed')
    AND (runners.state IN ('requested', 'dispatched', 'claimed') OR (runners.state = 'busy' AND runners.taken_job_id IS NULL))`;

/** A job that passed its check gets its first runner here; the others have had theirs. */
const FIRST_RUNNERS = `INSERT OR IGNORE INTO runners
    (name, job_id, ordinal, scope, class, state, requested_at, next_attempt_at, op)
  SELECT :stack || '-' || class || '-' || job_id || '-1', job_id, 1, scope, class, 'requested', :now, :now, :op
  FROM jobs JOIN ${SEEN} ON jobs.job_id = x.id WHERE jobs.op = :op AND jobs.state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM runners r WHERE r.job_id = jobs.job_id)`;

const SEEN_RUNNERS = `UPDATE runners SET looks = looks + 1, next_look_at = x.look,
    op = CASE WHEN x.seen = 'same' THEN op ELSE :op END,
    state = CASE x.seen WHEN 'same' THEN state WHEN 'busy' THEN 'busy' WHEN 'removing' THEN 'removing' ELSE 'ended' END,
    busy_at = CASE WHEN x.seen = 'busy' THEN coalesce(busy_at, :now) ELSE busy_at END,
    taken_done = CASE WHEN x.seen = 'removing' THEN 1 ELSE taken_done END,
    live = x.seen NOT IN ('gone', 'unanswered'),
    ended_at = CASE WHEN x.seen IN ('gone', 'unanswered') THEN :now END,
    end_reason = CASE WHEN x.seen IN ('gone', 'unanswered') THEN x.seen END
  FROM (SELECT value ->> 'name' AS name, value ->> 'was' AS was, value ->> 'to' AS seen,
    value ->> 'nextLookAt' AS look FROM json_each(:runners)) x
  WHERE runners.name = x.name AND runners.state = x.was`;

/** Deletes what ended more than two weeks ago, a bounded number at a time. */
export async function forget(ledger: LedgerContext): Promise<void> {
  const params: Params = { before: ledger.now() - KEEP_MS, most: DELETE_AT_ONCE };
  await transaction(ledger, [
    {
      sql: `DELETE FROM runners WHERE name IN
        (SELECT name FROM runners WHERE live = 0 AND ended_at < :before ORDER BY ended_at LIMIT :most)`,
      params,
    },
    {
      sql: `DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs j WHERE updated_at < :before
          AND state NOT IN ('waiting', 'checking') AND NOT EXISTS (SELECT 1 FROM runners r WHERE r.job_id = j.job_id)
        ORDER BY updated_at LIMIT :most)`,
      params,
    },
  ]);
}

function sweepParams(ledger: LedgerContext): Params & { readonly now: number } {
  return { now: ledger.now(), op: ledger.newOp(), classes: ledger.classes, stack: ledger.stackId };
}
