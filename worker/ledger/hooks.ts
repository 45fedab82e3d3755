import { parseJson } from "../json";
import type { LedgerContext } from "./context";
import { markOf } from "./marks";
import { DUE, IS_URGENT, KEPT_MS, MOST_TRIES } from "./redeliveries";
import { type Params, type Statement, transaction } from "./statement";

const HOUR_MS = 60 * 60_000;

/** Hooks read for one sweep: more than its subrequests can visit. */
const MOST_HOOKS = 40;

/** Targets whose hooks are looked through in one sweep. */
const MOST_TARGETS = 4;

/** What a hook is to this stack. `new`: heard of, not looked at. `denied`: the credential may not see it. `gone`: not
 *  there under this name. */
export type HookState = "new" | "ours" | "foreign" | "denied" | "gone";

/** A webhook as the ledger knows it. */
export interface Hook {
  readonly id: number;
  /** `owner/name`, or an organization's login. */
  readonly target: string;
  readonly state: HookState;
  /** When it has to be looked at again. */
  readonly checkAt: number;
  /** Of the list of its failed deliveries; empty: none. null, when written: as before. */
  readonly etag: string | null;
  /** Where that list is read on; empty: at its newest. null, when written: as before. */
  readonly cursor: string | null;
  /** Which page that is, from 1. */
  readonly page: number;
  /** Id of the newest delivery of the list that is being read, and of the last one that was read to its end. */
  readonly top: number;
  readonly seen: number;
}

/** How far the walk through the hooks is. Times are milliseconds since the epoch; 0: never. */
export interface Walk {
  /** Counts sweeps, so that others get their turn. */
  readonly turn: number;
  /** The hook visited last. */
  readonly hook: number;
  /** When this round began. */
  readonly since: number;
  /** When the last whole round ended, and how long it took. */
  readonly roundAt: number;
  readonly roundMs: number;
  /** When targets were last noted and old rows deleted. */
  readonly choresAt: number;
}

/** What a sweep finds to do. */
export interface DueHooks {
  readonly walk: Walk;
  /** Whether GitHub's limit lasts. */
  readonly limited: boolean;
  /** Whether deliveries are to be asked for, and whether among them are some of jobs that may wait for a runner. */
  readonly due: boolean;
  readonly urgent: boolean;
  /** Whose hooks are to be looked through. */
  readonly targets: readonly string[];
  /** In the walk's order. */
  readonly hooks: readonly Hook[];
  /** Whether these are all. */
  readonly all: boolean;
}

const PLAN = `SELECT ${markOf("sweep", "value")} AS walk,
  EXISTS (SELECT 1 FROM marks WHERE name = 'redelivery_limited' AND at > :now) AS limited,
  EXISTS (SELECT 1 FROM ${DUE}) AS due, EXISTS (SELECT 1 FROM ${DUE} AND ${IS_URGENT}) AS urgent,
  (SELECT json_group_array(target) FROM
    (SELECT target FROM hook_targets WHERE next_at <= :now ORDER BY next_at LIMIT ${MOST_TARGETS})) AS targets`;

const HOOKS = `SELECT id, target, state, check_at AS checkAt, etag, cursor, page, top, seen FROM hooks
  WHERE state = 'ours' OR (state <> 'gone' AND check_at <= :now)
  ORDER BY id <= coalesce(${markOf("sweep", "value ->> 'hook'")}, 0), id LIMIT ${MOST_HOOKS}`;

/** Statements of {@link dueHooks}. */
export const DUE_HOOKS_STATEMENTS = 2;

export async function dueHooks(ledger: LedgerContext): Promise<DueHooks> {
  const params: Params = { now: ledger.now(), keep: KEPT_MS };
  const [[plan], rows] = await transaction(ledger, [
    { sql: PLAN, params },
    { sql: HOOKS, params },
  ]);
  const read = (value: unknown, otherwise: string): unknown =>
    parseJson(typeof value === "string" ? value : otherwise);
  const walk = read(plan?.["walk"], "{}") as Partial<Walk>;
  return {
    walk: { turn: 0, hook: 0, since: 0, roundAt: 0, roundMs: 0, choresAt: 0, ...walk },
    limited: plan?.["limited"] === 1,
    due: plan?.["due"] === 1,
    urgent: plan?.["urgent"] === 1,
    targets: read(plan?.["targets"], "[]") as readonly string[],
    hooks: rows as unknown as readonly Hook[],
    all: rows.length < MOST_HOOKS,
  };
}

/** Hooks noted of one target by what deliveries say, which is not signed: whoever sends one again with other ids must not
 *  hold up the walk. GitHub allows 20 of one event; more are found when the target is looked through.
 *  @see https://docs.github.com/webhooks/types-of-webhooks */
const MOST_HEARD_OF = 20;

/** Notes a hook by which a delivery came. One that is known is not touched, unless it was gone: it may have moved. */
export async function hearHook(ledger: LedgerContext, id: number, target: string): Promise<void> {
  const sql = `INSERT INTO hooks (id, target, state) SELECT :id, :target, 'new'
    WHERE (SELECT count(*) FROM hooks WHERE target = :target) < ${MOST_HEARD_OF}
    ON CONFLICT (id) DO UPDATE SET target = excluded.target, state = 'new', check_at = 0 WHERE state = 'gone'`;
  await transaction(ledger, [{ sql, params: { id, target } }]);
}

/** When a target's hooks are to be looked through again, and whether GitHub refused it. */
export interface SeenTarget {
  readonly target: string;
  readonly nextAt: number;
  readonly denied: boolean;
}

/** A delivery that failed. */
export interface Failed {
  readonly hook: number;
  readonly guid: string;
  readonly id: number;
  readonly queued: boolean;
  readonly at: number;
}

const WRITE_HOOKS = `INSERT INTO hooks (id, target, state, check_at, etag, cursor, page, top, seen)
  SELECT value ->> 'id', value ->> 'target', value ->> 'state', value ->> 'checkAt', value ->> 'etag', value ->> 'cursor',
    value ->> 'page', value ->> 'top', value ->> 'seen' FROM json_each(:hooks) WHERE true
  ON CONFLICT (id) DO UPDATE SET target = excluded.target, state = excluded.state, check_at = excluded.check_at,
    etag = coalesce(excluded.etag, etag), cursor = coalesce(excluded.cursor, cursor), page = excluded.page,
    top = excluded.top, seen = excluded.seen`;

const WRITE_TARGETS = `INSERT INTO hook_targets (target, next_at, denied)
  SELECT value ->> 'target', value ->> 'nextAt', value ->> 'denied' FROM json_each(:targets) WHERE true
  ON CONFLICT (target) DO UPDATE SET next_at = excluded.next_at, denied = excluded.denied`;

/** Attempts of one GUID are one row, that of the newest; when the last time that it was asked for failed, too, it is given
 *  up. */
const WRITE_FAILED = `INSERT INTO redeliveries (hook_id, guid, delivery_id, queued, failed_at)
  SELECT value ->> 'hook', value ->> 'guid', max(value ->> 'id'), value ->> 'queued', value ->> 'at'
  FROM json_each(:failed) GROUP BY 1, 2
  ON CONFLICT (hook_id, guid) DO UPDATE SET delivery_id = excluded.delivery_id, failed_at = excluded.failed_at,
    state = iif(state = 'open' AND tries >= ${MOST_TRIES}, 'given_up', state)
  WHERE excluded.delivery_id > delivery_id`;

/** Most statements of {@link recordVisited}. */
export const VISITED_STATEMENTS = 3;

/** Writes what a sweep saw; nothing to write costs nothing. */
export async function recordVisited(
  ledger: LedgerContext,
  hooks: readonly Hook[],
  targets: readonly SeenTarget[],
  failed: readonly Failed[],
): Promise<void> {
  const write = (sql: string, rows: readonly object[], name: string): Statement[] =>
    rows.length === 0 ? [] : [{ sql, params: { [name]: JSON.stringify(rows) } }];
  const statements = [
    ...write(WRITE_HOOKS, hooks, "hooks"),
    ...write(WRITE_TARGETS, targets, "targets"),
    ...write(WRITE_FAILED, failed, "failed"),
  ];
  if (statements.length > 0) await transaction(ledger, statements);
}

/** How often {@link doChores} is due. */
export const CHORES_MS = HOUR_MS;

/** Statements of {@link doChores}. */
export const CHORES_STATEMENTS = 3;

/**
 * Notes whose hooks are to be looked through: those that the policy names, and those that the ledger knows as scopes.
 * Deletes deliveries that GitHub no longer repeats, and hooks that have been gone for a day.
 * @param named repositories and organizations
 */
export async function doChores(ledger: LedgerContext, named: readonly string[]): Promise<void> {
  const params: Params = { now: ledger.now(), named: JSON.stringify(named), keep: KEPT_MS };
  await transaction(ledger, [
    {
      sql: `INSERT INTO hook_targets (target, next_at) SELECT value, 0 FROM json_each(:named) WHERE true
        UNION SELECT scope, 0 FROM runners WHERE live = 1 UNION SELECT scope, 0 FROM scopes WHERE true
        ON CONFLICT (target) DO NOTHING`,
      params,
    },
    { sql: "DELETE FROM redeliveries WHERE failed_at <= :now - :keep", params },
    { sql: "DELETE FROM hooks WHERE state = 'gone' AND check_at <= :now", params },
  ]);
}
