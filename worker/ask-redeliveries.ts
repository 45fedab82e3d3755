import type { App } from "./app";
import {
  ASKED_STATEMENTS,
  type AskedDelivery,
  LEASE_STATEMENTS,
  type LeasedDelivery,
  leaseDeliveries,
  recordAsked,
} from "./ledger/redeliveries";
import { log } from "./log";
import { mapSixAtATime } from "./timing";
import { type Round, meet } from "./visit-hooks";

/** What asking must leave to be written; the batch may have to be sent twice. */
export const ASKING_STATEMENTS = 2 * ASKED_STATEMENTS;

/** Deliveries asked for in one sweep where there is room; GitHub counts each as five points of 900 in a minute.
 *  @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits */
const MOST = 30;

/**
 * Asks GitHub to repeat deliveries that are due, hook by hook. Before a hook's first ones are asked for, its newest
 * successes are looked at: somebody may have pressed the button, and an answer may have been lost.
 * @param rest subrequests to leave over
 */
export async function askDue(app: App, round: Round, rest: number): Promise<void> {
  const room = app.subrequests.left() - rest - LEASE_STATEMENTS;
  if (room < 2 || round.limitedMs > 0) return;
  const leased = await leaseDeliveries(app.ledger, Math.min(room - 1, MOST));
  app.subrequests.leave(rest);
  const hooks = [...new Set(leased.map(({ hook }) => hook))];
  const groups = hooks.map((id) => leased.filter(({ hook }) => hook === id));
  const asked = await mapSixAtATime(groups, async (group) => askHook(app, round, group));
  await recordAsked(app.ledger, asked.flat());
}

/** @param leased of one hook */
async function askHook(app: App, round: Round, leased: readonly LeasedDelivery[]): Promise<AskedDelivery[]> {
  const asked: AskedDelivery[] = [];
  const arrived = await successes(app, round, leased);
  for (const one of leased) {
    const to =
      typeof arrived === "string"
        ? arrived
        : arrived.has(one.guid)
          ? "delivered"
          : await ask(app, round, one);
    asked.push({ ...one, to });
    if (to !== "unasked" && to !== "later") {
      const { guid: delivery, target: scope, tries: attempt } = one;
      log("info", "redelivery", { delivery, scope, attempt, outcome: to });
    }
  }
  return asked;
}

/** GUIDs that have arrived, of the newest 100 attempts; a success is newer than the failure before it.
 *  @returns what becomes of all where GitHub did not say: a hook that it tells nothing of must not stand before the others */
async function successes(
  app: App,
  round: Round,
  [first]: readonly LeasedDelivery[],
): Promise<ReadonlySet<string> | "unasked" | "later"> {
  if (first === undefined || round.limitedMs > 0) return "unasked";
  const listed = await app.github.listDeliveries(first.target, first.hook, { status: "success" });
  if (!listed.ok) return meet(round, listed) === null ? "unasked" : "later";
  return new Set(listed.value?.deliveries.flatMap(({ ok, guid }) => (ok ? [guid] : [])));
}

/** GitHub will never repeat what it does not take, or no longer has.
 *  @see https://docs.github.com/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook */
async function ask(
  app: App,
  round: Round,
  { target, hook, id }: LeasedDelivery,
): Promise<AskedDelivery["to"]> {
  if (round.limitedMs > 0) return "unasked";
  const answer = await app.github.redeliver(target, hook, id);
  if (answer.ok) return "asked";
  const { status } = answer;
  if (status === 400 || status === 404 || status === 422) return "given_up";
  const met = meet(round, answer);
  return met === "again" ? "unknown" : met === "denied" ? "refused" : "unasked";
}
