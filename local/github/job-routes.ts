import { Hono } from "hono";
import { repositoryView } from "./account-routes";
import { iso, workflowJob } from "./payload";
import { type RestEnv, page, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { Job, JobStatus, WorkflowRun } from "./types";

const RUNS = "/repos/:owner/:repo/actions/runs";
const JOBS = "/repos/:owner/:repo/actions/jobs";

/** Runs that GitHub gives of one listing by status, whatever there are.
 *  @see https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository */
const MAX_RESULTS = 1_000;

/**
 * Workflow jobs and runs, as far as a reconciler reads them.
 * @see https://docs.github.com/rest/actions/workflow-jobs
 * @see https://docs.github.com/rest/actions/workflow-runs
 */
export function jobRoutes(state: GithubState): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();

  routes.get(`${JOBS}/:id{[0-9]+}`, (context) => {
    const found = scopeOf(context, state, "actions");
    if (found instanceof Response) return found;
    const job = state.jobs.get(Number(context.req.param("id")));
    if (job?.run.repository !== found.repository) return problem(context, 404, "Not Found");
    return context.json(workflowJob(job));
  });

  routes.get(RUNS, (context) => {
    const found = scopeOf(context, state, "actions");
    if (found instanceof Response) return found;
    const status = context.req.query("status");
    const jobs = jobsByRun(state);
    const all = [...state.runs.values()]
      .filter((run) => run.repository === found.repository)
      .map((run) => ({ run, jobs: jobs.get(run) ?? [] }))
      .filter((one) => status === undefined || runStatus(one.jobs) === status)
      .reverse();
    return context.json({
      total_count: all.length,
      workflow_runs: page(context, status === undefined ? all : all.slice(0, MAX_RESULTS)).map((one) =>
        runView(state, one.run, one.jobs),
      ),
    });
  });

  routes.get(`${RUNS}/:id{[0-9]+}`, (context) => {
    const found = scopeOf(context, state, "actions");
    if (found instanceof Response) return found;
    const run = state.runs.get(Number(context.req.param("id")));
    if (run?.repository !== found.repository) return problem(context, 404, "Not Found");
    return context.json(runView(state, run, jobsOf(state, run)));
  });

  routes.get(`${RUNS}/:id{[0-9]+}/jobs`, (context) => {
    const found = scopeOf(context, state, "actions");
    if (found instanceof Response) return found;
    const run = state.runs.get(Number(context.req.param("id")));
    if (run?.repository !== found.repository) return problem(context, 404, "Not Found");
    const all = jobsOf(state, run);
    return context.json({ total_count: all.length, jobs: page(context, all).map(workflowJob) });
  });

  return routes;
}

/** Of all runs at once: a listing of many runs must not look through all jobs for each. */
function jobsByRun(state: GithubState): ReadonlyMap<WorkflowRun, readonly Job[]> {
  const found = new Map<WorkflowRun, Job[]>();
  for (const job of state.jobs.values()) {
    const jobs = found.get(job.run);
    if (jobs === undefined) found.set(job.run, [job]);
    else jobs.push(job);
  }
  return found;
}

function jobsOf(state: GithubState, run: WorkflowRun): Job[] {
  return [...state.jobs.values()].filter((job) => job.run === run);
}

/** A run is as far as the job that is least far, of those that wait for no approval: queued while one is, whatever the
 *  others do. @see https://github.com/cli/cli/issues/13972 */
function runStatus(jobs: readonly Job[]): JobStatus {
  const statuses = jobs.map((job) => job.status);
  if (statuses.length > 0 && statuses.every((it) => it === "completed")) return "completed";
  if (statuses.includes("queued")) return "queued";
  return statuses.some((it) => it === "in_progress" || it === "completed") ? "in_progress" : "waiting";
}

function runView(state: GithubState, run: WorkflowRun, jobs: readonly Job[]): object {
  const { repository, headRepository } = run;
  const head = headRepository === null ? undefined : state.repository(headRepository);
  return {
    id: run.id,
    event: run.event,
    status: runStatus(jobs),
    run_attempt: 1,
    ...runTimes(jobs),
    pull_requests: [],
    repository: repositoryView(repository),
    head_repository:
      headRepository === null
        ? null
        : {
            id: head?.id ?? 0,
            full_name: headRepository,
            private: head?.private ?? false,
            fork: head?.fork ?? headRepository !== repository.fullName,
          },
  };
}

/** A run begins with its first job; every step of one of its jobs changes it. */
function runTimes(jobs: readonly Job[]): object {
  const createdAt = Math.min(...jobs.map((job) => job.createdAt));
  const changes = jobs.flatMap((job) => [job.createdAt, job.startedAt ?? 0, job.completedAt ?? 0]);
  return {
    created_at: iso(createdAt),
    run_started_at: iso(createdAt),
    updated_at: iso(Math.max(...changes)),
  };
}
