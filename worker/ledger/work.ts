import { type LedgerContext, common } from "./context";
import { firstRunner, requestShortage, trimSurplus } from "./fragments";
import { type WantedPool, poolStatements } from "./pools";
import { type Params, type Statement, transaction } from "./statement";

/** GitHub drops a job that was queued for so long, and a claim ends with it.
 *  @see https://docs.github.com/actions/reference/limits */
const QUEUED_MS = 24 * 60 * 60 * 1000;

/** How long finished rows stay for people to read. */
const KEEP_MS = 14 * 24 * 60 * 60 * 1000;

/** Rows deleted in one sweep, so that it stays short. */
const DELETE_AT_ONCE = 500;

/** A runner asks for its JIT config for no longer (jobs/claim.sh): one that was given back its claim and said nothing for so
 *  long after its deadline is over. */
const ASKS_MS = 10 * 60 * 1000;

/** Sent, and a JIT config was asked for whose answer may be lost. */
const MAY_BE_REGISTERED = "(state = 'dispatched' AND jit_tried = 1)";

/** Something to ask GitHub about. */
export type DueWork =
  /** May this public repository's run have a runner? */
  | {
      readonly kind: "check";
      readonly jobId: number;
      readonly repo: string;
      readonly runId: number;
      readonly looks: number;
    }
  /** Does this job really still wait? */
  | { readonly kind: "job"; readonly jobId: number; readonly repo: string; readonly looks: number }
  /** What became of this runner? */
  | {
      readonly kind: "runner";
      readonly name: string;
      readonly scope: string;
      readonly state: "claimed" | "busy" | "removing";
      /** 1 when past the time for which a claim taken counts, else 0. */
      readonly aged: number;
      readonly registrationId: number | null;
      readonly looks: number;
    };

const ALL_WAITING = "SELECT scope, class FROM jobs WHERE state = 'waiting'";
const ALL_REQUESTED = "SELECT scope, class FROM runners WHERE state = 'requested'";

/**
 * Ends what time has ended: jobs that waited a day, dispatches whose claim has run out. Then takes surplus requests
 * back and requests what is short, everywhere.
 * @param pools what should be ready now
 */
export async function settle(ledger: LedgerContext, pools: readonly WantedPool[] = []): Promise<void> {
  const params = common(ledger);
  await transaction(ledger, [
    {
      sql: `UPDATE jobs SET state = 'expired', updated_at = :now, op = :op
        WHERE state IN ('checking', 'waiting') AND queued_at <= :now - ${QUEUED_MS}`,
      params,
    },
    {
      // A request unsent whose own job another runner took stands for a job that still waits; that one gets its own, since
      // it may be of a repository that is not held back.
      // Nor is it known what GitHub made of a JIT config that was asked for once: that is removed by name.
      sql: `UPDATE runners SET end_reason = iif(${MAY_BE_REGISTERED}, NULL, iif(state = 'dispatched', 'lost', 'unneeded')),
          ended_at = iif(${MAY_BE_REGISTERED}, NULL, :now), live = ${MAY_BE_REGISTERED}, looks = 0,
          next_look_at = :now, state = iif(${MAY_BE_REGISTERED}, 'removing', 'ended'), op = :op
        WHERE live = 1 AND ((state = 'dispatched' AND dispatched_at <= :now - ${QUEUED_MS})
          OR (${MAY_BE_REGISTERED} AND until <= :now - ${ASKS_MS})
          OR (state = 'requested' AND warm = 0 AND leased_until <= :now AND NOT EXISTS
            (SELECT 1 FROM jobs j WHERE j.job_id = runners.job_id AND j.state = 'waiting')))`,
      params,
    },
    ...poolStatements(params, pools),
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
  const params: Params = { now: ledger.now(), limit };
  const sql = `SELECT * FROM (
    SELECT iif(state = 'checking', 1, 5) AS rank, iif(state = 'checking', 'check', 'job') AS kind, job_id AS jobId,
      repo, run_id AS runId, '' AS name, '' AS scope, state, 0 AS aged, NULL AS registrationId, looks, next_look_at AS look
      FROM jobs WHERE state IN ('checking', 'waiting') AND next_look_at <= :now
    UNION ALL
    SELECT iif(r.state = 'removing', 2, iif(r.state = 'claimed', 3, 4)), 'runner', 0, '', 0, r.name, r.scope, r.state,
      r.until <= :now, r.registration_id, r.looks, r.next_look_at
      FROM runners r WHERE r.live = 1 AND r.next_look_at <= :now AND (r.state = 'removing'
        OR (r.state IN ('busy', 'claimed') AND r.until <= :now)
        OR (r.state = 'claimed' AND EXISTS
          (SELECT 1 FROM jobs j WHERE j.state = 'waiting' AND j.class = r.class AND j.scope = r.scope))))
    ORDER BY rank, look LIMIT :limit`;
  const [rows] = await transaction(ledger, [{ sql, params }]);
  return rows as unknown as readonly DueWork[];
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
  readonly to: "same" | "busy" | "gone" | "removing";
  readonly nextLookAt: number;
}

/**
 * Writes what GitHub said, in one batch whatever the number of answers, and balances what follows from it. Jobs only
 * go forward; a runner that changed its state since it was read keeps the newer one.
 */
export async function observe(
  ledger: LedgerContext,
  jobs: readonly SeenJob[],
  runners: readonly SeenRunner[],
): Promise<void> {
  const params = { ...common(ledger), jobs: JSON.stringify(jobs), runners: JSON.stringify(runners) };
  await transaction(ledger, [
    ...(jobs.length === 0
      ? []
      : [SEEN_JOBS, JOBS_RUNNERS, firstRunner("true")].map((sql) => ({ sql, params }))),
    ...(runners.length === 0 ? [] : [{ sql: SEEN_RUNNERS, params }]),
    ...balance(params),
  ]);
}

const SEEN = `(SELECT value ->> 'jobId' AS id, value ->> 'state' AS state, value ->> 'conclusion' AS conclusion,
  value ->> 'runner' AS runner, value ->> 'nextLookAt' AS look FROM json_each(:jobs)) x`;

const SEEN_JOBS = `UPDATE jobs SET op = iif(jobs.state = x.state, jobs.op, :op),
    updated_at = iif(jobs.state = x.state, updated_at, :now), state = x.state, looks = looks + 1, next_look_at = x.look,
    conclusion = x.conclusion, runner_name = coalesce(x.runner, runner_name),
    started_at = iif(x.state = 'in_progress', :now, started_at),
    completed_at = iif(x.state = 'completed', :now, completed_at)
  FROM ${SEEN} WHERE jobs.job_id = x.id AND jobs.state IN ('checking', 'waiting')
    AND (jobs.state = 'checking' OR x.state NOT IN ('checking', 'refused'))`;

const JOBS_RUNNERS = `UPDATE runners SET op = :op, taken_job_id = x.id, busy_at = coalesce(busy_at, :now), until = :now + span,
    live = x.state = 'in_progress', taken_done = x.state = 'completed', looks = 0, next_look_at = 0,
    state = iif(x.state = 'in_progress', 'busy', 'ended'),
    ended_at = iif(x.state = 'completed', :now, NULL), end_reason = iif(x.state = 'completed', 'done', NULL)
  FROM ${SEEN} WHERE runners.name = x.runner AND x.state IN ('in_progress', 'completed')
    AND (runners.state IN ('requested', 'dispatched', 'claimed') OR (runners.state = 'busy' AND taken_job_id IS NULL))`;

const SEEN_RUNNERS = `UPDATE runners SET looks = looks + 1, next_look_at = x.look, op = iif(x.seen = 'same', op, :op),
    state = CASE x.seen WHEN 'same' THEN state WHEN 'busy' THEN 'busy' WHEN 'removing' THEN 'removing' ELSE 'ended' END,
    busy_at = iif(x.seen = 'busy', coalesce(busy_at, :now), busy_at), until = iif(x.seen = 'busy', :now + span, until),
    taken_done = iif(x.seen = 'removing', 1, taken_done), live = NOT x.over,
    ended_at = iif(x.over, :now, NULL), end_reason = iif(x.over, x.seen, NULL)
  FROM (SELECT value ->> 'name' AS name, value ->> 'was' AS was, value ->> 'to' AS seen, value ->> 'nextLookAt' AS look,
    value ->> 'to' = 'gone' AS over FROM json_each(:runners)) x
  WHERE runners.name = x.name AND runners.state = x.was`;

/** Deletes what ended more than two weeks ago, a bounded number at a time. The pools' newest runner stays, so that no
 *  ordinal comes twice: Nomad may still know the old one's idempotency token. */
export async function forget(ledger: LedgerContext): Promise<void> {
  const params: Params = { before: ledger.now() - KEEP_MS, most: DELETE_AT_ONCE };
  await transaction(ledger, [
    {
      sql: `DELETE FROM runners WHERE name IN
        (SELECT name FROM runners WHERE live = 0 AND ended_at < :before AND (warm = 0
          OR ordinal < (SELECT max(ordinal) FROM runners WHERE job_id = 0)) ORDER BY ended_at LIMIT :most)`,
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
