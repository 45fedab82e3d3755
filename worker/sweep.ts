import type { App } from "./app";
import { ASK_ALL_STATEMENTS, askAll } from "./ask-all";
import { CLEAN_UP_ROOM, cleanUp } from "./clean-up";
import { dispatchDue } from "./dispatch";
import { mark } from "./ledger/marks";
import { dueWork, forget, settle } from "./ledger/work";
import { log } from "./log";
import { openPools, tellPools } from "./pools";
import { RECOVERY_ROOM, recover } from "./recovery";
import { redeliver } from "./redelivery";
import { TOKEN_REQUESTS } from "./subrequests";

/** Most dispatches of one pass; with everything else it stays within the free plan's 50 subrequests. */
const DISPATCHES = 35;

/** Lease and read before the sends, results and problem after them. */
const PASS_STATEMENTS = 4;
/** Deleting old rows and the mark of this sweep. */
const CLOSING_STATEMENTS = 3;
/** Which of {@link roomsOf} is the clean-up's. */
const CLEAN_UPS_TURN = 2;
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
  // Answers lead to more, and a full pass may have left some; else the statements are others'.
  const again = asked > 0 || first.isFull ? await dispatchWithin(app) : NONE;
  const sent = first.sent + again.sent;
  const walk = await redeliver(app, CLOSING_STATEMENTS, roomsOf(app));
  // What is left over may be enough for one of the two only.
  for (const work of walk.turn === CLEAN_UPS_TURN ? [cleanUp, recover] : [recover, cleanUp]) {
    await work(app, CLOSING_STATEMENTS);
  }
  if (app.subrequests.left() >= CLOSING_STATEMENTS) await forget(app.ledger);
  const ms = app.now() - startedAt;
  await mark(app.ledger, "sweep", { sent, asked, ms, ...walk });
  log("info", "swept", { count: sent, ms });
}

/**
 * What redelivery leaves to others, in turn: nothing, room for the recovery, room for the clean-up. With few hooks all three
 * run in every sweep; with many each gets its turn, and 167 hooks are visited within ten minutes: see
 * `docs/operations.md`.
 */
function roomsOf({ config: { policy } }: App): readonly number[] {
  return [0, policy.recovery === "off" ? 0 : RECOVERY_ROOM, policy.cleanUp === "off" ? 0 : CLEAN_UP_ROOM];
}

interface Sent {
  readonly sent: number;
  readonly isFull: boolean;
}

const NONE: Sent = { sent: 0, isFull: false };

/** Sends of what is due as much as fits into what is left of this invocation. */
async function dispatchWithin(app: App): Promise<Sent> {
  const room = Math.min(DISPATCHES, app.subrequests.left() - PASS_STATEMENTS - CLOSING_STATEMENTS);
  if (room <= 0) return NONE;
  const { sent } = await dispatchDue(app, room);
  return { sent, isFull: sent === room };
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
