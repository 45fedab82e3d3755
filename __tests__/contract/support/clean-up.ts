import {
  type Registered,
  type Registry,
  SCOPE,
  registry,
  waiting,
  granted,
  start,
  finish,
} from "../../support/claims";
import { type Harness, POLICY, STATUS_TOKEN, acceptingNomad } from "../../support/harness/harness";
import type { Reply, Seen } from "../../support/harness/origin";
import { forgetAll } from "../../support/webhook";

/** The usual policy with another word on what the clean-up does. */
export function cleaning(cleanUp: "delete" | "report" | "off"): typeof POLICY {
  return { ...POLICY, cleanUp };
}

/** A GitHub that keeps its runners and lists them page by page. */
export interface PagedGithub extends Registry {
  /** What it answers instead of all that; null: nothing. */
  instead: (request: Seen) => Reply | null;
}

export function pagedGithub(): PagedGithub {
  const kept = registry();
  const github: PagedGithub = {
    ...kept,
    instead: () => null,
    reply: (request) => github.instead(request) ?? page(kept, request) ?? kept.reply(request),
  };
  return github;
}

function page({ runners }: Registry, { method, path }: Seen): Reply | null {
  const url = new URL(path, "http://github");
  if (method !== "GET" || !url.pathname.endsWith("/actions/runners")) return null;
  const name = url.searchParams.get("name");
  const all = runners.filter((one) => name === null || one.name === name);
  const size = Number(url.searchParams.get("per_page") ?? 30);
  const first = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
  return { status: 200, body: { total_count: all.length, runners: all.slice(first, first + size) } };
}

/** Begins a test: nothing in the ledger, nobody at GitHub. */
export async function begin(harness: Harness): Promise<PagedGithub> {
  await forgetAll(harness);
  const db = harness.runtime.db();
  await db.batch(["strays", "scopes"].map((table) => db.prepare(`DELETE FROM ${table}`)));
  const github = pagedGithub();
  harness.github.reply = async (request) => github.reply(request);
  harness.nomad.reply = acceptingNomad;
  harness.runtime.lines.length = 0;
  return github;
}

/** A runner at work on a job, as ledger and GitHub have it. */
export async function atWork(harness: Harness, github: PagedGithub, id: number): Promise<Registered> {
  const name = await granted(harness, await waiting(harness, id), `alloc-${String(id)}`);
  const runner = github.runners.find((one) => one.name === name);
  if (runner === undefined) throw new Error(`${name} is not registered`);
  Object.assign(runner, { status: "online", busy: true });
  await start(harness, id, name);
  return runner;
}

/** A registration that its runner left behind: the job is over, and nobody gave the claim back. */
export async function leftBehind(harness: Harness, github: PagedGithub, id: number): Promise<Registered> {
  const runner = await atWork(harness, github, id);
  await finish(harness, id, runner.name);
  Object.assign(runner, { status: "offline", busy: false });
  await harness.sweep();
  return runner;
}

/** Lets a scope be due, and compares it. */
export async function pass(harness: Harness, seconds = 660): Promise<void> {
  await harness.age(seconds);
  await harness.sweep();
}

/** Compares every scope, however little time went by. */
export async function passNow(harness: Harness): Promise<void> {
  await harness.runtime.db().prepare("UPDATE scopes SET next_at = 0").run();
  await harness.sweep();
}

/** Two passes with enough time between them, and the sweep that acts upon what they sighted. */
export async function twoPasses(harness: Harness): Promise<void> {
  await pass(harness);
  await pass(harness);
  await harness.sweep();
}

export async function strays(harness: Harness): Promise<unknown[]> {
  return harness.rows("SELECT name, side, sightings FROM strays ORDER BY name");
}

/** Pages of listings that GitHub was asked for. */
export function pages(harness: Harness, scope = SCOPE): number[] {
  const path = `/repos/${scope}/actions/runners?per_page=100&page=`;
  return harness.github.seen
    .filter((one) => one.path.includes(path))
    .map((one) => Number(one.path.split("page=").at(-1)));
}

export function deletions(harness: Harness): string[] {
  return harness.github.seen.filter((one) => one.method === "DELETE").map((one) => one.path);
}

/** What `/status` says of the clean-up. */
export interface CleanUpStatus {
  readonly mode: string;
  readonly last_pass_at: string | null;
  readonly scope: string | null;
  readonly strays: readonly {
    readonly name: string;
    readonly scope: string;
    readonly side: string;
    readonly sightings: number;
    readonly first_at: string;
  }[];
  readonly removed: {
    readonly registrations: number;
    readonly runners: number;
    readonly last_at: string | null;
  };
}

export async function cleanUpStatus(harness: Harness): Promise<CleanUpStatus> {
  const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
  const response = await harness.runtime.fetch("/status", { headers });
  return ((await response.json()) as { clean_up: CleanUpStatus }).clean_up;
}
