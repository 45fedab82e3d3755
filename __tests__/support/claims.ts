import { createHash } from "node:crypto";
import { type DeliveryOptions, workflowJob } from "./harness/deliveries";
import { type Harness, LINUX, POLICY, acceptingGithub, signClaim } from "./harness/harness";
import type { Origin, Reply, Seen } from "./harness/origin";
import { PUBLIC_URL } from "./harness/runtimes";

/** First part of every runner name of the Worker under test. */
export const STACK = createHash("sha256").update(PUBLIC_URL).digest("hex").slice(0, 6);

export const SCOPE = "octo-org/example";
export const OTHER_SCOPE = "octo-org/other";

export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** A claim as the Worker signs it, by default that of the first runner for job 1. */
export function claimFor(changes: Readonly<Record<string, unknown>> = {}, key?: string): string {
  const claim = { scope: SCOPE, class: "linux", job: 1, ordinal: 1, exp: inSeconds(24 * 3600), ...changes };
  return key === undefined ? signClaim(claim) : signClaim(claim, key);
}

/** `<job id>:<ordinal>` of every dispatch, in order. */
export function tokens(harness: Harness): string[] {
  return harness.dispatches().map((one) => one.token);
}

/** The claim that a dispatch carried. */
export function claimOf(harness: Harness, token: string): string {
  const found = harness.dispatches().find((one) => one.token === token);
  if (found === undefined) throw new Error(`no dispatch ${token} among ${tokens(harness).join(", ")}`);
  return found.payload.claim;
}

async function accepted(harness: Harness, delivery: DeliveryOptions): Promise<void> {
  const response = await harness.deliver(workflowJob(delivery));
  if (response.status !== 202) {
    throw new Error(
      `delivery ${JSON.stringify(delivery)}: ${String(response.status)} ${await response.text()}`,
    );
  }
}

/** Lets a job wait and returns the claim of its first runner. */
export async function waiting(harness: Harness, id: number, repository = SCOPE): Promise<string> {
  await accepted(harness, { id, repository });
  return claimOf(harness, `${String(id)}:1`);
}

/** Takes a claim and returns the name that the runner has at GitHub. */
export async function granted(harness: Harness, claim: string, holder?: string): Promise<string> {
  const response = await harness.claim(claim, holder);
  if (response.status !== 201) throw new Error(`claim: ${String(response.status)} ${await response.text()}`);
  return ((await response.json()) as { runner_name: string }).runner_name;
}

/** GitHub starts a job on a runner. */
export async function start(harness: Harness, id: number, runner: string | null): Promise<void> {
  await accepted(harness, { id, action: "in_progress", runner });
}

/** GitHub ends a job. */
export async function finish(harness: Harness, id: number, runner: string | null = null): Promise<void> {
  const conclusion = runner === null ? "cancelled" : "success";
  await accepted(harness, { id, action: "completed", runner, conclusion });
}

/** What the scripted GitHub was asked, as `METHOD /path?query`, without the prefix of {@link freshGithub}. */
export function asked(harness: Harness): string[] {
  return harness.github.seen.map((one) => `${one.method} ${one.path.replace(PREFIX, "")}`);
}

export const JIT = `POST /repos/${SCOPE}/actions/runners/generate-jitconfig`;

/** How often a registration was asked for. */
export function registrations(harness: Harness): number {
  return asked(harness).filter((one) => one.endsWith("/generate-jitconfig")).length;
}

/** Answers some requests as told and the rest as a GitHub that registers everybody. */
export function answer(harness: Harness, reply: (request: Seen) => Reply | Promise<Reply> | null): void {
  const rest = acceptingGithub();
  harness.github.reply = (request) => reply(request) ?? rest(request);
}

const PREFIX = /^\/case-\d+/;
let cases = 0;

/** Binds what is given, and a GitHub under a prefix of its own: what an isolate remembers of GitHub (limits, tokens) is
 *  kept by API URL, so that nothing of an earlier test is left in either runtime. */
export async function freshGithub(
  harness: Harness,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  cases += 1;
  await harness.bind({ GITHUB_API_URL: `${harness.github.url}/case-${String(cases)}`, ...changes });
}

/** Binds what is given and keeps the ledger: in workerd other bindings begin with an empty one, so its rows are put back. */
export async function rebind(
  harness: Harness,
  changes: Readonly<Record<string, unknown>>,
  tables: readonly string[] = ["jobs", "runners"],
): Promise<void> {
  const rows = await Promise.all(tables.map(async (table) => harness.rows(`SELECT * FROM ${table}`)));
  await harness.bind(changes);
  const db = harness.runtime.db();
  const inserts = tables.flatMap((table, index) =>
    (rows[index] ?? []).map((row) => {
      const columns = Object.keys(row);
      const marks = columns.map(() => "?").join(", ");
      // The ledger goes on in Node, and the sweep that binding ends with may have moved a job on; a mark it has just set anew.
      const otherwise = table === "marks" ? "REPLACE" : "IGNORE";
      return db
        .prepare(`INSERT OR ${otherwise} INTO ${table} (${columns.join(", ")}) VALUES (${marks})`)
        .bind(...Object.values(row));
    }),
  );
  if (inserts.length > 0) await db.batch(inserts);
}

/** The usual policy with changes to its one class. */
export function policyWith(changes: Partial<typeof LINUX>): typeof POLICY {
  return { ...POLICY, classes: [{ ...LINUX, ...changes }] };
}

/** A runner as GitHub keeps it. */
export interface Registered {
  readonly id: number;
  readonly name: string;
  status: "online" | "offline";
  busy: boolean;
}

export interface Registry {
  readonly runners: Registered[];
  readonly reply: Origin["reply"];
  add(name: string, state?: Partial<Registered>): Registered;
  remove(id: number): void;
}

/** A GitHub that keeps its runners: 409 for a name that is taken, 422 for the deletion of one at work, 404 for one that
 *  is gone. Its list does not filter by name, as old servers do not. */
export function registry(): Registry {
  const runners: Registered[] = [];
  const rest = acceptingGithub();
  let last = 700;
  const add: Registry["add"] = (name, state = {}) => {
    last += 1;
    const runner: Registered = { id: last, name, status: "offline", busy: false, ...state };
    runners.push(runner);
    return runner;
  };
  const remove = (id: number) => {
    const index = runners.findIndex((one) => one.id === id);
    if (index >= 0) runners.splice(index, 1);
  };
  const one = (method: string, id: number): Reply => {
    const runner = runners.find((each) => each.id === id);
    if (runner === undefined) return { status: 404, body: { message: "Not Found" } };
    if (method === "GET") return { status: 200, body: runner };
    if (runner.busy) return { status: 422, body: { message: "Runner is currently running a job" } };
    remove(id);
    return { status: 204 };
  };
  const register = (body: string): Reply => {
    const { name } = JSON.parse(body) as { name: string };
    if (runners.some((each) => each.name === name)) {
      return { status: 409, body: { message: "Already exists - A runner with that name" } };
    }
    const encoded = Buffer.from(`jit of ${name}`).toString("base64");
    return { status: 201, body: { runner: add(name), encoded_jit_config: encoded } };
  };
  const reply: Registry["reply"] = (request) => {
    const what = /\/actions\/runners(?:\/([\w-]+))?(?:\?.*)?$/.exec(request.path);
    if (what === null) return rest(request);
    if (what[1] === "generate-jitconfig") return register(request.body);
    if (what[1] !== undefined) return one(request.method, Number(what[1]));
    return { status: 200, body: { total_count: runners.length, runners } };
  };
  return { runners, reply, add, remove };
}
