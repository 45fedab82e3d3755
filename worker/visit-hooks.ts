import type { App } from "./app";
import type { CallError } from "./github/client";
import type { DeliveryPage, GithubHook } from "./github/hooks";
import type { Failed, Hook, HookState, SeenTarget } from "./ledger/hooks";
import { KEPT_MS } from "./ledger/redeliveries";
import { log } from "./log";
import { isConcerned } from "./policy";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A hook, and the hooks of a target, are looked at anew once a day; where the credential may not, each hour. */
const CHECKED_MS = DAY_MS;
const DENIED_MS = 60 * MINUTE_MS;
/** What GitHub did not answer is asked again after it. */
const AGAIN_MS = 10 * MINUTE_MS;

/** Pages of failed deliveries read of one hook, one at each visit: 10,000 deliveries. */
const MAX_PAGES = 100;

/** Of a hook or its repository. @see https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects */
const GONE: ReadonlySet<number> = new Set([301, 302, 307, 308, 404]);

const ACTIONS: ReadonlySet<string> = new Set(["queued", "in_progress", "completed"]);

/** What one sweep meets. */
export interface Round {
  readonly app: App;
  /** Hooks of this stack that were come upon. */
  readonly found: Hook[];
  readonly failed: Failed[];
  /** kind → detail. */
  readonly problems: Map<string, string>;
  /** How long GitHub is not to be asked; 0: it may be. */
  limitedMs: number;
}

export function beginRound(app: App): Round {
  return { app, found: [], failed: [], problems: new Map(), limitedMs: 0 };
}

/** A hook as it is now, and its deliveries that failed. */
export interface Visit {
  readonly hook: Hook;
  readonly failed: readonly Failed[];
}

/** Looks for this stack's hooks among those of a target. @returns null when there was no room for it */
export async function lookThrough(round: Round, target: string): Promise<SeenTarget | null> {
  const { app } = round;
  const now = app.now();
  const seen = (ms: number, denied = false): SeenTarget => ({ target, nextAt: now + ms, denied });
  if (!isConcerned(app.config.policy, target)) return seen(CHECKED_MS);
  if (round.limitedMs > 0) return null;
  const hooks = await app.github.listHooks(target);
  if (!hooks.ok) {
    const met = meet(round, hooks);
    if (met === null) return null;
    return met === "denied" ? seen(DENIED_MS, true) : seen(met === "gone" ? CHECKED_MS : AGAIN_MS);
  }
  for (const hook of hooks.value) {
    if (!isOurs(app, hook)) continue;
    const { id } = hook;
    const checkAt = now + CHECKED_MS;
    round.found.push({
      id,
      target,
      state: "ours",
      checkAt,
      etag: null,
      cursor: null,
      page: 1,
      top: 0,
      seen: 0,
    });
  }
  return seen(CHECKED_MS);
}

/** Asks whose hook it is where that is not known, then for its failed deliveries. @returns null when there was no room */
export async function visit(round: Round, hook: Hook): Promise<Visit | null> {
  const { app } = round;
  const now = app.now();
  const { id, target } = hook;
  const turned = (state: HookState, ms: number): Visit => ({
    hook: { ...hook, state, checkAt: now + ms },
    failed: [],
  });
  if (round.limitedMs > 0) return null;
  if (!isConcerned(app.config.policy, target)) return turned("foreign", CHECKED_MS);
  const failing = (error: CallError, gone: Visit): Visit | null => {
    const met = meet(round, error);
    if (met === null) return null;
    if (met === "denied") return turned("denied", DENIED_MS);
    return met === "gone" ? gone : { hook: fresh(hook, error), failed: [] };
  };
  let checked = hook;
  if (hook.state !== "ours" || hook.checkAt <= now) {
    const found = await app.github.getHook(target, id);
    if (!found.ok) return failing(found, turned("gone", CHECKED_MS));
    checked = turned(found.value.id === id && isOurs(app, found.value) ? "ours" : "foreign", CHECKED_MS).hook;
    if (checked.state !== hook.state) log("info", "hook", { scope: target, outcome: checked.state });
    if (checked.state === "foreign") return { hook: checked, failed: [] };
  }
  const cursor = checked.cursor ?? "";
  const etag = cursor === "" ? (checked.etag ?? "") : "";
  const listed = await app.github.listDeliveries(target, id, { status: "failure", cursor, etag });
  // One such answer is none: it is looked at once more before it is given up.
  if (!listed.ok) return failing(listed, turned("new", AGAIN_MS));
  if (listed.value === null) return { hook: checked, failed: [] };
  return readList(checked, listed.value, now);
}

/** What a page before held need not be read again: a list that was read to its end ends where that began. */
function readList(hook: Hook, { deliveries, etag, next }: DeliveryPage, now: number): Visit {
  const young = deliveries.filter(({ at }) => at > now - KEPT_MS);
  const isFirst = (hook.cursor ?? "") === "";
  const isKnown = deliveries.some(({ id }) => id <= hook.seen);
  const goesOn = next !== "" && young.length === deliveries.length && !isKnown && hook.page < MAX_PAGES;
  const top = isFirst ? Math.max(0, ...deliveries.map(({ id }) => id)) : hook.top;
  return {
    hook: {
      ...hook,
      etag: isFirst ? etag : hook.etag,
      cursor: goesOn ? next : "",
      page: goesOn ? hook.page + 1 : 1,
      top,
      seen: goesOn ? hook.seen : Math.max(hook.seen, top),
    },
    failed: young
      .filter(({ ok, action }) => !ok && ACTIONS.has(action))
      .map(({ id, guid, action, at }) => ({
        ...{ hook: hook.id, guid, id, queued: action === "queued" },
        // A time that is yet to come would never be over.
        at: Math.min(at, now),
      })),
  };
}

/** A cursor that GitHub does not take is dropped. */
function fresh(hook: Hook, { status }: CallError): Hook {
  return status === 400 || status === 422 ? { ...hook, etag: "", cursor: "", page: 1 } : hook;
}

/** Only a hook that delivers jobs to this very Worker is its own: another stack may serve the same repository. */
function isOurs({ config }: App, { active, url, events }: GithubHook): boolean {
  const fits = events.includes("workflow_job") || events.includes("*");
  return active && fits && url === `${config.publicUrl}/webhook`;
}

/** Notes what went wrong. @returns null when there was no room to ask, or a limit: nothing is known of the target */
export function meet(round: Round, error: CallError): "denied" | "gone" | "again" | null {
  const { status, detail, retryAfterSeconds } = error;
  if (error.unsent === true) return null;
  if (error.error === "rate_limited") {
    round.limitedMs = Math.max(round.limitedMs, (retryAfterSeconds ?? 60) * 1000);
    round.problems.set(error.error, detail);
    return null;
  }
  // A repository that was renamed redirects; the next delivery tells its new name.
  if (status !== null && GONE.has(status)) return "gone";
  round.problems.set(error.error, detail);
  // Where the App is not installed, it is refused before there is an answer.
  if (error.error !== "refused" || (status !== null && status !== 401 && status !== 403)) return "again";
  return "denied";
}
