import { cleanJobName } from "../contracts/patterns";
import { isListed } from "../contracts/repository-pattern";
import type { App } from "./app";
import { cleanDetail } from "./bounded-fetch";
import type { WorkflowJobEvent } from "./event";
import type { GithubError, GithubResult } from "./github/client";
import type { ListedJob, ListedRun, Page } from "./github/queued-jobs";
import { parseJson } from "./json";
import { pickupMs } from "./ledger/context";
import { recordProblems } from "./ledger/problems";
import {
  DUE_STATEMENTS,
  type DueRepo,
  type FoundJob,
  PUT_IN_STATEMENTS,
  VISIT_STATEMENTS,
  type Visit,
  dueRepos,
  pauseRecovery,
  putIn,
  recordVisits,
} from "./ledger/recovery";
import { log } from "./log";
import { place } from "./place";
import { decide, rulesOf } from "./policy";
import { TOKEN_REQUESTS } from "./subrequests";

/** Requests of one sweep: 360 of the 5,000 that GitHub allows in an hour, whatever the number of repositories.
 *  @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const REQUESTS = 6;

/** The problems, and how long GitHub's limit lasts. */
const TELLING_STATEMENTS = 2;

/** Statements beside the requests; the largest batch may have to be sent twice. */
const STATEMENTS = DUE_STATEMENTS + 2 * PUT_IN_STATEMENTS + VISIT_STATEMENTS + TELLING_STATEMENTS;

/** Statuses of runs that can hold a queued job. A run is queued while one of its jobs is, as far as anybody has seen; since
 *  that is not documented, every third visit asks for the others, too.
 *  @see https://github.com/cli/cli/issues/13972 */
const STATUSES = ["queued", "in_progress", "waiting"] as const;
const ALL_EVERY = 3;

/** Subrequests in which three repositories are visited, one of them for all statuses. */
export const RECOVERY_ROOM = STATEMENTS + TOKEN_REQUESTS + STATUSES.length + 2;

/** A job younger than this is no lost one: its delivery may be on its way. */
const YOUNG_MS = 2 * 60_000;

/** GitHub fails a job that was queued for so long, so a run that nothing happened to since has none; some stay queued for
 *  ever, without a job. @see https://docs.github.com/actions/reference/limits */
const STALE_MS = 24 * 60 * 60_000;

/** When GitHub is asked again that did not answer, that refused, or that does not know the repository. */
const AGAIN_MS = 10 * 60_000;
const REFUSED_MS = 60 * 60_000;
const NOT_FOUND_MS = 24 * 60 * 60_000;

/** A page to read: of the runs of a status, or of the jobs of a run. */
type Step = readonly [of: (typeof STATUSES)[number] | number, page: number];

/** What stands for a GUID in the ledger; no delivery has this one. */
const NO_DELIVERY = "recovery";

/**
 * Finds queued jobs of which no delivery ever told: asks GitHub for those of the repositories that were active lately,
 * whoever has waited longest first, a few requests in a sweep. What does not fit goes on in a later one. Never throws: the
 * sweep goes on.
 * @param keep subrequests to leave over
 */
export async function recover(app: App, keep: number): Promise<void> {
  const { policy } = app.config;
  const most = Math.min(REQUESTS, app.subrequests.left() - keep - STATEMENTS - TOKEN_REQUESTS);
  if (policy.recovery === "off" || most < 1) return;
  try {
    const patterns = policy.scopes.flatMap(({ repositories }) => repositories);
    const named = patterns.filter((pattern) => !pattern.includes("*"));
    const errors = await visitDue(app, named, most);
    await recordProblems(app.ledger, "github", new Map(errors.map(({ error, detail }) => [error, detail])));
    const limit = errors.find(isLimit);
    if (limit !== undefined)
      await pauseRecovery(app.ledger, (limit.retryAfterSeconds ?? AGAIN_MS / 1000) * 1000);
  } catch (error) {
    const detail = cleanDetail(String(error), []);
    log("error", "recovery_failed", { detail });
    await recordProblems(app.ledger, "recovery", new Map([["failed", detail]])).catch(() => undefined);
  }
}

function isLimit({ error }: GithubError): boolean {
  return error === "rate_limited";
}

/** @returns what went wrong */
async function visitDue(app: App, named: readonly string[], most: number): Promise<readonly GithubError[]> {
  const due = await dueRepos(app.ledger, named, most);
  const ends: End[] = [];
  let left = most;
  for (const repo of due) {
    if (left < 1 || ends.some(({ error }) => error !== null && isLimit(error))) break;
    const end = await visit(app, repo, left);
    ends.push(end);
    left -= end.requests;
  }
  if (ends.length === 0) return [];
  const visits = ends.map(({ visit: one }) => one);
  const jobs = ends.flatMap((end) => end.jobs);
  const found = await putIn(app.ledger, jobs);
  await recordVisits(app.ledger, visits, named);
  for (const { jobId, repo, state } of found)
    log("warn", "recovered", { job_id: jobId, repo, outcome: state });
  // A repository that GitHub does not have was renamed or deleted, which is nobody's mistake.
  return ends.flatMap(({ error }) => (error === null || error.error === "not_found" ? [] : [error]));
}

/** What one visit came to. */
interface End {
  readonly visit: Visit;
  readonly jobs: readonly FoundJob[];
  readonly requests: number;
  readonly error: GithubError | null;
}

async function visit(app: App, due: DueRepo, most: number): Promise<End> {
  const { policy } = app.config;
  const { repo } = due;
  const kept = parseJson(due.steps) as readonly Step[];
  const asked = STATUSES.slice(0, due.visits % ALL_EVERY === 0 ? STATUSES.length : 1);
  let steps = kept.length > 0 ? kept : asked.map((status): Step => [status, 1]);
  let { traits } = due;
  let drop = !isListed(rulesOf(policy, repo).repositories, repo);
  let error: GithubError | null = null;
  let requests = 0;
  const jobs: FoundJob[] = [];
  while (!drop && error === null && requests < most) {
    const [step, ...rest] = steps;
    if (step === undefined) break;
    requests++;
    const read = await take(app, repo, step, traits);
    if (read.ok) {
      traits = read.value.traits;
      steps = [...read.value.steps, ...rest];
      jobs.push(...read.value.jobs);
      drop = read.value.drop;
    } else {
      const ofRun = typeof step[0] === "number";
      // A run may have been deleted since it was listed.
      if (!ofRun || read.error !== "not_found") error = read;
      // One that cannot be read holds up no other; else the visit begins anew when its time has come.
      if (!isLimit(read)) steps = ofRun && read.error !== "refused" ? rest : [];
    }
  }
  if (drop) steps = [];
  const waitMs = error !== null ? waitOf(error) : steps.length > 0 ? 0 : null;
  const visits = due.visits + (error === null && steps.length === 0 ? 1 : 0);
  const refused = error?.error === "refused";
  return {
    visit: { repo, steps: JSON.stringify(steps), traits, visits, waitMs, refused, drop },
    jobs,
    requests,
    error,
  };
}

function waitOf({ error }: GithubError): number {
  if (error === "rate_limited") return 0;
  if (error === "not_found") return NOT_FOUND_MS;
  return error === "refused" ? REFUSED_MS : AGAIN_MS;
}

/** What one page came to: further pages to read before the rest, and jobs. */
interface Taken {
  readonly traits: number;
  readonly steps: readonly Step[];
  readonly jobs: readonly FoundJob[];
  /** Whether the policy has nothing for the repository, now that GitHub has told what it is. */
  readonly drop: boolean;
}

async function take(app: App, repo: string, [of, page]: Step, traits: number): Promise<GithubResult<Taken>> {
  const now = app.now();
  const next = (read: Page<unknown>): readonly Step[] => (read.last ? [] : [[of, page + 1]]);
  if (typeof of === "number") {
    const read = await app.github.listQueuedJobs(repo, of, page);
    if (!read.ok) return read;
    const old = read.value.items.filter(({ createdAt }) => createdAt <= now - YOUNG_MS);
    const jobs = old.flatMap((job) => foundJob(app, repo, of, job, traits));
    return { ok: true, value: { traits, steps: next(read.value), jobs, drop: false } };
  }
  const read = await app.github.listRuns(repo, of, page);
  if (!read.ok) return read;
  const { items } = read.value;
  const runs = items.filter(
    ({ startedAt, changedAt }) => startedAt <= now - YOUNG_MS && changedAt > now - STALE_MS,
  );
  const steps = [...runs.map(({ id }): Step => [id, 1]), ...next(read.value)];
  const [newest] = items;
  const seen = newest === undefined ? traits : traitsOf(newest);
  const drop = newest !== undefined && !decide(rulesOf(app.config.policy, repo), seenAs(repo, seen)).allowed;
  return { ok: true, value: { traits: seen, steps, jobs: [], drop } };
}

function foundJob(app: App, repo: string, runId: number, job: ListedJob, traits: number): FoundJob[] {
  const { jobId, labels } = job;
  const facts = {
    jobId,
    runId,
    labels,
    name: cleanJobName(job.name),
    delivery: NO_DELIVERY,
    ...seenAs(repo, traits),
  };
  const placed = place(app.config.policy, facts);
  if (placed.job === null) return [];
  const lookMs = placed.check ? 0 : pickupMs(app.ledger, placed.job.class);
  return [{ ...placed.job, state: placed.check ? "checking" : "waiting", lookMs }];
}

/** What a listing says of its repository, to be kept with the rest of a visit. */
const PRIVATE = 1;
const FORK = 2;
const OF_ORGANIZATION = 4;

function traitsOf({ repository, organization }: ListedRun): number {
  return (
    (repository.private ? PRIVATE : 0) +
    (repository.fork ? FORK : 0) +
    (organization === null ? 0 : OF_ORGANIZATION)
  );
}

function seenAs(repo: string, traits: number): Pick<WorkflowJobEvent, "repository" | "organization"> {
  const owner = repo.slice(0, repo.indexOf("/"));
  return {
    repository: { fullName: repo, owner, private: (traits & PRIVATE) > 0, fork: (traits & FORK) > 0 },
    organization: (traits & OF_ORGANIZATION) > 0 ? owner : null,
  };
}
