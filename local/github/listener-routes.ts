import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { workflowEvent } from "./payload";
import { type Scheduler, connect } from "./scheduler";
import type { GithubState } from "./state";
import type { Conclusion, Runner, RunnerSession } from "./types";

/** How long a long poll is held. The real broker holds for 50 s; a listener that is stopped should not wait for it. */
const HOLD_MS = 20_000;

const CONCLUSIONS: readonly Conclusion[] = ["success", "failure", "cancelled"];

/**
 * The calls of the stand-in's own listener; GitHub's real ones are not documented. They keep what matters of them: a
 * session per runner, a long poll, a job that must be taken, and no answer to a runner that was removed.
 */
export function listenerRoutes(state: GithubState, scheduler: Scheduler): Hono {
  const routes = new Hono();
  routes.post("/sessions", (context) => {
    const runner = runnerOf(state, context);
    if (runner === undefined)
      return context.json({ message: "The runner registration has been deleted" }, 404);
    if (runner.session !== null)
      return context.json({ message: "A session for this runner already exists" }, 409);
    const id = randomUUID();
    connect(state, runner, id);
    scheduler.assign();
    return context.json({ sessionId: id }, 201);
  });

  routes.get("/sessions/:id/message", async (context) => {
    const runner = runnerOf(state, context);
    const session = runner?.session;
    if (
      runner === undefined ||
      session === null ||
      session === undefined ||
      session.id !== context.req.param("id")
    ) {
      return context.json({ message: "The runner no longer exists on the server" }, 404);
    }
    session.lastSeen = Date.now();
    if (session.queue.length === 0) await nextMessage(session, context.req.raw.signal);
    session.lastSeen = Date.now();
    if (!state.runners.has(runner.id)) {
      return context.json({ message: "The runner no longer exists on the server" }, 404);
    }
    const message = session.queue.shift();
    return message === undefined ? context.body(null, 204) : context.json(message);
  });

  routes.delete("/sessions/:id", (context) => {
    const runner = runnerOf(state, context);
    if (runner?.session?.id === context.req.param("id")) {
      runner.session.wake?.();
      runner.session = null;
    }
    return context.body(null, 204);
  });

  jobRoutes(routes, state, scheduler);
  return routes;
}

function jobRoutes(routes: Hono, state: GithubState, scheduler: Scheduler): void {
  routes.post("/jobs/:id/acquire", (context) => {
    const runner = runnerOf(state, context);
    const job = runner === undefined ? null : scheduler.acquire(runner, Number(context.req.param("id")));
    if (job === null) return context.json({ message: "The job is not this runner's" }, 409);
    const { repository, event } = job.run;
    return context.json({
      id: job.id,
      runId: job.run.id,
      name: job.name,
      repository: repository.fullName,
      eventName: event,
      ref: event === "push" ? "refs/heads/main" : "refs/pull/1/merge",
      event: workflowEvent(job),
      runMs: job.runMs,
      script: job.script,
    });
  });

  routes.post("/jobs/:id/finish", async (context) => {
    const runner = runnerOf(state, context);
    const { conclusion, log } = await context.req.json<{ conclusion: unknown; log?: string }>();
    const known = CONCLUSIONS.find((it) => it === conclusion);
    if (known === undefined) return context.json({ message: "Unknown conclusion" }, 422);
    const jobId = Number(context.req.param("id"));
    if (runner === undefined) return context.json({ message: "The job is not this runner's" }, 409);
    return scheduler.finish(runner, jobId, known, log ?? "")
      ? context.body(null, 204)
      : context.json({ message: "The job is not this runner's" }, 409);
  });
}

function runnerOf(state: GithubState, context: Context): Runner | undefined {
  const authorization = context.req.header("authorization");
  return [...state.runners.values()].find((it) => authorization === `Bearer ${it.token}`);
}

function nextMessage(session: RunnerSession, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      if (session.wake === end) session.wake = null;
      resolve();
    };
    const timer = setTimeout(end, HOLD_MS).unref();
    gone.addEventListener("abort", end);
    session.wake?.();
    session.wake = end;
  });
}
