import { CLEAN_UP, type CleanUpView, cleanUpOf } from "./clean-up-view";
import type { LedgerContext } from "./context";
import { IS_BUSY, IS_HOLDER, IS_ON_THE_WAY } from "./fragments";
import { PAUSES, type Pause, pausesOf } from "./pauses";
import { RECOVERY, type RecoveryView, recoveryOf } from "./recovery";
import { REDELIVERY, type RedeliveryView, redeliveryOf } from "./redeliveries";
import { type Row, type Statement, transaction } from "./statement";

/** Counts of one scope and class, as the rules count them. */
export interface Load {
  readonly scope: string;
  readonly class: string;
  readonly waiting: number;
  readonly on_the_way: number;
  readonly holders: number;
  readonly busy: number;
}

/** A pool's runners of one scope and class. */
export interface PoolLoad {
  readonly scope: string;
  readonly class: string;
  readonly idle: number;
  readonly starting: number;
  readonly busy: number;
}

export interface Problem {
  readonly source: string;
  readonly kind: string;
  readonly detail: string;
  readonly count: number;
  readonly first_at: number;
  readonly last_at: number;
}

/** What an operator may see of the ledger. */
export interface LedgerView {
  readonly loads: readonly Load[];
  readonly pools: readonly PoolLoad[];
  /** state → number of jobs, over what the ledger still remembers. */
  readonly jobs: Readonly<Record<string, number>>;
  /** state (ended: `ended_<reason>`) → number of runners. */
  readonly runners: Readonly<Record<string, number>>;
  /** Milliseconds from `queued` to `in_progress` of the newest started jobs, ascending. */
  readonly startMs: readonly number[];
  /** When the oldest job that waits arrived. */
  readonly oldestWaitingAt: number | null;
  readonly problems: readonly Problem[];
  readonly sweptAt: number | null;
  readonly pauses: readonly Pause[];
  readonly cleanUp: CleanUpView;
  readonly recovery: RecoveryView;
  readonly redelivery: RedeliveryView;
}

const NEWEST_STARTS = 200;

export async function readLedger(ledger: LedgerContext): Promise<LedgerView> {
  const now = ledger.now();
  const read = (sql: string): Statement => ({ sql, params: { now } });
  const results = await transaction(ledger, [
    read(LOADS),
    read(POOLS),
    read(JOBS),
    read(RUNNERS),
    read(STARTS),
    read(OLDEST),
    read(PROBLEMS),
    read(MARKS),
    PAUSES,
    ...CLEAN_UP,
    RECOVERY,
    ...REDELIVERY,
  ]);
  const [
    loads,
    pools,
    jobs,
    runners,
    starts,
    oldest,
    problems,
    marks,
    pauses,
    sums,
    strays,
    recovery,
    hooks,
    redeliveries,
  ] = results;
  return {
    loads: loads as unknown as readonly Load[],
    pools: pools as unknown as readonly PoolLoad[],
    jobs: counts(jobs),
    runners: counts(runners),
    startMs: starts.map((row) => Number(row["ms"])).sort((a, b) => a - b),
    oldestWaitingAt: numberOrNull(oldest[0]?.["at"]),
    problems: problems as unknown as readonly Problem[],
    sweptAt: numberOrNull(marks[0]?.["at"]),
    pauses: pausesOf(pauses),
    cleanUp: cleanUpOf(sums, strays, ledger.policy.cleanUp !== "off"),
    recovery: recoveryOf(recovery),
    redelivery: redeliveryOf(hooks, redeliveries),
  };
}

function counts(rows: readonly Row[]): Record<string, number> {
  return Object.fromEntries(rows.map((row) => [String(row["state"]), Number(row["n"])]));
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

const LOADS = `SELECT scope, class, sum(waiting) AS waiting, sum(way) AS on_the_way, sum(holds) AS holders, sum(busy) AS busy
  FROM (SELECT scope, class, 1 AS waiting, 0 AS way, 0 AS holds, 0 AS busy FROM jobs WHERE state = 'waiting'
    UNION ALL SELECT r.scope, r.class, 0, ${IS_ON_THE_WAY}, ${IS_HOLDER}, ${IS_BUSY} FROM runners r WHERE r.live = 1)
  GROUP BY scope, class ORDER BY scope, class LIMIT 500`;
const POOLS = `SELECT r.scope, r.class, sum(${IS_HOLDER}) AS idle, sum(${IS_ON_THE_WAY} AND r.state <> 'claimed') AS starting,
    sum(${IS_BUSY}) AS busy
  FROM runners r WHERE r.live = 1 AND r.warm = 1 GROUP BY r.scope, r.class LIMIT 500`;
const JOBS = "SELECT state, count(*) AS n FROM jobs GROUP BY state ORDER BY state";
const RUNNERS = `SELECT CASE WHEN state = 'ended' THEN 'ended_' || end_reason ELSE state END AS state, count(*) AS n
  FROM runners GROUP BY 1 ORDER BY 1`;
const STARTS = `SELECT started_at - arrived_at AS ms FROM jobs WHERE started_at > arrived_at
  ORDER BY updated_at DESC LIMIT ${NEWEST_STARTS}`;
const OLDEST = "SELECT min(arrived_at) AS at FROM jobs WHERE state = 'waiting'";
const PROBLEMS = `SELECT source, kind, detail, count, first_at, last_at FROM problems
  WHERE last_at > :now - 86400000 ORDER BY last_at DESC`;
const MARKS = "SELECT at FROM marks WHERE name = 'sweep'";
