import { Hono } from "hono";
import { workflowJob } from "./payload";
import { type RestEnv, page, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { Job, JobStatus, WorkflowRun } from "./types";

const RUNS = "/repos/:owner/:repo/actions/runs";
const JOBS = "/repos/:owner/:repo/actions/jobs";

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
    const all = [...state.runs.values()]
      .filter((run) => run.repository === found.repository)
      .filter((run) => status === undefined || runStatus(state, run) === status)
      .reverse();
    return context.json({
      total_count: all.length,
      workflow_runs: page(context, all).map((run) => runView(state, run)),
    });
  });

  routes.get(`${RUNS}/:id{[0-9]+}`, (context) => {
    const found = scopeOf(context, state, "actions");
    if (found instanceof Response) return found;
    const run = state.runs.get(Number(context.req.param("id")));
    if (run?.repository !== found.repository) return problem(context, 404, "Not Found");
    return context.json(runView(state, run));
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

function jobsOf(state: GithubState, run: WorkflowRun): Job[] {
  return [...state.jobs.values()].filter((job) => job.run === run);
}

/** A run is done when all of its jobs are, and in progress as soon as one has begun. */
function runStatus(state: GithubState, run: WorkflowRun): JobStatus {
  const statuses = jobsOf(state, run).map((job) => job.status);
  if (statuses.length > 0 && statuses.every((it) => it === "completed")) return "completed";
  if (statuses.some((it) => it === "in_progress" || it === "completed")) return "in_progress";
  return statuses.includes("queued") ? "queued" : "waiting";
}

function runView(state: GithubState, run: WorkflowRun): object {
  const { repository, headRepository } = run;
  const head = headRepository === null ? undefined : state.repository(headRepository);
  return {
    id: run.id,
    event: run.event,
    status: runStatus(state, run),
    run_attempt: 1,
    pull_requests: [],
    repository: {
      id: repository.id,
      full_name: repository.fullName,
      private: repository.private,
      fork: repository.fork,
    },
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
