import { type LedgerContext, common } from "./context";
import { firstRunner, requestShortage } from "./fragments";
import type { PlacedJob } from "./jobs";
import { markOf, setMark } from "./marks";
import { type Params, type Row, type Statement, transaction } from "./statement";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A repository is active for so long after the ledger last had news of one of its jobs; noted every twelve hours, not
 *  each minute, since rows written count. */
const ACTIVE_MS = 72 * HOUR_MS;
const NOTED_EVERY_MS = 12 * HOUR_MS;

/** How often a repository is visited at most: an active one, and one that the policy names but that is quiet. */
const ACTIVE_EVERY_MS = 5 * MINUTE_MS;
const QUIET_EVERY_MS = 6 * HOUR_MS;

/** Between one sweep and two. */
const LEFT_MS = 1.5 * MINUTE_MS;

/** News written by another Worker's clock while the pass before was noting. */
const OVERLAP_MS = MINUTE_MS;

/** A repository whose turn it is. */
export interface DueRepo {
  readonly repo: string;
  /** What is left of a visit that did not fit, as JSON; `[]` for a new one. */
  readonly steps: string;
  /** What the last listing said of the repository, as bits. */
  readonly traits: number;
  /** How many visits came to their end. */
  readonly visits: number;
}

/** What one pass did at one repository. */
export interface Visit extends DueRepo {
  /** Milliseconds until the next visit; 0 where this one has not come to its end, null where it has. */
  readonly waitMs: number | null;
  /** Whether GitHub refuses to tell. */
  readonly refused: boolean;
  /** Whether the policy has nothing for it: it is visited no more before it is active again. */
  readonly drop: boolean;
}

/** A queued job of which the ledger may not know. */
export interface FoundJob extends PlacedJob {
  readonly state: "checking" | "waiting";
  /** Milliseconds until GitHub is asked about it. */
  readonly lookMs: number;
}

/** Every third visit is a long one: names are spread over the three, so that a round is not three times as long as others. */
const TURN = "unicode(substr(repo, -1)) % 3";

const NOTE_REPOS = `INSERT INTO repos (repo, active_at, next_at, visits)
  SELECT repo, max(updated_at), :now + ${ACTIVE_EVERY_MS}, ${TURN} FROM jobs INDEXED BY jobs_updated
    WHERE updated_at > max(:now - ${ACTIVE_MS}, coalesce(${markOf("recovery", "at")}, 0) - ${OVERLAP_MS}) GROUP BY repo
  UNION ALL SELECT repo, 0, :now + ${QUIET_EVERY_MS} * key / json_array_length(:named), ${TURN}
    FROM (SELECT value AS repo, key FROM json_each(:named)) WHERE true
  ON CONFLICT (repo) DO UPDATE SET active_at = excluded.active_at,
    next_at = iif(active_at <= :now - ${ACTIVE_MS}, min(next_at, excluded.next_at), next_at)
  WHERE excluded.active_at - active_at >= ${NOTED_EVERY_MS}`;

const MARK_PASS = setMark("'recovery'", ":now", "'{}'");

const next = (which: string): string => `SELECT * FROM (SELECT repo, steps, traits, visits, next_at FROM repos
  WHERE ${which} AND next_at <= :now ORDER BY next_at LIMIT :limit)`;

/** What is left of a visit goes before all others in the second minute after: soon, since its jobs may be the lost ones, but
 *  a repository of many runs must not hold up the rest. */
const NEXT_REPOS = `SELECT * FROM (${next("steps <> '[]'")} UNION ALL ${next("steps = '[]'")})
  WHERE NOT EXISTS (SELECT 1 FROM marks WHERE name = 'recovery_limited' AND at > :now)
  ORDER BY iif(steps <> '[]' AND next_at <= :now - ${LEFT_MS}, NULL, next_at) LIMIT :limit`;

/** Statements of {@link dueRepos}. */
export const DUE_STATEMENTS = 3;

/**
 * Notes which repositories are active, and says whose turn it is: whoever has waited longest.
 * @param named repositories that the policy names without a pattern, and that are visited when they are quiet, too
 */
export async function dueRepos(
  ledger: LedgerContext,
  named: readonly string[],
  limit: number,
): Promise<readonly DueRepo[]> {
  const params: Params = { now: ledger.now(), named: JSON.stringify(named), limit };
  const sent = [NOTE_REPOS, MARK_PASS, NEXT_REPOS].map((sql) => ({ sql, params }));
  return (await transaction(ledger, sent)).at(-1) as unknown as readonly DueRepo[];
}

const VISITED = `UPDATE repos SET steps = x.steps, traits = x.traits, visits = x.visits, refused = x.refused,
    active_at = iif(x.gone, 0, active_at),
    next_at = :now + coalesce(x.wait, iif(active_at > :now - ${ACTIVE_MS}, ${ACTIVE_EVERY_MS}, ${QUIET_EVERY_MS}))
  FROM (SELECT value ->> 'repo' AS repo, value ->> 'steps' AS steps, value ->> 'traits' AS traits,
    value ->> 'visits' AS visits, value ->> 'refused' AS refused, value ->> 'waitMs' AS wait, value ->> 'drop' AS gone
    FROM json_each(:visits)) x WHERE repos.repo = x.repo`;

/** After its last visit: one that is quiet, and that the policy does not name. One that GitHub refuses or does not know has
 *  no other end. */
const FORGET_QUIET = `DELETE FROM repos WHERE active_at <= :now - ${ACTIVE_MS}
  AND repo IN (SELECT value ->> 'repo' FROM json_each(:visits) WHERE coalesce(value ->> 'waitMs', ${HOUR_MS}) >= ${HOUR_MS})
  AND repo NOT IN (SELECT value FROM json_each(:named))`;

/** As a delivery would have done it, for all at once: what is known is left alone, unless nobody waits for it any more.
 *  A delivery that comes after all carries another GUID and finds a job that waits. What it returns is for the log: a batch
 *  sent twice may return nothing. */
const PUT_IN = `INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, delivery,
    arrived_at, queued_at, next_look_at, updated_at, op)
  SELECT value ->> 'jobId', value ->> 'scope', value ->> 'class', value ->> 'repo', value ->> 'runId', value ->> 'name',
    value ->> 'fork', value ->> 'state', value ->> 'delivery', :now, :now, :now + (value ->> 'lookMs'), :now, :op
  FROM json_each(:jobs) WHERE true
  ON CONFLICT (job_id) DO UPDATE SET op = :op, updated_at = :now, queued_at = :now, delivery = excluded.delivery,
    looks = 0, next_look_at = excluded.next_look_at, state = excluded.state
  WHERE state IN ('parked', 'expired') RETURNING job_id AS jobId, repo, state`;

const IS_FOUND = "job_id IN (SELECT value ->> 'jobId' FROM json_each(:jobs))";
const FOUND = `FROM jobs WHERE ${IS_FOUND} AND op = :op`;

/** At one time only once, so that a batch sent twice counts once. */
const COUNT_FOUND = `INSERT INTO marks (name, at, value)
  SELECT 'recovered', :now, json_object('jobs', count(*)) ${FOUND} HAVING count(*) > 0
  ON CONFLICT (name) DO UPDATE SET at = excluded.at,
    value = json_object('jobs', value ->> 'jobs' + (excluded.value ->> 'jobs')) WHERE at < excluded.at`;

/** Statements of {@link putIn}, and of {@link recordVisits}. */
export const PUT_IN_STATEMENTS = 4;
export const VISIT_STATEMENTS = 2;

/** A job that went into the ledger. */
export interface Recovered {
  readonly jobId: number;
  readonly repo: string;
  readonly state: "checking" | "waiting";
}

/** Puts jobs in and requests their runners, in one batch that changes nothing more when it comes again.
 *  @returns the jobs that the ledger did not have, or no longer waited for */
export async function putIn(ledger: LedgerContext, jobs: readonly FoundJob[]): Promise<readonly Recovered[]> {
  if (jobs.length === 0) return [];
  const params: Params = { ...common(ledger), jobs: JSON.stringify(jobs) };
  const sent = [PUT_IN, firstRunner(IS_FOUND), requestShortage(`SELECT scope, class ${FOUND}`), COUNT_FOUND];
  const [found] = await transaction(
    ledger,
    sent.map((sql) => ({ sql, params })),
  );
  return found as unknown as readonly Recovered[];
}

/** Writes how far visits came; after {@link putIn}, so that no job is passed over. */
export async function recordVisits(
  ledger: LedgerContext,
  visits: readonly Visit[],
  named: readonly string[],
): Promise<void> {
  const params: Params = { now: ledger.now(), visits: JSON.stringify(visits), named: JSON.stringify(named) };
  await transaction(
    ledger,
    [VISITED, FORGET_QUIET].map((sql) => ({ sql, params })),
  );
}

/** GitHub's limit is met: nothing is asked before it ends. */
export async function pauseRecovery(ledger: LedgerContext, ms: number): Promise<void> {
  const sql = setMark("'recovery_limited'", ":until", "'{}'");
  await transaction(ledger, [{ sql, params: { until: ledger.now() + ms } }]);
}

/** What an operator may see of the recovery. */
export interface RecoveryView {
  /** When GitHub could last have been asked. */
  readonly passAt: number | null;
  readonly repositories: number;
  /** When the next visit is or was due. */
  readonly nextAt: number | null;
  /** How many jobs were found since the ledger was made, and when the last of them. */
  readonly jobs: number;
  readonly foundAt: number | null;
  /** JSON list of owners in lower case of whose repositories GitHub tells nothing. */
  readonly refused: string;
}

/** What {@link recoveryOf} reads the row of. */
export const RECOVERY: Statement = {
  sql: `SELECT ${markOf("recovery", "at")} AS passAt, count(*) AS repositories, min(next_at) AS nextAt,
      coalesce(${markOf("recovered", "value ->> 'jobs'")}, 0) AS jobs, ${markOf("recovered", "at")} AS foundAt,
      json_group_array(DISTINCT lower(substr(repo, 1, instr(repo, '/') - 1))) FILTER (WHERE refused) AS refused FROM repos`,
  params: {},
};

export function recoveryOf(rows: readonly Row[]): RecoveryView {
  return rows[0] as unknown as RecoveryView;
}
