import { REPOSITORY_FULL_NAME, RUNNER_NAME, isId, matches } from "../../contracts/patterns";
import { asRecord } from "../json";
import { scopePath } from "./app-auth";
import { type GithubCredential, createAuth } from "./auth";
import { type CallResult, type GithubResult, callError } from "./errors";
import { type HookCalls, hookCalls } from "./hooks";
import {
  JOBS_PER_PAGE,
  type ListedJob,
  type ListedRun,
  type Page,
  RUNS_PER_PAGE,
  readQueuedJobs,
  readRuns,
} from "./queued-jobs";
import { type GithubRequest, type Transport, callGithub } from "./request";

export type { GithubCredential } from "./auth";
export { type GithubCache, createGithubCache } from "./cache";
export type { CallError, GithubError, GithubResult } from "./errors";

export interface GithubRunner {
  readonly id: number;
  readonly name: string;
  readonly status: "online" | "offline";
  readonly busy: boolean;
}

export interface RunnerPage {
  readonly runners: readonly GithubRunner[];
  /** Whether no page comes after it. */
  readonly last: boolean;
}

/**
 * The part of GitHub's REST API that this system needs. A scope is `owner/name`, or an organization's login. Nothing
 * here throws.
 * @see https://docs.github.com/rest/actions/self-hosted-runners
 */
export interface Github extends HookCalls {
  /** `conflict` when a runner of that name exists. */
  generateJitConfig(
    scope: string,
    request: { readonly name: string; readonly labels: readonly string[]; readonly runnerGroupId: number },
  ): Promise<GithubResult<{ readonly runnerId: number; readonly encodedJitConfig: string }>>;
  findRunner(scope: string, name: string): Promise<GithubResult<GithubRunner | null>>;
  /** One page of up to 100 of a scope's registrations, from 1. One that was cut short is `unavailable`. */
  listRunners(scope: string, page: number): Promise<GithubResult<RunnerPage>>;
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
  isPrivate(repo: string): Promise<GithubResult<boolean>>;
  /** `headRepository` is null when GitHub names none, as when a fork was deleted. */
  getRun(repo: string, runId: number): Promise<GithubResult<{ readonly headRepository: string | null }>>;
  /** One page of a repository's runs of a status, newest first, from 1. */
  listRuns(repo: string, status: string, page: number): Promise<GithubResult<Page<ListedRun>>>;
  /** The queued ones on one page of the jobs of a run's newest attempt, from 1. */
  listQueuedJobs(repo: string, runId: number, page: number): Promise<GithubResult<Page<ListedJob>>>;
}

export interface GithubOptions extends Transport {
  readonly credential: GithubCredential;
}

/** Base64 as GitHub sends it; some 4 to 6 KB. */
const JIT_CONFIG = /^[A-Za-z0-9+/=_-]{1,65536}$/;

/** GitHub's words for statuses and conclusions. */
const WORD = /^[a-z_]{1,32}$/;

const RUNNERS = "/actions/runners";
const PAGE_SIZE = 100;

/** A server that filters by name answers with one page of at most one runner; one that does not is read this far. */
const MAX_PAGES = 10;

type Call = <T>(scope: string, request: GithubRequest<T>) => Promise<CallResult<T>>;

/** Sends with the scope's token; a token that GitHub no longer takes is made anew, once. */
function caller(options: GithubOptions): Call {
  const auth = createAuth(options, options.credential);
  return async (scope, request) => {
    for (let round = 0; ; round++) {
      const bearer = await auth.bearer(scope);
      if (!bearer.ok) return { ...bearer, status: null };
      const result = await callGithub(options, bearer.value, request);
      if (result.ok || result.status !== 401 || round > 0) return result;
      if (!auth.forget(scope, bearer.value.token)) return result;
    }
  };
}

/** One per invocation, with the isolate's cache. */
export function createGithub(options: GithubOptions): Github {
  const call = caller(options);
  const get = <T>(
    scope: string,
    path: string,
    read: (json: unknown) => T | undefined,
  ): Promise<GithubResult<T>> => call(scope, { method: "GET", path: scopePath(scope) + path, read });

  return {
    ...hookCalls(call),
    generateJitConfig: (scope, { name, labels, runnerGroupId }) =>
      call(scope, {
        method: "POST",
        path: `${scopePath(scope)}${RUNNERS}/generate-jitconfig`,
        body: { name, runner_group_id: runnerGroupId, labels, work_folder: "_work" },
        registration: true,
        read: readJitConfig,
      }),
    async findRunner(scope, name) {
      const query = `${RUNNERS}?name=${encodeURIComponent(name)}&per_page=${PAGE_SIZE}`;
      for (let page = 1; page <= MAX_PAGES; page++) {
        const found = await get(scope, page === 1 ? query : `${query}&page=${page}`, readRunners);
        if (!found.ok) return found;
        const runner = found.value.find((one) => one.name === name);
        if (runner !== undefined || found.value.length < PAGE_SIZE)
          return { ok: true, value: runner ?? null };
      }
      return callError("unavailable", `${scope}: too many runners to find one by name`);
    },
    listRunners: (scope, page) =>
      get(scope, `${RUNNERS}?per_page=${PAGE_SIZE}&page=${page}`, (json) => readPage(json, page)),
    getRunner: (scope, id) => get(scope, `${RUNNERS}/${id}`, readRunner),
    async deleteRunner(scope, id) {
      const path = `${scopePath(scope)}${RUNNERS}/${id}`;
      const result = await call(scope, { method: "DELETE", path, read: () => null });
      if (!result.ok && result.status === 404) return { ok: true, value: null };
      return !result.ok && result.status === 422 ? { ...result, error: "busy" } : result;
    },
    getJob: (repo, jobId) => get(repo, `/actions/jobs/${jobId}`, readJob),
    isPrivate: (repo) => get(repo, "", readPrivate),
    getRun: (repo, runId) => get(repo, `/actions/runs/${runId}`, readRun),
    listRuns: (repo, status, page) =>
      get(
        repo,
        `/actions/runs?status=${status}&exclude_pull_requests=true&per_page=${RUNS_PER_PAGE}&page=${page}`,
        (json) => readRuns(json, repo, page),
      ),
    listQueuedJobs: (repo, runId, page) =>
      get(repo, `/actions/runs/${runId}/jobs?filter=latest&per_page=${JOBS_PER_PAGE}&page=${page}`, (json) =>
        readQueuedJobs(json, runId, page),
      ),
  };
}

function readJitConfig(json: unknown): { runnerId: number; encodedJitConfig: string } | undefined {
  const { runner, encoded_jit_config: encoded } = asRecord(json) ?? {};
  const id = asRecord(runner)?.["id"];
  if (!isId(id) || typeof encoded !== "string" || !JIT_CONFIG.test(encoded)) return undefined;
  return { runnerId: id, encodedJitConfig: encoded };
}

function readRunner(json: unknown): GithubRunner | undefined {
  const { id, name, status, busy } = asRecord(json) ?? {};
  if (!isId(id) || typeof name !== "string" || typeof busy !== "boolean") return undefined;
  return status === "online" || status === "offline" ? { id, name, status, busy } : undefined;
}

/** All or nothing: an entry that cannot be read may be the one that is looked for. */
function readRunners(json: unknown): readonly GithubRunner[] | undefined {
  const runners = asRecord(json)?.["runners"];
  if (!Array.isArray(runners)) return undefined;
  const read = runners.map(readRunner).filter((one) => one !== undefined);
  return read.length === runners.length ? read : undefined;
}

/** A page that is not full though `total_count` says that more follow is no answer. */
function readPage(json: unknown, page: number): RunnerPage | undefined {
  const runners = readRunners(json);
  const total = asRecord(json)?.["total_count"];
  if (runners === undefined || typeof total !== "number") return undefined;
  const last = (page - 1) * PAGE_SIZE + runners.length >= total;
  return last || runners.length === PAGE_SIZE ? { runners, last } : undefined;
}

function readJob(
  json: unknown,
): { status: string; conclusion: string | null; runnerName: string | null } | undefined {
  const { status, conclusion, runner_name: runner } = asRecord(json) ?? {};
  if (!matches(WORD, status)) return undefined;
  return {
    status,
    conclusion: matches(WORD, conclusion) ? conclusion : null,
    runnerName: matches(RUNNER_NAME, runner) ? runner : null,
  };
}

function readPrivate(json: unknown): boolean | undefined {
  const { private: isPrivate, visibility } = asRecord(json) ?? {};
  return typeof isPrivate === "boolean" ? isPrivate && visibility !== "public" : undefined;
}

function readRun(json: unknown): { headRepository: string | null } | undefined {
  const head = asRecord(json)?.["head_repository"];
  if (head === undefined) return undefined;
  const name = asRecord(head)?.["full_name"];
  return { headRepository: matches(REPOSITORY_FULL_NAME, name) ? name : null };
}
