import { isOwnRunnerName } from "../contracts/runner-name";
import type { App } from "./app";
import { cleanDetail } from "./bounded-fetch";
import type { GithubError } from "./github/client";
import { parseJson } from "./json";
import {
  COMPARED_STATEMENTS,
  DUE_STATEMENTS,
  type DueScope,
  type DueStray,
  SETTLED_STATEMENTS,
  dueCleanUp,
  pauseCleanUp,
  recordCompared,
  recordSettled,
  scopeNotFound,
} from "./ledger/clean-up";
import { recordProblems } from "./ledger/problems";
import { observe } from "./ledger/work";
import { log } from "./log";
import { TOKEN_REQUESTS } from "./subrequests";
import { mapSixAtATime } from "./timing";

/** Pages read and strays looked up in one sweep: a scope of 10,000 runners takes 20 sweeps. */
const PAGES = 5;
const STRAYS = 8;

/** A scope of more pages is not compared: the names that were seen stand in one row of the ledger, of at most 2 MB.
 *  @see https://developers.cloudflare.com/d1/platform/limits/ */
const MAX_PAGES = 200;

/** A stray is looked up, then deleted. */
const REQUESTS_PER_STRAY = 2;
/** The problems, and how long GitHub's limit lasts. */
const TELLING_STATEMENTS = 2;
/** Ending runners, and balancing what follows. */
const OBSERVE_STATEMENTS = 3;
/** The largest batch may have to be sent twice. */
const LOST_BATCH = COMPARED_STATEMENTS;

const FOR_ALL = TELLING_STATEMENTS + LOST_BATCH;
const FOR_PAGES = TOKEN_REQUESTS + COMPARED_STATEMENTS;
const FOR_STRAYS = TOKEN_REQUESTS + OBSERVE_STATEMENTS + SETTLED_STATEMENTS;

/** Subrequests in which a scope's page is read, or two strays are looked up. */
export const CLEAN_UP_ROOM = DUE_STATEMENTS + FOR_ALL + FOR_STRAYS + 2 * REQUESTS_PER_STRAY;

/** When GitHub is asked again that did not answer, or that refused. */
const AGAIN_MS = 10 * 60_000;
const REFUSED_MS = 60 * 60_000;

/**
 * Compares GitHub's registrations with the ledger's runners, one scope in a sweep, and settles what was sighted twice
 * and is old enough: a registration without a runner is deleted, a runner without a registration is ended. Each is
 * looked up once more before; one at work is never deleted. Never throws: the sweep goes on.
 * @param keep subrequests to leave over
 */
export async function cleanUp(app: App, keep: number): Promise<void> {
  const mode = app.config.policy.cleanUp;
  const left = (): number => app.subrequests.left() - keep - FOR_ALL;
  if (mode === "off" || left() <= DUE_STATEMENTS + FOR_PAGES) return;
  try {
    const errors = await compareAndSettle(app, mode === "delete", left);
    const problems = errors.filter(({ error }) => error !== "not_found");
    await recordProblems(app.ledger, "github", new Map(problems.map(({ error, detail }) => [error, detail])));
    const limits = errors.filter(isLimit);
    if (limits.length > 0) await pauseCleanUp(app.ledger, Math.max(...limits.map(waitMs)));
  } catch (error) {
    const detail = cleanDetail(String(error), []);
    log("error", "clean_up_failed", { detail });
    await recordProblems(app.ledger, "clean_up", new Map([["failed", detail]])).catch(() => undefined);
  }
}

async function compareAndSettle(app: App, settles: boolean, left: () => number): Promise<GithubError[]> {
  const due = await dueCleanUp(app.ledger, settles);
  const { strays } = due;
  // Where redelivery leaves no room for both, strays go first: they come from pages, so these have their turn.
  const forBoth = FOR_STRAYS + FOR_PAGES + 1 + REQUESTS_PER_STRAY;
  const isTight = app.config.policy.redelivery === "on" && strays.length > 0 && left() < forBoth;
  const scope = isTight ? null : due.scope;
  const room = left() - FOR_STRAYS - (scope === null ? 0 : FOR_PAGES + 1);
  const most = Math.max(0, Math.min(STRAYS, Math.floor(room / REQUESTS_PER_STRAY)));
  const errors = await settle(app, strays.slice(0, most));
  // A look-up by name takes several pages where the server does not filter.
  const pages = Math.min(PAGES, left() - FOR_PAGES);
  if (scope === null || pages < 1 || errors.some(isLimit)) return errors;
  const error = await compare(app, scope, pages);
  return error === null ? errors : [...errors, error];
}

function isLimit(error: GithubError): boolean {
  return error.error === "rate_limited";
}

function waitMs({ error, retryAfterSeconds }: GithubError): number {
  if (retryAfterSeconds !== null) return retryAfterSeconds * 1000;
  return error === "refused" ? REFUSED_MS : AGAIN_MS;
}

/** What some pages of a scope said. */
interface Pages {
  /** The next one. */
  readonly page: number;
  readonly complete: boolean;
  readonly idle: readonly (readonly [name: string, id: number])[];
  readonly busy: readonly string[];
  readonly error: GithubError | null;
}

/** @returns what went wrong */
async function compare(app: App, due: DueScope, most: number): Promise<GithubError | null> {
  const read = await readPages(app, due, most);
  const { error, complete, idle, busy } = read;
  if (error?.error === "not_found") {
    log("warn", "compared", { scope: due.scope, error: error.error, detail: error.detail });
    await scopeNotFound(app.ledger, due.scope);
    return error;
  }
  const before = due.page > 1 ? (parseJson(due.seen) as readonly string[]) : [];
  const seen = [...before, ...idle.map(([name]) => name), ...busy];
  const endless = !complete && read.page > MAX_PAGES;
  await recordCompared(app.ledger, {
    ...due,
    page: endless ? 1 : read.page,
    seen: JSON.stringify(endless ? [] : seen),
    idle,
    busy,
    complete,
    waitMs: error !== null ? waitMs(error) : endless ? REFUSED_MS : 0,
  });
  if (complete) log("info", "compared", { scope: due.scope, count: seen.length });
  return endless ? tooMany(due.scope) : error;
}

function tooMany(scope: string): GithubError {
  const detail = `${scope}: over ${MAX_PAGES} pages of runners, too many to compare`;
  return { ok: false, error: "unavailable", retryAfterSeconds: null, detail };
}

async function readPages(app: App, { scope, page: first }: DueScope, most: number): Promise<Pages> {
  const idle: (readonly [string, number])[] = [];
  const busy: string[] = [];
  for (let page = first; page < first + most; page++) {
    const found = await app.github.listRunners(scope, page);
    if (!found.ok) return { page, complete: false, idle, busy, error: found };
    for (const { name, id, busy: works } of found.value.runners) {
      // Of no other stack and of nobody else's runners is anything kept.
      if (!isOwnRunnerName(app.ledger.stackId, name)) continue;
      if (works) busy.push(name);
      else idle.push([name, id]);
    }
    if (found.value.last) return { page, complete: true, idle, busy, error: null };
  }
  return { page: first + most, complete: false, idle, busy, error: null };
}

/** What a look-up of a stray came to. */
interface Fate {
  readonly stray: DueStray;
  readonly to: "deleted" | "ended" | "cleared" | "kept";
  readonly error: GithubError | null;
}

/** @returns what went wrong */
async function settle(app: App, strays: readonly DueStray[]): Promise<GithubError[]> {
  if (strays.length === 0) return [];
  const fates = await mapSixAtATime(strays, async (stray) => lookUp(app, stray));
  const errors = fates.flatMap(({ error }) => (error === null ? [] : [error]));
  const nextLookAt = app.now();
  const gone = fates.flatMap(({ stray: { name, state: was }, to }) =>
    to === "ended" && was !== null ? [{ name, was, to: "gone" as const, nextLookAt }] : [],
  );
  if (gone.length > 0) await observe(app.ledger, [], gone);
  const named = (to: Fate["to"]): string[] =>
    fates.filter((fate) => fate.to === to).map(({ stray }) => stray.name);
  await recordSettled(app.ledger, {
    deleted: named("deleted"),
    ended: named("ended"),
    cleared: named("cleared"),
    kept: named("kept"),
    waitMs: Math.max(0, ...errors.map(waitMs)),
  });
  for (const { stray, to, error } of fates) report(stray, to, error);
  return errors;
}

function report({ name, scope, registrationId }: DueStray, to: Fate["to"], error: GithubError | null): void {
  log(error === null ? "info" : "warn", "cleaned_up", {
    runner: name,
    scope,
    runner_id: registrationId,
    outcome: to,
    error: error?.error,
    detail: error?.detail,
  });
}

/** By name, since that is answered with 404 only where the scope cannot be seen, and then nothing is known. */
async function lookUp(app: App, stray: DueStray): Promise<Fate> {
  const { name, scope, side, registrationId } = stray;
  const cleared: Fate = { stray, to: "cleared", error: null };
  if (!isOwnRunnerName(app.ledger.stackId, name)) return cleared;
  const found = await app.github.findRunner(scope, name);
  if (!found.ok) return { stray, to: "kept", error: found };
  const runner = found.value;
  if (side === "ledger") return runner === null ? { stray, to: "ended", error: null } : cleared;
  // Another id is another registration: its runner has just claimed.
  if (runner === null || runner.busy || runner.id !== registrationId) return cleared;
  const deleted = await app.github.deleteRunner(scope, runner.id);
  if (deleted.ok) return { stray, to: "deleted", error: null };
  return deleted.error === "busy" ? cleared : { stray, to: "kept", error: deleted };
}
