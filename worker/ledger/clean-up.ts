import type { LedgerContext } from "./context";
import { setMark } from "./marks";
import { type Params, transaction } from "./statement";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A stray is acted upon when it was sighted in so many passes, and this long after the first sighting. */
const SIGHTINGS = 2;
const AGE_MS = 10 * MINUTE_MS;

/** Passes that begin closer to the sighting before than this are one sighting: two sweeps at once are no second look. */
const APART_MS = 5 * MINUTE_MS;

/** A sighting older than this is no longer followed up: the clean-up was off, or could not ask. */
const STALE_MS = DAY_MS;

/** How often a scope is compared: with runners lately or strays, and without. */
const ACTIVE_EVERY_MS = 10 * MINUTE_MS;
const IDLE_EVERY_MS = 6 * HOUR_MS;

/** A scope is active for so long after its last runner; noted twice as often, not each minute, since rows written count. */
const ACTIVE_MS = HOUR_MS;

/** A scope without a runner for so long is compared no more. */
const KEEP_MS = 14 * DAY_MS;

/** GitHub's list may be so far behind: it lacks who has just claimed, and has who has just ended. */
const SETTLED_MS = MINUTE_MS;

/** A scope whose registrations are to be compared, and how far its pass has come. */
export interface DueScope {
  readonly scope: string;
  /** Next page, from 1. */
  readonly page: number;
  readonly startedAt: number;
  /** Names of this stack on the pages before, as a JSON list. */
  readonly seen: string;
}

/** A stray that was sighted often and long enough. */
export interface DueStray {
  readonly name: string;
  readonly scope: string;
  /** Who has it: a registration at GitHub that no live runner of the ledger stands behind, or the other way round. */
  readonly side: "github" | "ledger";
  readonly registrationId: number | null;
  /** Its runner's, where the ledger has it. */
  readonly state: "claimed" | "busy" | null;
}

/** What there is to do; strays are of one scope. */
export interface DueCleanUp {
  readonly scope: DueScope | null;
  readonly strays: readonly DueStray[];
}

/** Notes which scopes are active: those with a live runner, or one that ended in the last minutes. */
const NOTE_SCOPES = `INSERT INTO scopes (scope, active_at, next_at)
  SELECT scope, :now, :now + ${ACTIVE_EVERY_MS} FROM (SELECT scope FROM runners WHERE live = 1
    UNION SELECT scope FROM runners WHERE live = 0 AND ended_at > :now - ${ACTIVE_EVERY_MS}) WHERE true
  ON CONFLICT (scope) DO UPDATE SET active_at = :now,
    next_at = iif(active_at <= :now - ${ACTIVE_MS}, min(next_at, :now + ${ACTIVE_EVERY_MS}), next_at)
  WHERE active_at <= :now - ${ACTIVE_MS / 2}`;

const NOT_LIMITED = "NOT EXISTS (SELECT 1 FROM marks WHERE name = 'clean_up_limited' AND at > :now)";

/** A pass under way goes on; then, every other minute, one that may confirm a first sighting; then whichever has waited
 *  longest. */
const NEXT_SCOPE = `SELECT scope, page, iif(page = 1, :now, started_at) AS startedAt, seen FROM scopes
  WHERE next_at <= :now AND ${NOT_LIMITED}
  ORDER BY page = 1, (:now / ${MINUTE_MS} % 2) * EXISTS
    (SELECT 1 FROM strays s WHERE s.scope = scopes.scope AND s.sightings < ${SIGHTINGS}) DESC, next_at LIMIT 1`;

const NEXT_STRAYS = `WITH due AS (SELECT s.*, r.state FROM strays s LEFT JOIN runners r ON r.name = s.name AND r.live = 1
    WHERE s.sightings >= ${SIGHTINGS} AND s.first_at <= :now - ${AGE_MS} AND s.next_look_at <= :now AND ${NOT_LIMITED}
      AND iif(s.side = 'github', r.name IS NULL, r.op = s.op AND r.state IN ('claimed', 'busy')))
  SELECT name, scope, side, registration_id AS registrationId, state FROM due
  WHERE scope = (SELECT scope FROM due ORDER BY next_look_at, first_at LIMIT 1) ORDER BY next_look_at, first_at LIMIT 50`;

/** Statements of {@link dueCleanUp}. */
export const DUE_STATEMENTS = 3;

/** @param strays whether strays are acted upon, or only noted */
export async function dueCleanUp(ledger: LedgerContext, strays: boolean): Promise<DueCleanUp> {
  const params: Params = { now: ledger.now() };
  const sent = [NOTE_SCOPES, NEXT_SCOPE, ...(strays ? [NEXT_STRAYS] : [])].map((sql) => ({ sql, params }));
  const [, scopes, due] = await transaction(ledger, sent);
  return {
    scope: (scopes?.[0] as unknown as DueScope | undefined) ?? null,
    strays: (due ?? []) as unknown as readonly DueStray[],
  };
}

/** What one sweep read of a scope. */
export interface Compared extends DueScope {
  /** Of this stack, not at work: name and id. */
  readonly idle: readonly (readonly [name: string, id: number])[];
  /** Names at work. */
  readonly busy: readonly string[];
  /** Whether the last page was read. */
  readonly complete: boolean;
  /** Milliseconds until GitHub is asked again, when it did not answer; the pass then goes on from `page`. */
  readonly waitMs: number;
}

/** Another registration or another state of that name is another stray. */
const ANOTHER = `(strays.side <> excluded.side OR strays.registration_id IS NOT excluded.registration_id
  OR strays.op <> excluded.op OR last_at <= :now - ${STALE_MS})`;

/** Once per pass, so that a batch sent twice and a name on two pages count once. */
const SIGHTED = `ON CONFLICT (name) DO UPDATE SET scope = excluded.scope, side = excluded.side, op = excluded.op,
    registration_id = excluded.registration_id, last_at = :now, first_at = iif(${ANOTHER}, :now, first_at),
    sightings = iif(${ANOTHER}, 1, sightings + (last_at <= :started - ${APART_MS}))`;

const INSERT_STRAY =
  "INSERT INTO strays (name, scope, side, registration_id, op, sightings, first_at, last_at)";

const SIGHT_REGISTRATIONS = `${INSERT_STRAY}
  SELECT value ->> 0, :scope, 'github', value ->> 1, '', 1, :now, :now FROM json_each(:idle)
  WHERE NOT EXISTS
    (SELECT 1 FROM runners r WHERE r.name = value ->> 0 AND (r.live = 1 OR r.ended_at > :now - ${SETTLED_MS}))
  ${SIGHTED}`;

/** The list must have been read to its end; and even so a page can skip one, since others may leave meanwhile. */
const SIGHT_RUNNERS = `${INSERT_STRAY}
  SELECT name, :scope, 'ledger', registration_id, op, 1, :now, :now FROM runners
  WHERE live = 1 AND scope = :scope AND substr(name, 1, 7) = :stack || '-' AND (state = 'busy' OR (state = 'claimed' AND registration_id IS NOT NULL))
    AND coalesce(claimed_at, busy_at) <= :started - ${SETTLED_MS} AND name NOT IN (SELECT value FROM json_each(:seen))
  ${SIGHTED}`;

/** What is at work, or live again, or was not sighted in a whole pass, is no stray. */
const CLEAR = `DELETE FROM strays WHERE scope = :scope AND (name IN (SELECT value FROM json_each(:busy))
  OR (side = 'github' AND EXISTS (SELECT 1 FROM runners r WHERE r.name = strays.name AND r.live = 1))
  OR (:complete AND last_at < iif(side = 'github', :started, :now)))`;

const MOVE_ON = `UPDATE scopes SET page = :page, started_at = :started, seen = :seen, next_at = :now + :wait
  WHERE scope = :scope`;

const FINISH = `UPDATE scopes SET page = 1, seen = '[]', next_at = :now + iif(active_at > :now - ${ACTIVE_MS}
    OR EXISTS (SELECT 1 FROM strays s WHERE s.scope = scopes.scope), ${ACTIVE_EVERY_MS}, ${IDLE_EVERY_MS})
  WHERE scope = :scope`;

const FORGET_SCOPES = `DELETE FROM scopes WHERE active_at <= :now - ${KEEP_MS}
  AND NOT EXISTS (SELECT 1 FROM strays s WHERE s.scope = scopes.scope)`;

const MARK_PASS = setMark("'clean_up'", ":now", "json_object('scope', :scope)");

/** Most statements of {@link recordCompared}. */
export const COMPARED_STATEMENTS = 6;

/** Writes what a sweep read of a scope, in one batch that changes nothing more when it comes again. */
export async function recordCompared(ledger: LedgerContext, read: Compared): Promise<void> {
  const params: Params = {
    now: ledger.now(),
    stack: ledger.stackId,
    scope: read.scope,
    page: read.page,
    started: read.startedAt,
    seen: read.seen,
    idle: JSON.stringify(read.idle),
    busy: JSON.stringify(read.busy),
    complete: read.complete ? 1 : 0,
    wait: read.waitMs,
  };
  await transaction(
    ledger,
    [
      ...(read.idle.length > 0 ? [SIGHT_REGISTRATIONS] : []),
      ...(read.complete ? [SIGHT_RUNNERS] : []),
      CLEAR,
      ...(read.complete ? [FINISH, FORGET_SCOPES, MARK_PASS] : [MOVE_ON]),
    ].map((sql) => ({ sql, params })),
  );
}

/** Drops what is known of a scope that GitHub does not have; it is looked for again after a day. */
export async function scopeNotFound(ledger: LedgerContext, scope: string): Promise<void> {
  const params: Params = { scope, next: ledger.now() + DAY_MS };
  await transaction(ledger, [
    { sql: "DELETE FROM strays WHERE scope = :scope", params },
    { sql: "UPDATE scopes SET page = 1, seen = '[]', next_at = :next WHERE scope = :scope", params },
  ]);
}

/** What became of strays that were looked up: names. */
export interface Settled {
  /** Registrations that were deleted at GitHub. */
  readonly deleted: readonly string[];
  /** Runners that GitHub has forgotten, and that were ended. */
  readonly ended: readonly string[];
  /** No strays after all. */
  readonly cleared: readonly string[];
  /** Not known: to be looked up again after `waitMs`. */
  readonly kept: readonly string[];
  readonly waitMs: number;
}

/** At one time only once, so that a batch sent twice counts once. */
const COUNT_REMOVED = `INSERT INTO marks (name, at, value)
  VALUES ('cleaned_up', :now, json_object('registrations', :deleted, 'runners', :ended))
  ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = json_object(
    'registrations', value ->> 'registrations' + :deleted, 'runners', value ->> 'runners' + :ended)
  WHERE at < excluded.at`;

/** Most statements of {@link recordSettled}. */
export const SETTLED_STATEMENTS = 3;

/** Writes what became of strays, and counts what was removed. */
export async function recordSettled(ledger: LedgerContext, settled: Settled): Promise<void> {
  const { deleted, ended, cleared, kept } = settled;
  const params: Params = {
    now: ledger.now(),
    over: JSON.stringify([...deleted, ...ended, ...cleared]),
    kept: JSON.stringify(kept),
    next: ledger.now() + settled.waitMs,
    deleted: deleted.length,
    ended: ended.length,
  };
  const named = (list: string): string => `WHERE name IN (SELECT value FROM json_each(${list}))`;
  await transaction(
    ledger,
    [
      `DELETE FROM strays ${named(":over")}`,
      ...(kept.length > 0 ? [`UPDATE strays SET next_look_at = :next ${named(":kept")}`] : []),
      ...(deleted.length + ended.length > 0 ? [COUNT_REMOVED] : []),
    ].map((sql) => ({ sql, params })),
  );
}

/** GitHub's limit is met: nothing is compared or looked up before it ends. */
export async function pauseCleanUp(ledger: LedgerContext, ms: number): Promise<void> {
  const sql = setMark("'clean_up_limited'", ":until", "'{}'");
  await transaction(ledger, [{ sql, params: { until: ledger.now() + ms } }]);
}
