import { type Harness, POLICY, STATUS_TOKEN, acceptingGithub } from "../../support/harness/harness";
import type { Reply, Seen } from "../../support/harness/origin";
import { forgetAll } from "../../support/webhook";

export const REPO = "octo-org/example";

/** The usual policy with the recovery on. */
export const RECOVERING = { ...POLICY, repositories: ["octo-org/*"], recovery: "on" };

const MINUTE_MS = 60_000;

/** A workflow job as GitHub would list it. */
export interface QueuedJob {
  readonly id: number;
  status?: string;
  readonly labels?: readonly unknown[];
  /** Minutes since it was made. */
  readonly minutes?: number;
  readonly name?: unknown;
}

export interface QueuedRun {
  readonly id: number;
  readonly repo?: string;
  readonly status?: string;
  readonly private?: boolean;
  readonly fork?: boolean;
  /** Whether the owner is an organization. */
  readonly organization?: boolean;
  /** `full_name` of the repository that its commits come from; the repository itself when left out. */
  readonly head?: string | null;
  /** Minutes since it was made, and since it last changed. */
  readonly minutes?: number;
  readonly changed?: number;
  readonly jobs: readonly QueuedJob[];
}

/** A GitHub that lists runs and jobs page by page. */
export interface ListingGithub {
  readonly runs: QueuedRun[];
  /** What it answers instead of all that; null: nothing. */
  instead: (request: Seen) => Reply | null;
}

const ago = (minutes: number): string =>
  new Date(Date.now() - minutes * MINUTE_MS).toISOString().replace(/\.\d+Z$/, "Z");

/** Ten minutes old, where nobody says. */
const AGE = 10;

export function runOf(run: QueuedRun): Record<string, unknown> {
  const fullName = run.repo ?? REPO;
  const [login = "", name = ""] = fullName.split("/");
  const repository = {
    id: 7,
    name,
    full_name: fullName,
    private: run.private ?? true,
    fork: run.fork ?? false,
    owner: { login, type: run.organization === true ? "Organization" : "User" },
  };
  return {
    id: run.id,
    status: run.status ?? "queued",
    created_at: ago(run.minutes ?? AGE),
    run_started_at: ago(run.minutes ?? AGE),
    updated_at: ago(run.changed ?? run.minutes ?? AGE),
    repository,
    head_repository: run.head === null ? null : { ...repository, full_name: run.head ?? fullName },
  };
}

export function jobOf(run: QueuedRun, job: QueuedJob): Record<string, unknown> {
  return {
    id: job.id,
    run_id: run.id,
    status: job.status ?? "queued",
    conclusion: null,
    name: job.name ?? "build",
    labels: job.labels ?? ["self-hosted", "linux", "x64"],
    created_at: ago(job.minutes ?? AGE),
    runner_name: null,
  };
}

function answer({ runs }: ListingGithub, { method, path }: Seen): Reply | null {
  const { pathname, searchParams } = new URL(path, "http://github");
  const [, repo, id, jobs] =
    /\/repos\/([^/]+\/[^/]+)\/actions\/runs(?:\/(\d+)(\/jobs)?)?$/.exec(pathname) ?? [];
  if (method !== "GET" || repo === undefined) return null;
  const size = Number(searchParams.get("per_page") ?? 30);
  const first = (Number(searchParams.get("page") ?? 1) - 1) * size;
  const own = runs.filter((run) => (run.repo ?? REPO) === repo);
  const page = (all: readonly unknown[], key: string): Reply => ({
    status: 200,
    body: { total_count: all.length, [key]: all.slice(first, first + size) },
  });
  if (id === undefined) {
    const status = searchParams.get("status");
    return page(own.filter((run) => (run.status ?? "queued") === status).map(runOf), "workflow_runs");
  }
  const run = own.find((one) => one.id === Number(id));
  if (run === undefined) return { status: 404, body: { message: "Not Found" } };
  if (jobs === undefined) return { status: 200, body: runOf(run) };
  return page(
    run.jobs.map((job) => jobOf(run, job)),
    "jobs",
  );
}

/** Begins a test: nothing in the ledger, nothing queued at GitHub. */
export async function begin(harness: Harness): Promise<ListingGithub> {
  await forgetAll(harness);
  const github: ListingGithub = { runs: [], instead: () => null };
  const otherwise = acceptingGithub() as (request: Seen) => Reply;
  harness.github.reply = (request) =>
    github.instead(request) ?? answer(github, request) ?? otherwise(request);
  harness.runtime.lines.length = 0;
  return github;
}

/** Makes repositories known as active, each due at once. */
export async function active(harness: Harness, ...repos: readonly string[]): Promise<void> {
  const db = harness.runtime.db();
  const insert = `INSERT OR REPLACE INTO repos (repo, active_at, next_at) SELECT value, ${String(Date.now())}, 0
    FROM json_each('${JSON.stringify(repos)}')`;
  await db.batch([db.prepare(insert)]);
}

/** Lets every repository be due, and asks: one sweep finds, the next one dispatches. */
export async function visit(harness: Harness, sweeps = 1): Promise<void> {
  await harness.runtime.db().prepare("UPDATE repos SET next_at = 0").run();
  for (let sweep = 0; sweep < sweeps; sweep++) await harness.sweep();
}

/** What GitHub was asked for by the recovery, without prefixes, sizes and what is always the same. */
export function listings(harness: Harness): string[] {
  return harness.github.seen
    .filter(({ path }) => /\/actions\/runs(?:\?|\/\d+\/jobs)/.test(path))
    .map(({ path }) =>
      path.replace(/^\/(?:case|later)-\d+|exclude_pull_requests=true&|filter=latest&|per_page=\d+&/g, ""),
    );
}

/** What `/status` says of the recovery. */
export async function recoveryStatus(harness: Harness): Promise<Record<string, unknown>> {
  const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
  const response = await harness.runtime.fetch("/status", { headers });
  return ((await response.json()) as { recovery: Record<string, unknown> }).recovery;
}
