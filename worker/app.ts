import { STACK_ID } from "../contracts/runner-name";
import type { Config } from "./config";
import { hex, utf8 } from "./encoding";
import { type Github, type GithubCache, createGithub, createGithubCache } from "./github/client";
import type { LedgerContext } from "./ledger/context";
import { upgrade } from "./ledger/schema";
import { MAX_SUBREQUESTS, type Subrequests, countSubrequests } from "./subrequests";

/** One invocation's world: configuration, ledger, GitHub, clock and a counted fetch. */
export interface App {
  readonly config: Config;
  readonly ledger: LedgerContext;
  readonly github: Github;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly subrequests: Subrequests;
}

/** Kept per isolate: tokens and rate-limit answers of GitHub, the stack's id, and which ledgers have their tables. Values, never
 *  promises: a request must not wait for another's. */
const caches = new Map<string, GithubCache>();
const stackIds = new Map<string, string>();
const upgraded = new WeakSet<D1Database>();

/** @throws LedgerUnavailable when the ledger's tables cannot be made now */
export async function openApp(config: Config, now: () => number = Date.now): Promise<App> {
  const subrequests = countSubrequests(MAX_SUBREQUESTS);
  const ledger: LedgerContext = {
    db: config.ledger,
    policy: config.policy,
    stackId: await stackId(config.publicUrl),
    now,
    newOp: () => crypto.randomUUID(),
    onStatements: subrequests.add,
  };
  if (!upgraded.has(config.ledger)) {
    await upgrade(ledger);
    upgraded.add(config.ledger);
  }
  const github = createGithub({
    apiUrl: config.githubApiUrl,
    credential: config.credential,
    fetch: subrequests.askingFetch,
    now,
    cache: cacheOf(config.githubApiUrl),
  });
  return { config, ledger, github, fetch: subrequests.fetch, now, subrequests };
}

function cacheOf(apiUrl: string): GithubCache {
  const cache = caches.get(apiUrl) ?? createGithubCache();
  caches.set(apiUrl, cache);
  return cache;
}

/** 6 hexadecimal digits of the Worker's own origin: two stacks never touch each other's runners. */
export async function stackId(publicUrl: string): Promise<string> {
  const known = stackIds.get(publicUrl);
  if (known !== undefined) return known;
  const digest = await crypto.subtle.digest("SHA-256", utf8(publicUrl));
  const id = hex(new Uint8Array(digest)).slice(0, 6);
  if (!STACK_ID.test(id)) throw new TypeError("stack id is not 6 hexadecimal digits");
  stackIds.set(publicUrl, id);
  return id;
}
