import type { LedgerContext } from "./context";
import { markOf, setMark } from "./marks";
import { type Params, type Row, type Statement, transaction } from "./statement";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** GitHub repeats only what is younger.
 *  @see https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks */
export const KEPT_MS = 3 * DAY_MS;

/** Milliseconds until a delivery may be asked for again, after each time but the last. The fifth time comes a day and an
 *  hour after the first, so that an outage of a day is survived, and a short one costs minutes. */
const AGAIN_MS = [10 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 20 * HOUR_MS];
export const MOST_TRIES = AGAIN_MS.length + 1;

/** A delivery that this sweep may ask for. */
export interface LeasedDelivery {
  readonly hook: number;
  readonly target: string;
  readonly guid: string;
  /** The newest attempt. */
  readonly id: number;
  /** How often it was asked for, this time included. */
  readonly tries: number;
}

const OPEN = "d.state = 'open' AND d.delivery_id > d.asked_id";

/** What may be asked for now. */
export const DUE = `redeliveries d JOIN hooks h ON h.id = d.hook_id AND h.state = 'ours'
  WHERE ${OPEN} AND d.next_at <= :now AND d.tries < ${MOST_TRIES} AND d.failed_at > :now - :keep`;

const NEXT = `CASE tries ${AGAIN_MS.map((ms, tries) => `WHEN ${tries} THEN ${ms}`).join(" ")} ELSE ${DAY_MS} END`;

/** What told of a job that may still wait for a runner; GitHub drops it after a day.
 *  @see https://docs.github.com/actions/reference/limits */
export const IS_URGENT = `d.queued AND d.failed_at > :now - ${DAY_MS}`;

const IN_ORDER = `ORDER BY ${IS_URGENT} DESC, d.failed_at`;

const LEASE = `UPDATE redeliveries SET op = :op, tries = tries + 1, next_at = :now + ${NEXT}
  WHERE NOT EXISTS (SELECT 1 FROM redeliveries d WHERE ${OPEN} AND d.op = :op) AND (hook_id, guid) IN
    (SELECT d.hook_id, d.guid FROM ${DUE} ${IN_ORDER} LIMIT :limit)`;

const LEASED = `SELECT d.hook_id AS hook, h.target, d.guid, d.delivery_id AS id, d.tries
  FROM redeliveries d JOIN hooks h ON h.id = d.hook_id WHERE ${OPEN} AND d.op = :op ${IN_ORDER}`;

/** Statements of {@link leaseDeliveries}. */
export const LEASE_STATEMENTS = 2;

/** Takes deliveries that are due, so that no other sweep asks for them and none is asked for too often: what becomes of
 *  no answer counts, too. */
export async function leaseDeliveries(
  ledger: LedgerContext,
  limit: number,
): Promise<readonly LeasedDelivery[]> {
  const params: Params = { now: ledger.now(), op: ledger.newOp(), keep: KEPT_MS, limit };
  const [, rows] = await transaction(ledger, [
    { sql: LEASE, params },
    { sql: LEASED, params },
  ]);
  return rows as unknown as readonly LeasedDelivery[];
}

/** What became of one: GitHub will repeat it; or an attempt had arrived; or GitHub will never repeat it; or nobody knows;
 *  or the credential may not; or GitHub told nothing of its hook; or there was no room to ask. The last three do not count. */
export interface AskedDelivery extends LeasedDelivery {
  readonly to: "asked" | "delivered" | "given_up" | "unknown" | "refused" | "later" | "unasked";
}

const ASKED = `UPDATE redeliveries SET asked_id = iif(x.fate = 'asked', max(asked_id, x.id), asked_id),
    state = CASE WHEN x.fate IN ('delivered', 'given_up') THEN x.fate
      WHEN x.fate = 'unknown' AND x.nth >= ${MOST_TRIES} THEN 'given_up' ELSE state END,
    tries = iif(x.fate IN ('unasked', 'later', 'refused', 'delivered'), x.nth - 1, tries),
    next_at = CASE x.fate WHEN 'unasked' THEN :now WHEN 'refused' THEN :now + ${HOUR_MS} ELSE next_at END
  FROM (SELECT value ->> 'hook' AS hook, value ->> 'guid' AS guid, value ->> 'id' AS id, value ->> 'tries' AS nth,
    value ->> 'to' AS fate FROM json_each(:asked)) x
  WHERE hook_id = x.hook AND redeliveries.guid = x.guid AND redeliveries.state = 'open'`;

/** Statements of {@link recordAsked}. */
export const ASKED_STATEMENTS = 1;

export async function recordAsked(ledger: LedgerContext, asked: readonly AskedDelivery[]): Promise<void> {
  if (asked.length === 0) return;
  await transaction(ledger, [{ sql: ASKED, params: { now: ledger.now(), asked: JSON.stringify(asked) } }]);
}

/** GitHub's limit is met: no hook is looked at and nothing asked for before it ends. */
export async function pauseRedelivery(ledger: LedgerContext, ms: number): Promise<void> {
  const sql = setMark("'redelivery_limited'", ":until", "'{}'");
  await transaction(ledger, [{ sql, params: { until: ledger.now() + ms } }]);
}

/** What an operator may see of it; times are milliseconds since the epoch. */
export interface RedeliveryView {
  /** state → number of hooks. */
  readonly hooks: Readonly<Record<string, number>>;
  /** Repositories and organizations whose hooks the credential may not see. */
  readonly denied: number;
  readonly roundAt: number | null;
  readonly roundMs: number | null;
  /** Failed deliveries of the last three days that are still to be asked for, how often any were, and how many are not
   *  asked for any more. */
  readonly pending: number;
  readonly asked: number;
  readonly givenUp: number;
}

const SUMS = `SELECT ${markOf("sweep", "value ->> 'roundAt'")} AS roundAt, ${markOf("sweep", "value ->> 'roundMs'")} AS roundMs,
    (SELECT count(*) FROM hook_targets WHERE denied) AS denied,
    coalesce(sum(${OPEN} AND d.tries < ${MOST_TRIES}), 0) AS pending, coalesce(sum(d.tries), 0) AS asked,
    coalesce(sum(d.state = 'given_up'), 0) AS givenUp FROM redeliveries d`;

/** What {@link redeliveryOf} reads the rows of. */
export const REDELIVERY: readonly [Statement, Statement] = [
  { sql: "SELECT state, count(*) AS n FROM hooks GROUP BY state ORDER BY state", params: {} },
  { sql: SUMS, params: {} },
];

export function redeliveryOf(hooks: readonly Row[], sums: readonly Row[]): RedeliveryView {
  const counts = Object.fromEntries(hooks.map(({ state, n }) => [String(state), Number(n)]));
  return { ...sums[0], hooks: counts } as unknown as RedeliveryView;
}
