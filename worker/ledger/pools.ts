import { type LedgerContext, common } from "./context";
import { FOR_EVER, INSERT_RUNNER, IS_ON_THE_WAY, UNHEARD_AT_ONCE, UNHEARD_PACE_MS } from "./fragments";
import { isPaused } from "./limits";
import { type Params, type Statement, transaction } from "./statement";

/** How many runners one scope and class should have ready now. */
export interface WantedPool {
  readonly scope: string;
  readonly class: string;
  /** At least 1. */
  readonly size: number;
}

/** How far back runners that ended too soon are counted, and the longest pause that follows from them. */
const QUICK_WINDOW_MS = 600_000;

/** A runner that ended so soon after its claim cannot have been idle for long: something is wrong with it. */
const QUICK_MS = 60_000;

/** Pause for each of them. */
const QUICK_PAUSE_MS = 10_000;

/** What is paused has no pool. */
const POOLS = `pools AS (SELECT value ->> 'scope' AS scope, value ->> 'class' AS class, value ->> 'size' AS size
  FROM json_each(:pools) WHERE NOT ${isPaused("value ->> 'scope'")})`;

/**
 * Ends requests not sent yet of pools that are closed, shrunk or paused; what was sent is judged when it shows its
 * claim. It may leave waiting jobs with too few runners on the way, so a balance has to follow.
 */
const TRIM = `UPDATE runners SET state = 'ended', live = 0, end_reason = 'unneeded', ended_at = :now
  WHERE state = 'requested' AND warm = 1 AND leased_until <= :now AND name IN (
  WITH ${POOLS},
  ranked AS (SELECT r.name, r.scope, r.class, row_number() OVER (PARTITION BY r.scope, r.class
      ORDER BY r.state = 'requested' AND r.leased_until <= :now, r.ordinal) AS turn
    FROM runners r WHERE r.live = 1 AND r.warm = 1 AND ${IS_ON_THE_WAY})
  SELECT name FROM ranked WHERE turn > coalesce((SELECT p.size FROM pools p
    WHERE ranked.scope = p.scope COLLATE NOCASE AND ranked.class = p.class), 0))`;

/**
 * Requests what pools lack. Of runners never heard of a pool has at most three times its size, then one more every three
 * hours: else a full cluster would collect dispatches for ever. Those that ended at once make the pool pause, for
 * their number times ten seconds from the last one's end. Changes nothing when nothing lacks, so it may run twice.
 */
const KEEP = `${INSERT_RUNNER}
  WITH RECURSIVE ${POOLS},
  need AS (SELECT p.scope, p.class, min(p.size - coalesce(sum(${IS_ON_THE_WAY}), 0),
      max(p.size * ${UNHEARD_AT_ONCE} - coalesce(sum(r.state IN ('requested', 'dispatched')), 0),
        coalesce(max(r.dispatched_at), 0) <= :now - ${UNHEARD_PACE_MS})) AS n
    FROM pools p LEFT JOIN runners r ON r.live = 1 AND r.class = p.class AND r.scope = p.scope AND r.warm = 1
    GROUP BY p.scope, p.class, p.size),
  due AS (SELECT scope, class, n FROM need WHERE n > 0 AND :now >= coalesce((SELECT max(e.ended_at)
      + min(${QUICK_WINDOW_MS}, ${QUICK_PAUSE_MS} * count(*)) FROM runners e WHERE e.live = 0 AND e.warm = 1
      AND e.ended_at > :now - ${QUICK_WINDOW_MS} AND e.scope = need.scope AND e.class = need.class
      AND e.end_reason IN ('refused', 'released', 'gone') AND e.busy_at IS NULL
      AND coalesce(e.ended_at - e.claimed_at, 0) < ${QUICK_MS}), 0)),
  places AS (SELECT scope, class, n FROM due UNION ALL SELECT scope, class, n - 1 FROM places WHERE n > 1),
  fresh AS (SELECT scope, class, (SELECT coalesce(max(ordinal), 0) FROM runners WHERE job_id = 0)
    + row_number() OVER (ORDER BY n, class, scope) AS ordinal FROM places)
  SELECT :stack || '-' || class || '-warm-' || ordinal, 0, ordinal, scope, class, 'requested', ${FOR_EVER}, :now, :now, :op, 1
  FROM fresh`;

/**
 * Requests what pools lack, and before that ends the requests that are too many: a balance of jobs and runners has to
 * follow. Where there is no pool any more there may still be its requests.
 * @param params `now`, `op` and `stack`
 */
export function poolStatements(params: Params, wanted: readonly WantedPool[]): readonly Statement[] {
  const withPools = { ...params, pools: JSON.stringify(wanted) };
  return [TRIM, ...(wanted.length > 0 ? [KEEP] : [])].map((sql) => ({ sql, params: withPools }));
}

/** Requests what pools lack, in one statement. */
export async function keepWanted(ledger: LedgerContext, wanted: readonly WantedPool[]): Promise<void> {
  await transaction(ledger, [{ sql: KEEP, params: { ...common(ledger), pools: JSON.stringify(wanted) } }]);
}
