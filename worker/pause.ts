import { REPOSITORY_FULL_NAME, matches } from "../contracts/patterns";
import { EVERYTHING, PAUSES_PATH, type PausesAnswer } from "../contracts/pauses";
import { isListed } from "../contracts/repository-pattern";
import type { App } from "./app";
import { type Pause, listPauses, pause, resume } from "./ledger/pauses";
import { log } from "./log";
import type { Outcome } from "./outcome";

/** What a path under `/pauses` is about. */
export interface PauseTarget {
  /** `owner/name`, or `*` for everything. */
  readonly repo: string;
  /** Methods it takes. */
  readonly allow: string;
}

/** Reads a path. What it names goes into the ledger and into `/status`, so it has to look like a repository; a path that
 *  is encoded in any way does not. @returns null when there is no such path */
export function pauseTarget(pathname: string): PauseTarget | null {
  if (pathname === PAUSES_PATH) return { repo: EVERYTHING, allow: "GET, PUT, DELETE" };
  const repo = pathname.startsWith(`${PAUSES_PATH}/`) ? pathname.slice(PAUSES_PATH.length + 1) : "";
  return matches(REPOSITORY_FULL_NAME, repo) ? { repo, allow: "PUT, DELETE" } : null;
}

/** Answers an operator. Each method may come again and comes to the same. */
export async function changePauses(app: App, method: string, { repo }: PauseTarget): Promise<Outcome> {
  if (method === "PUT") {
    if (!isRuled(app, repo)) return { kind: "no_such_repository" };
    await pause(app.ledger, repo);
    log("info", "paused", { repo });
    return { kind: "changed" };
  }
  if (method === "DELETE") {
    await resume(app.ledger, repo);
    log("info", "resumed", { repo });
    return { kind: "changed" };
  }
  const paused = shownPauses(await listPauses(app.ledger));
  return { kind: "pauses", answer: { paused } };
}

/** A name that is misspelt would pause nothing, and nobody would know. A pause can be ended whatever the policy names by
 *  then. */
function isRuled(app: App, repo: string): boolean {
  return (
    repo === EVERYTHING || app.config.policy.scopes.some(({ repositories }) => isListed(repositories, repo))
  );
}

/** Pauses with their times as people read them. */
export function shownPauses(pauses: readonly Pause[]): PausesAnswer["paused"] {
  return pauses.map(({ repo, since }) => ({ repo, since: new Date(since).toISOString() }));
}
