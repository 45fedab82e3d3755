import { isOwnRunnerName } from "../contracts/runner-name";
import type { App } from "./app";
import type { GithubError, GithubResult, GithubRunner } from "./github/client";
import type { DueWork, SeenJob, SeenRunner } from "./ledger/work";

/** What GitHub said to one question. */
export type Answer =
  | { readonly about: "job"; readonly seen: SeenJob; readonly problem: GithubError | null }
  | { readonly about: "runner"; readonly seen: SeenRunner; readonly problem: GithubError | null };

type Work<K extends DueWork["kind"]> = Extract<DueWork, { readonly kind: K }>;

const MINUTE_MS = 60_000;

/** Asks GitHub about one thing that is due. Never throws: silence is an answer, too. */
export async function ask(app: App, work: DueWork): Promise<Answer> {
  switch (work.kind) {
    case "check":
      return checkRun(app, work);
    case "job":
      return lookJobUp(app, work);
    case "runner":
      return work.state === "removing" ? removeRunner(app, work) : lookRunnerUp(app, work);
  }
}

/** A pull request from a fork runs under a head repository of its own; until GitHub has said which, nothing starts. */
async function checkRun(app: App, work: Work<"check">): Promise<Answer> {
  const result = await app.github.getRun(work.repo, work.runId);
  const head = result.ok ? result.value.headRepository : null;
  const own = head?.toLowerCase() === work.repo.toLowerCase();
  const state = head === null ? "checking" : own ? "waiting" : "refused";
  const seen = { jobId: work.jobId, state, conclusion: null, runner: null } as const;
  const nextLookAt =
    app.now() + (state === "checking" ? backoffMs(10_000, work.looks, result) : 5 * MINUTE_MS);
  return { about: "job", seen: { ...seen, nextLookAt }, problem: result.ok ? null : result };
}

/** A delivery may have been lost: does the job still wait? */
async function lookJobUp(app: App, work: Work<"job">): Promise<Answer> {
  const result = await app.github.getJob(work.repo, work.jobId);
  const nextLookAt = app.now() + backoffMs(5 * MINUTE_MS, work.looks, result, 30 * MINUTE_MS);
  const unchanged: SeenJob = {
    jobId: work.jobId,
    state: "waiting",
    conclusion: null,
    runner: null,
    nextLookAt,
  };
  if (!result.ok)
    return { about: "job", seen: unchanged, problem: result.error === "not_found" ? null : result };
  const { status, conclusion, runnerName } = result.value;
  const runner = isOwnRunnerName(app.ledger.stackId, runnerName) ? runnerName : null;
  const seen = { ...unchanged, state: jobState(status), conclusion, runner };
  return { about: "job", seen, problem: null };
}

function jobState(status: string): SeenJob["state"] {
  if (status === "in_progress" || status === "completed") return status;
  // `waiting` is an approval gate: the job is queued again when somebody approves it.
  return status === "waiting" ? "parked" : "waiting";
}

async function findRunner(app: App, work: Work<"runner">): Promise<GithubResult<GithubRunner | null>> {
  if (work.registrationId === null) return app.github.findRunner(work.scope, work.name);
  const result = await app.github.getRunner(work.scope, work.registrationId);
  return !result.ok && result.error === "not_found" ? { ok: true, value: null } : result;
}

/** A holder that does not come to work, or a runner at work for longer than it may. */
async function lookRunnerUp(app: App, work: Work<"runner">): Promise<Answer> {
  const result = await findRunner(app, work);
  const to = result.ok ? judge(work, result.value) : silence(work);
  const base = work.state === "busy" ? 10 * MINUTE_MS : MINUTE_MS;
  const nextLookAt = to === "removing" ? app.now() : app.now() + backoffMs(base, work.looks, result);
  return {
    about: "runner",
    seen: { name: work.name, was: work.state, to, nextLookAt },
    problem: result.ok ? null : result,
  };
}

function judge(work: Work<"runner">, runner: GithubRunner | null): SeenRunner["to"] {
  if (runner === null) return "gone";
  if (runner.busy) return work.state === "busy" ? "same" : "busy";
  // Idle: a holder in its time may still get its job; a job that ended unseen, or a runner past its time, is removed. So is
  // one that was offline for two looks, or nobody would serve the jobs that it covers before its idle timeout is over.
  const lost = runner.status === "offline" && work.looks > 0;
  return work.state === "claimed" && work.aged === 0 && !lost ? "same" : "removing";
}

/** Where GitHub cannot be asked, replace: a holder past its time stops counting, and what registration it has, or may
 *  have by its name, is removed when GitHub answers again. */
function silence(work: Work<"runner">): SeenRunner["to"] {
  return work.state === "claimed" && work.aged === 1 ? "removing" : "same";
}

async function removeRunner(app: App, work: Work<"runner">): Promise<Answer> {
  const found = await findRunner(app, work);
  const result: GithubResult<unknown> =
    found.ok && found.value !== null ? await app.github.deleteRunner(work.scope, found.value.id) : found;
  const to = result.ok ? "gone" : "same";
  const nextLookAt = app.now() + backoffMs(MINUTE_MS, work.looks, result);
  const problem = result.ok || result.error === "busy" ? null : result;
  return { about: "runner", seen: { name: work.name, was: work.state, to, nextLookAt }, problem };
}

/** Doubles with every look, up to `most`; GitHub's own word on when to come back goes before it. */
function backoffMs(
  base: number,
  looks: number,
  result: GithubResult<unknown>,
  most = 10 * MINUTE_MS,
): number {
  const told = result.ok ? null : result.retryAfterSeconds;
  return told === null ? Math.min(Math.max(most, base), base * 2 ** Math.min(looks, 10)) : told * 1000;
}
