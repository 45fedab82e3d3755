import type { App } from "./app";
import { ASKING_STATEMENTS, askDue } from "./ask-redeliveries";
import { cleanDetail } from "./bounded-fetch";
import type { RunnerPolicy } from "../contracts/policy";
import {
  CHORES_MS,
  CHORES_STATEMENTS,
  DUE_HOOKS_STATEMENTS,
  type DueHooks,
  type Hook,
  type SeenTarget,
  VISITED_STATEMENTS,
  type Walk,
  doChores,
  dueHooks,
  recordVisited,
} from "./ledger/hooks";
import { recordProblems } from "./ledger/problems";
import { pauseRedelivery } from "./ledger/redeliveries";
import { log } from "./log";
import { organizationOf } from "./policy";
import { mapSixAtATime } from "./timing";
import { type Round, type Visit, beginRound, lookThrough, visit } from "./visit-hooks";

/** What the visits must leave to be written: each batch may have to be sent twice. */
const AFTER_VISITS = 2 * VISITED_STATEMENTS;
/** The problems, and how long GitHub's limit lasts. */
const TELLING_STATEMENTS = 2;
/** Fewer requests than these are no visit: one for the App's installation, one for a token, one for the list. */
const LEAST_REQUESTS = 3;

/** Of the requests there are, while deliveries are due: the rest goes on with the walk. */
const SHARE_OF_ASKING = 2 / 3;

/**
 * Visits as many of the stack's hooks as this sweep has room for, notes which of their deliveries failed, and asks GitHub
 * to repeat what is due. Never throws: the sweep goes on.
 * @param keep subrequests to leave over
 * @param rooms those to leave over besides, one for each turn: turns change with each sweep. While jobs may wait for their
 * delivery the last turn is left out
 * @returns how far the walk is, for the sweep's mark
 */
export async function redeliver(app: App, keep: number, rooms: readonly number[]): Promise<Partial<Walk>> {
  const least = DUE_HOOKS_STATEMENTS + LEAST_REQUESTS + AFTER_VISITS + keep;
  if (app.config.policy.redelivery === "off" || app.subrequests.left() < least) return {};
  try {
    return await walkOn(app, keep, rooms);
  } catch (error) {
    const detail = cleanDetail(String(error), []);
    log("error", "redelivery_failed", { detail });
    await recordProblems(app.ledger, "redelivery", new Map([["failed", detail]])).catch(() => undefined);
    return {};
  } finally {
    app.subrequests.leave();
  }
}

async function walkOn(app: App, keep: number, rooms: readonly number[]): Promise<Partial<Walk>> {
  const { ledger, subrequests } = app;
  const due = await dueHooks(ledger);
  const turn = (due.walk.turn + 1) % (due.urgent ? rooms.length - 1 : rooms.length);
  const room = keep + (rooms[turn] ?? 0);
  const round = beginRound(app);
  let walk: Partial<Walk> = {};
  if (!due.limited) {
    const floor = Math.max(room, keep + AFTER_VISITS);
    const share = due.due ? Math.ceil(Math.max(0, subrequests.left() - floor) * SHARE_OF_ASKING) : 0;
    subrequests.leave(floor + share);
    walk = await visitDue(app, round, due);
    // What was just noted as failed is asked for in the same sweep where that has room.
    const rest = Math.max(room, keep + ASKING_STATEMENTS);
    if (due.due || round.failed.length > 0) await askDue(app, round, rest);
  }
  if (subrequests.left() >= keep + TELLING_STATEMENTS) {
    await recordProblems(ledger, "redelivery", round.problems);
    if (round.limitedMs > 0) await pauseRedelivery(ledger, round.limitedMs);
  }
  const now = app.now();
  if (now - due.walk.choresAt < CHORES_MS || subrequests.left() < keep + 2 * CHORES_STATEMENTS) {
    return { turn, ...walk };
  }
  await doChores(ledger, namedTargets(app.config.policy));
  return { turn, ...walk, choresAt: now };
}

async function visitDue(app: App, round: Round, due: DueHooks): Promise<Partial<Walk>> {
  const targets = await mapSixAtATime(due.targets, async (target) => lookThrough(round, target));
  const known = new Set(due.hooks.map(({ id }) => id));
  const hooks = [...due.hooks, ...round.found.filter(({ id }) => !known.has(id))];
  const visits = await mapSixAtATime(hooks, async (hook) => visit(round, hook));
  round.failed.push(...visits.flatMap((one) => one?.failed ?? []));
  await recordVisited(
    app.ledger,
    [...round.found, ...visits.flatMap((one, index) => (one === null ? [] : changes(one, due.hooks[index])))],
    targets.filter((one): one is SeenTarget => one !== null),
    round.failed,
  );
  // The walk goes on at the first one that there was no room for.
  const end = visits.indexOf(null);
  return movedOn(app.now(), due, end < 0 ? due.hooks.length : Math.min(end, due.hooks.length));
}

/** A hook that is as it was is not written: the free plan has 100,000 rows written a day.
 *  @see https://developers.cloudflare.com/d1/platform/pricing/ */
function changes({ hook }: Visit, before: Hook | undefined): Hook[] {
  return JSON.stringify(hook) === JSON.stringify(before) ? [] : [hook];
}

/** A round is over when the last hook of all was visited; the first hook has a smaller id than the last again. */
function movedOn(now: number, { walk, hooks, all }: DueHooks, visited: number): Partial<Walk> {
  const since = walk.since === 0 ? now : walk.since;
  if (hooks.length === 0) return { since: now, roundAt: now, roundMs: 0 };
  const last = hooks[visited - 1];
  if (last === undefined) return { since };
  const isWhole = all && visited === hooks.length;
  const wraps = hooks.slice(0, visited).some(({ id }) => id <= walk.hook);
  if (!isWhole && !wraps) return { since, hook: last.id };
  return { since: now, hook: last.id, roundAt: now, roundMs: now - since };
}

/** What the policy names without a `*`; of organizations their own hooks. */
function namedTargets({ scopes }: RunnerPolicy): readonly string[] {
  return scopes.flatMap((rules) => {
    const organization = rules.scope === "organization" ? organizationOf(rules) : null;
    const named = rules.repositories.filter((pattern) => !pattern.includes("*"));
    return organization === null ? named : [organization, ...named];
  });
}
