import { RUNNER_NAME, isId, matches } from "../../contracts/patterns";
import { type Auth, type GithubCredential, createAuth, scopePath } from "./auth";
import type { GithubCache } from "./cache";
import { type GithubResult, githubError } from "./errors";
import {
  type CallResult,
  type GithubRequest,
  type Transport,
  callGithub,
  isFailed,
  readCall,
} from "./request";

export type { GithubCredential } from "./auth";
export { type GithubCache, createGithubCache } from "./cache";
export type { GithubError, GithubResult } from "./errors";

export interface GithubRunner {
  readonly id: number;
  readonly name: string;
  readonly status: "online" | "offline";
  readonly busy: boolean;
}

/**
 * The part of GitHub's REST API that this system needs. A scope is `owner/name`, or an organization's login. Nothing
 * here throws.
 * @see https://docs.github.com/rest/actions/self-hosted-runners
 */
export interface Github {
  /** `conflict` when a runner of that name exists. */
  generateJitConfig(
    scope: string,
    request: { readonly name: string; readonly labels: readonly string[]; readonly runnerGroupId: number },
  ): Promise<GithubResult<{ readonly runnerId: number; readonly encodedJitConfig: string }>>;
  findRunner(scope: string, name: string): Promise<GithubResult<GithubRunner | null>>;
  /** `not_found` when it is gone. */
  getRunner(scope: string, id: number): Promise<GithubResult<GithubRunner>>;
  /** A runner that is gone already counts as deleted; `busy` while it runs a job. */
  deleteRunner(scope: string, id: number): Promise<GithubResult<null>>;
  getJob(
    repo: string,
    jobId: number,
  ): Promise<
    GithubResult<{
      readonly status: string;
      readonly conclusion: string | null;
      readonly runnerName: string | null;
    }>
  >;
  /** `headRepository` is null when GitHub names none, as when a fork was deleted. */
  getRun(repo: string, runId: number): Promise<GithubResult<{ readonly headRepository: string | null }>>;
}

export interface GithubOptions {
  /** Without a trailing slash. */
  readonly apiUrl: string;
  readonly credential: GithubCredential;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly cache: GithubCache;
}

/** Base64 as GitHub sends it; some 4 to 6 KB. */
const JIT_CONFIG = /^[A-Za-z0-9+/=_-]{1,65536}$/;

export function createGithub(options: GithubOptions): Github {
  const { apiUrl, fetch: send, now, cache } = options;
  const transport: Transport = { apiUrl, fetch: send, now, cache };
  const auth = createAuth(transport, options.credential);
  const call = async (scope: string, request: GithubRequest): Promise<CallResult> =>
    callAs(transport, auth, scope, request);
  return {
    async generateJitConfig(scope, { name, labels, runnerGroupId }) {
      const what = "asking for a JIT config";
      const path = `${scopePath(scope)}/actions/runners/generate-jitconfig`;
      const body = { name, runner_group_id: runnerGroupId, labels, work_folder: "_work" };
      return readCall(
        await call(scope, { method: "POST", path, what, body, registration: true }),
        what,
        readJitConfig,
      );
    },
    async findRunner(scope, name) {
      const what = "looking a runner up by name";
      const path = `${scopePath(scope)}/actions/runners?name=${encodeURIComponent(name)}&per_page=100`;
      const found = readCall(await call(scope, { method: "GET", path, what }), what, readRunners);
      return found.ok ? { ok: true, value: found.value.find((one) => one.name === name) ?? null } : found;
    },
    async getRunner(scope, id) {
      const what = "looking a runner up";
      const path = `${scopePath(scope)}/actions/runners/${String(id)}`;
      return readCall(await call(scope, { method: "GET", path, what }), what, readRunner);
    },
    async deleteRunner(scope, id) {
      const what = "deleting a runner";
      const path = `${scopePath(scope)}/actions/runners/${String(id)}`;
      return deletion(await call(scope, { method: "DELETE", path, what }));
    },
    async getJob(repo, jobId) {
      const what = "looking a job up";
      const path = `/repos/${repo}/actions/jobs/${String(jobId)}`;
      return readCall(await call(repo, { method: "GET", path, what }), what, readJob);
    },
    async getRun(repo, runId) {
      const what = "looking a run up";
      const path = `/repos/${repo}/actions/runs/${String(runId)}`;
      return readCall(await call(repo, { method: "GET", path, what }), what, readRun);
    },
  };
}

/** Sends with the scope's token; a token that GitHub no longer takes is made anew, once. */
async function callAs(
  transport: Transport,
  auth: Auth,
  scope: string,
  request: GithubRequest,
): Promise<CallResult> {
  for (let round = 0; ; round++) {
    const bearer = await auth.bearer(scope);
    if (!bearer.ok) return { status: null, failure: bearer };
    const result = await callGithub(transport, bearer.value, request);
    const again =
      isFailed(result) && result.status === 401 && round === 0 && auth.forget(scope, bearer.value);
    if (!again) return result;
  }
}

function deletion(result: CallResult): GithubResult<null> {
  if (!isFailed(result)) return { ok: true, value: null };
  if (result.status === 404) return { ok: true, value: null };
  if (result.status === 422) return githubError("busy", result.failure.detail);
  return result.failure;
}

type Json = Readonly<Record<string, unknown>>;

function record(json: unknown): Json {
  return typeof json === "object" && json !== null ? (json as Json) : {};
}

function readJitConfig(json: unknown): { runnerId: number; encodedJitConfig: string } | null {
  const { runner, encoded_jit_config: encoded } = record(json);
  const { id } = record(runner);
  if (!isId(id) || typeof encoded !== "string" || !JIT_CONFIG.test(encoded)) return null;
  return { runnerId: id, encodedJitConfig: encoded };
}

function readRunner(json: unknown): GithubRunner | null {
  const { id, name, status, busy } = record(json);
  if (!isId(id) || typeof name !== "string" || typeof busy !== "boolean") return null;
  return { id, name, status: status === "online" ? "online" : "offline", busy };
}

function readRunners(json: unknown): readonly GithubRunner[] | null {
  const { runners } = record(json);
  return Array.isArray(runners) ? runners.map(readRunner).filter((one) => one !== null) : null;
}

function readJob(
  json: unknown,
): { status: string; conclusion: string | null; runnerName: string | null } | null {
  const { status, conclusion, runner_name: runner } = record(json);
  if (typeof status !== "string") return null;
  return {
    status,
    conclusion: typeof conclusion === "string" && /^[a-z_]{1,32}$/.test(conclusion) ? conclusion : null,
    runnerName: matches(RUNNER_NAME, runner) ? runner : null,
  };
}

function readRun(json: unknown): { headRepository: string | null } | null {
  const run = record(json);
  if (!("head_repository" in run)) return null;
  const { full_name: name } = record(run["head_repository"]);
  return { headRepository: typeof name === "string" ? name : null };
}
