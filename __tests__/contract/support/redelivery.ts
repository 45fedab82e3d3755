import { createHash, randomUUID } from "node:crypto";
import {
  type Harness,
  POLICY,
  STATUS_TOKEN,
  acceptingGithub,
  acceptingNomad,
} from "../../support/harness/harness";
import type { Reply, Seen } from "../../support/harness/origin";
import { PUBLIC_URL } from "../../support/harness/runtimes";
import { forgetAll } from "../../support/webhook";

/** The usual policy, with failed deliveries repeated. */
export const REPEATING: typeof POLICY = { ...POLICY, repositories: ["octo-org/*"], redelivery: "on" };

export const HOOK_URL = `${PUBLIC_URL}/webhook`;

/** One attempt as GitHub lists it. */
export interface Attempt {
  readonly id: number;
  readonly guid: string;
  readonly delivered_at: string;
  readonly status_code: number;
  readonly event: string;
  readonly action: string | null;
}

/** A webhook with its deliveries, newest first. */
export interface HookAtGithub {
  readonly id: number;
  /** `owner/name`, or an organization's login. */
  target: string;
  url: string;
  active: boolean;
  events: readonly string[];
  readonly deliveries: Attempt[];
}

/** A GitHub with hooks. */
export interface HookedGithub {
  readonly hooks: HookAtGithub[];
  add(target: string, changes?: Partial<HookAtGithub>): HookAtGithub;
  /** Records an attempt; by default a failed one of a queued job, a moment ago. */
  attempt(hook: HookAtGithub, changes?: Partial<Attempt>): Attempt;
  /** What it answers instead of all that; null: nothing. */
  instead: (request: Seen) => Reply | null;
  /** What an attempt comes to that it is asked for; by default nothing is heard of it. */
  repeats: (hook: HookAtGithub, attempt: Attempt) => void;
}

const HOOKS =
  /^\/(?:[\w-]+\/)?(repos|orgs)\/([\w.-]+(?:\/[\w.-]+)?)\/hooks(?:\/(\d+)(\/deliveries(?:\/(\d+)\/attempts)?)?)?$/;
const NOT_FOUND: Reply = { status: 404, body: { message: "Not Found" } };

let ids = 7_000;

/** Begins a test: nothing in the ledger, and this GitHub. */
export async function begin(harness: Harness): Promise<HookedGithub> {
  await forgetAll(harness);
  const github = hookedGithub();
  const rest = acceptingGithub();
  harness.github.reply = async (request) =>
    github.instead(request) ?? answer(github, request) ?? rest(request);
  harness.nomad.reply = acceptingNomad;
  harness.runtime.lines.length = 0;
  return github;
}

function hookedGithub(): HookedGithub {
  const hooks: HookAtGithub[] = [];
  return {
    hooks,
    instead: () => null,
    repeats: () => undefined,
    add: (target, changes = {}) => {
      ids += 1;
      const hook = { id: ids, target, url: HOOK_URL, active: true, events: ["workflow_job"], deliveries: [] };
      hooks.push({ ...hook, ...changes });
      return hooks.at(-1) as HookAtGithub;
    },
    attempt: (hook, changes = {}) => {
      ids += 1;
      const attempt: Attempt = {
        id: 40_000_000_000 + ids,
        guid: randomUUID(),
        delivered_at: new Date(Date.now() - 1_000).toISOString(),
        status_code: 503,
        event: "workflow_job",
        action: "queued",
        ...changes,
      };
      hook.deliveries.unshift(attempt);
      return attempt;
    },
  };
}

function answer(github: HookedGithub, request: Seen): Reply | null {
  const url = new URL(request.path, "http://github");
  const [, , target = "", id, deliveries, attempt] = HOOKS.exec(url.pathname) ?? [];
  if (target === "") return null;
  if (id === undefined) {
    return { status: 200, body: github.hooks.filter((hook) => hook.target === target).map(view) };
  }
  const hook = github.hooks.find((one) => one.id === Number(id) && one.target === target);
  if (hook === undefined) return NOT_FOUND;
  if (deliveries === undefined) return { status: 200, body: view(hook) };
  if (attempt === undefined) return list(hook, url, request);
  const found = hook.deliveries.find((one) => one.id === Number(attempt));
  if (found === undefined) return NOT_FOUND;
  github.repeats(hook, found);
  return { status: 202, body: {} };
}

function view({ id, active, events, url }: HookAtGithub): object {
  return { type: "Repository", id, name: "web", active, events, config: { url, content_type: "json" } };
}

/** Failed is what was answered with 400 to 599, says GitHub's reference. */
function list(hook: HookAtGithub, url: URL, { headers }: Seen): Reply {
  const [low, high] = url.searchParams.get("status") === "failure" ? [400, 599] : [200, 399];
  const size = Number(url.searchParams.get("per_page"));
  const from = Number(url.searchParams.get("cursor")?.slice(3) ?? 0);
  const all = hook.deliveries.filter(({ status_code: code }) => code >= low && code <= high);
  const body = all.slice(from, from + size);
  const etag = `W/"${createHash("sha256").update(JSON.stringify(body)).digest("hex")}"`;
  if (headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
  const next = new URL(
    `https://api.github.test/repositories/1${url.pathname.slice(url.pathname.indexOf("/hooks"))}`,
  );
  next.searchParams.set("cursor", `v1_${String(from + size)}`);
  const link =
    from + size < all.length ? { link: `<${next.href}>; rel="next", <${next.origin}>; rel="first"` } : {};
  return { status: 200, body, headers: { etag, ...link } };
}

/** Ids of the attempts that GitHub was asked to repeat, in order. */
export function repeated(harness: Harness): number[] {
  return harness.github.seen.flatMap(({ method, path }) =>
    method === "POST"
      ? [Number(/\/deliveries\/(\d+)\/attempts$/.exec(path)?.[1] ?? Number.NaN)].filter(Boolean)
      : [],
  );
}

/** Ids of the hooks whose failed deliveries were asked for, in order. */
export function visited(harness: Harness): number[] {
  return harness.github.seen.flatMap(({ path }) => {
    const id = /\/hooks\/(\d+)\/deliveries\?.*status=failure/.exec(path)?.[1];
    return id === undefined ? [] : [Number(id)];
  });
}

/** Hooks that are known to be this stack's. */
export async function know(harness: Harness, ...hooks: readonly HookAtGithub[]): Promise<void> {
  const db = harness.runtime.db();
  await db.batch(
    hooks.map(({ id, target }) =>
      db.prepare(
        `INSERT INTO hooks (id, target, state, check_at) VALUES (${String(id)}, '${target}', 'ours', ${String(Date.now() + 86_400_000)})`,
      ),
    ),
  );
}

/** What `/status` says of redelivery. */
export interface RedeliveryStatus {
  readonly mode: string;
  readonly why: string | null;
  readonly hooks: Readonly<Record<string, number>>;
  readonly last_round_at: string | null;
  readonly last_round_seconds: number | null;
  readonly pending: number;
  readonly asked: number;
  readonly given_up: number;
  readonly last_problem: string | null;
}

export async function redeliveryStatus(harness: Harness): Promise<RedeliveryStatus> {
  const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
  const response = await harness.runtime.fetch("/status", { headers });
  return ((await response.json()) as { redelivery: RedeliveryStatus }).redelivery;
}

/** What GitHub answers an App that asks for its installation and for a token; null for all else. */
export function appAnswers({ path }: Seen): Reply | null {
  if (path.endsWith("/installation")) return { status: 200, body: { id: 77 } };
  if (!path.endsWith("/access_tokens")) return null;
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  return { status: 201, body: { token: "ghs_for_tests", expires_at: expires } };
}

/** Lets be due what is done once an hour. */
export async function letChoresBeDue(harness: Harness): Promise<void> {
  await harness.rows("UPDATE marks SET value = json_set(value, '$.choresAt', 0) WHERE name = 'sweep'");
}
