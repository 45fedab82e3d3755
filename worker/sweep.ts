import type { App } from "./app";
import { ASK_ALL_STATEMENTS, askAll } from "./ask-all";
import { cleanUp } from "./clean-up";
import { dispatchDue } from "./dispatch";
import { mark } from "./ledger/marks";
import { dueWork, forget, settle } from "./ledger/work";
import { log } from "./log";
import { openPools, tellPools } from "./pools";
import { TOKEN_REQUESTS } from "./subrequests";

/** Most dispatches of one pass; with everything else it stays within the free plan's 50 subrequests. */
const DISPATCHES = 35;

/** Lease and read before the sends, results and problem after them. */
const PASS_STATEMENTS = 4;
/** Deleting old rows and the mark of this sweep. */
const CLOSING_STATEMENTS = 3;
/** A removal looks the runner up, then deletes it. */
const REQUESTS_PER_QUESTION = 2;

/**
 * What the cron does each minute: ends what time has ended, requests what is short, sends what is due, asks GitHub
 * about what is overdue. Everything is set-based and bounded; what does not fit goes on at the next sweep.
 */
export async function sweep(app: App): Promise<void> {
  const startedAt = app.now();
  await settle(app.ledger, openPools(app));
  await tellPools(app);
  const first = await dispatchWithin(app);
  const asked = await askWithin(app);
  const sent = first + (await dispatchWithin(app));
  await cleanUp(app, CLOSING_STATEMENTS);
  if (app.subrequests.left() >= CLOSING_STATEMENTS) await forget(app.ledger);
  const ms = app.now() - startedAt;
  await mark(app.ledger, "sweep", { sent, asked, ms });
  log("info", "swept", { count: sent, ms });
}

/** @returns how many were sent of what fits into what is left of this invocation */
async function dispatchWithin(app: App): Promise<number> {
  const room = app.subrequests.left() - PASS_STATEMENTS - CLOSING_STATEMENTS;
  return room > 0 ? (await dispatchDue(app, Math.min(DISPATCHES, room))).sent : 0;
}

/** @returns how many questions fitted into what is left of this invocation */
async function askWithin(app: App): Promise<number> {
  const spare = app.subrequests.left() - 1 - ASK_ALL_STATEMENTS - CLOSING_STATEMENTS - TOKEN_REQUESTS;
  const questions = Math.floor(spare / REQUESTS_PER_QUESTION);
  if (questions < 1) return 0;
  const work = await dueWork(app.ledger, questions);
  await askAll(app, work);
  return work.length;
}
