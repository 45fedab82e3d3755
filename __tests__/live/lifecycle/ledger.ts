import type { Row } from "../../../local/worker/database";
import type { Place } from "./place";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface LedgerRunner {
  readonly name: string;
  readonly state: string;
  readonly live: number;
  readonly until: number;
  readonly ordinal: number;
  readonly endReason: string | null;
}

export async function ledgerRunners(place: Place): Promise<readonly LedgerRunner[]> {
  const sql = "SELECT name, state, live, until, ordinal, end_reason AS endReason FROM runners ORDER BY name";
  const { results } = await place.loop.worker.ledger().prepare(sql).all<LedgerRunner>();
  return results;
}

/** Jobs that no runner has started, or that are not known to be over. */
export async function openJobs(place: Place): Promise<readonly Row[]> {
  const sql = "SELECT job_id, state FROM jobs WHERE state <> 'completed'";
  return (await place.loop.worker.ledger().prepare(sql).all()).results;
}

/** What the ledger says of one job's runners: ordinal, state and how it ended, in order. */
export async function historyOf(place: Place, job: number): Promise<string> {
  const sql = "SELECT ordinal, state, end_reason AS reason FROM runners WHERE job_id = ? ORDER BY ordinal";
  const { results } = await place.loop.worker.ledger().prepare(sql).bind(job).all();
  return results
    .map(({ ordinal, state, reason }) => `${String(ordinal)} ${String(reason ?? state)}`)
    .join(", ");
}

/** A day passes in the ledger, and the cron looks at what is overdue then: nobody waits for it. */
export async function passADay(place: Place): Promise<void> {
  const ledger = place.loop.worker.ledger();
  await ledger
    .prepare(
      `UPDATE runners SET until = until - ?1, next_look_at = next_look_at - ?1, claimed_at = claimed_at - ?1,
        dispatched_at = dispatched_at - ?1 WHERE live = 1`,
    )
    .bind(DAY_MS)
    .run();
  // One looks, the next one removes.
  for (let turn = 0; turn < 3; turn += 1) await place.loop.worker.sweep();
}
