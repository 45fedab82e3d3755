import type { LedgerContext } from "./context";
import { IS_BUSY, UNHEARD_AT_ONCE, UNHEARD_PACE_MS } from "./fragments";
import { REPO_OF_R, isPaused, repoOfScope } from "./limits";
import { problemStatement } from "./problems";
import { type Params, transaction } from "./statement";

/** A sender owns a request for so long; two never send one ordinal at the same time. */
export const LEASE_MS = 30_000;

/** A request that this sender may now send to Nomad. */
export interface LeasedDispatch {
  readonly name: string;
  /** Stamp of this lease. */
  readonly op: string;
  readonly jobId: number;
  readonly ordinal: number;
  readonly scope: string;
  readonly class: string;
  readonly attempts: number;
  /** 1: a pool's runner, with job id 0, its scope as repository, and nothing else of a job. */
  readonly warm: number;
  /** Other dispatched runners of this job that were never heard of; of a pool's runner: those of its scope's and class's
   *  pool that are past their deadline. */
  readonly unheard: number;
  readonly repo: string;
  readonly runId: number;
  readonly jobName: string;
  /** 1 or 0. */
  readonly fork: number;
}

/** How sending one went. */
export type DispatchOutcome =
  | { readonly name: string; readonly ok: true; readonly deadlineAt: number }
  | {
      readonly name: string;
      readonly op: string;
      readonly ok: false;
      readonly error: string;
      readonly nextAttemptAt: number;
    };

/**
 * Leases requests that are due: none of a paused repository, none above its class's `maxRunnersPerRepository` and
 * `maxRunners`. The least tried go first, so that a class whose Nomad job is missing holds up no other, then those whose
 * job arrived first. A dispatched runner past its deadline takes no place; one that is being sent does.
 */
export async function leaseDispatches(
  ledger: LedgerContext,
  limit: number,
): Promise<readonly LeasedDispatch[]> {
  const params: Params = {
    now: ledger.now(),
    until: ledger.now() + LEASE_MS,
    op: ledger.newOp(),
    classes: JSON.stringify(ledger.policy.classes),
    limit,
  };
  const [, rows] = await transaction(ledger, [
    { sql: LEASE, params },
    { sql: READ_LEASED, params },
  ]);
  return rows as unknown as readonly LeasedDispatch[];
}

const TAKES_A_PLACE = `(${IS_BUSY} OR (r.state IN ('dispatched', 'claimed') AND r.until > :now)
  OR (r.state = 'requested' AND r.leased_until > :now))`;

/** A request made anew has its job's place in line, unless one before it was sent and not heard of yet: where a repository's
 *  runners do not start, the others go first. */
const PLACE_IN_LINE = `iif(j.job_id IS NULL OR EXISTS (SELECT 1 FROM runners o WHERE o.job_id = j.job_id
  AND o.state = 'dispatched'), r.requested_at, j.arrived_at)`;

/** First a repository's turn, then the class's among those that may go, so that a repository at its limit holds up no
 *  other. */
const LEASE = `UPDATE runners SET leased_until = :until, next_attempt_at = :until, attempts = attempts + 1, op = :op
  WHERE state = 'requested' AND :op NOT IN (SELECT op FROM runners WHERE state = 'requested') AND name IN (
  WITH cls AS (SELECT value ->> 'name' AS class, value ->> 'maxRunners' AS cap,
      value ->> 'maxRunnersPerRepository' AS share FROM json_each(:classes)),
  places AS MATERIALIZED (SELECT c.class, iif(c.share, ${REPO_OF_R}, NULL) AS repo FROM cls c CROSS JOIN runners r
    WHERE (c.cap OR c.share) AND r.live = 1 AND r.class = c.class AND ${TAKES_A_PLACE}),
  used AS MATERIALIZED (SELECT class, count(*) AS n FROM places GROUP BY class),
  shares AS MATERIALIZED (SELECT class, repo COLLATE NOCASE AS repo, count(*) AS n FROM places GROUP BY 1, 2),
  due AS (SELECT r.name, r.attempts, r.job_id, r.ordinal, ${PLACE_IN_LINE} AS arrived, c.class, c.cap, c.share,
      coalesce(j.repo, ${repoOfScope("r.scope")}) COLLATE NOCASE AS repo
    FROM cls c CROSS JOIN runners r LEFT JOIN jobs j ON j.job_id = r.job_id
    WHERE r.class = c.class AND r.state = 'requested' AND r.next_attempt_at <= :now),
  turns AS (SELECT *, row_number() OVER (PARTITION BY class, repo COLLATE NOCASE ORDER BY arrived, job_id, ordinal) AS nth
    FROM due WHERE NOT ${isPaused("due.repo")}),
  free AS (SELECT t.*, row_number() OVER (PARTITION BY t.class ORDER BY arrived, job_id, ordinal) AS turn
    FROM turns t LEFT JOIN shares s ON t.share AND s.class = t.class AND s.repo = t.repo
    WHERE NOT t.share OR t.repo IS NULL OR t.nth + coalesce(s.n, 0) <= t.share)
  SELECT f.name FROM free f LEFT JOIN used u ON u.class = f.class
  WHERE NOT f.cap OR f.turn + coalesce(u.n, 0) <= f.cap ORDER BY attempts, arrived, job_id, ordinal LIMIT :limit)`;

const READ_LEASED = `SELECT r.name, r.op, r.job_id AS jobId, r.ordinal, r.scope, r.class, r.attempts, r.warm,
    coalesce(j.repo, r.scope) AS repo, coalesce(j.run_id, 0) AS runId, coalesce(j.name, '') AS jobName,
    coalesce(j.fork, 0) AS fork,
    iif(r.warm, (SELECT count(*) FROM runners o WHERE o.live = 1 AND o.class = r.class AND o.scope = r.scope
        AND o.warm = 1 AND o.state = 'dispatched' AND o.until <= :now),
      (SELECT count(*) FROM runners o WHERE o.job_id = r.job_id AND o.state = 'dispatched')) AS unheard
  FROM runners r LEFT JOIN jobs j ON j.job_id = r.job_id
  WHERE r.state = 'requested' AND r.op = :op AND r.leased_until = :until ORDER BY coalesce(j.arrived_at, r.requested_at), r.job_id, r.ordinal`;

/** Leases a job's request in the batch that has made it: one transaction less before it is sent. For a class without
 *  limits, where it takes nobody's place. */
const LEASE_OWN = `UPDATE runners SET leased_until = :until, next_attempt_at = :until, attempts = attempts + 1
  WHERE job_id = :job AND op = :op AND state = 'requested' AND next_attempt_at <= :now AND NOT ${isPaused(":repo")}`;

/** Statements for a batch that made a request; the last gives {@link LeasedDispatch}. They bind `job`, `repo`, `op`, `now`
 *  and `until`. */
export const LEASE_OWN_REQUEST: readonly [string, string] = [LEASE_OWN, READ_LEASED];

/** Deadline of a runner just dispatched: the class's, doubled for each one before it that was never heard of, and
 *  three hours from the fourth on. Never more: a job whose runners are lost must not wait for a day. */
export function deadlineMs(pickupMs: number, unheard: number): number {
  return unheard < UNHEARD_AT_ONCE ? Math.min(pickupMs * 2 ** unheard, UNHEARD_PACE_MS) : UNHEARD_PACE_MS;
}

/**
 * Writes what became of leased requests, in one statement whatever their number. A runner that claimed in the
 * meantime keeps its state; one that another sender has leased by now is that sender's to fail.
 * @param problems counted in the ledger for `/status`: error class → last detail
 */
export async function recordDispatches(
  ledger: LedgerContext,
  outcomes: readonly DispatchOutcome[],
  problems: ReadonlyMap<string, string>,
): Promise<void> {
  if (outcomes.length === 0) return;
  const results = outcomes.map((one) => ({ ...one, at: one.ok ? one.deadlineAt : one.nextAttemptAt }));
  const params: Params = { now: ledger.now(), results: JSON.stringify(results) };
  const record = { sql: RECORD, params };
  await transaction(
    ledger,
    problems.size === 0 ? [record] : [record, problemStatement("nomad", problems, ledger.now())],
  );
}

const RECORD = `UPDATE runners SET
    state = iif(x.ok, 'dispatched', runners.state), dispatched_at = iif(x.ok, :now, dispatched_at),
    until = iif(x.ok, x.at, until), next_attempt_at = iif(x.ok, next_attempt_at, x.at),
    error = x.error, leased_until = 0
  FROM (SELECT value ->> 'name' AS name, value ->> 'op' AS op, value ->> 'ok' AS ok, value ->> 'at' AS at,
    value ->> 'error' AS error FROM json_each(:results)) x
  WHERE runners.name = x.name AND runners.state = 'requested' AND (x.ok OR runners.op = x.op)`;
