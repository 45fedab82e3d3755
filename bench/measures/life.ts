import { startGithub } from "../../local/github/github";
import { costOf, passTime, takeCounts } from "../counts";
import type { Counted } from "../counting";
import { OWNER, repositoryOf } from "../load/requests";
import { MATRIX_JOBS } from "./dispatch";
import type { Cost, LifeResults } from "../results";
import { type Stage, deliveries, emptyLedger, freshJobs, pause } from "../stage";
import { type BenchWorker, SECRETS, USUAL_POLICY, startProduct } from "../workers";

/** The repositories that the system was made for first. */
const REPOSITORIES = 167;

const PUBLIC_URL = "https://runners.example.com";
const GITHUB_TOKEN = `github_pat_${"b".repeat(60)}`;
const MINUTE_MS = 60_000;

/** What the counts are shared out among. */
const JOBS = 50;

/** A job runs for so many sweeps. */
const SWEEPS_AT_WORK = 5;

/** What a job costs from its first delivery to its release, and what a stack at rest costs. Nothing here is timed: the
 *  Worker's clock goes on by itself. */
export async function measureLife(stage: Stage): Promise<LifeResults> {
  const github = await startGithub({ tokens: [{ token: GITHUB_TOKEN, owner: OWNER }] });
  let worker: BenchWorker | null = null;
  try {
    const hooks = Array.from({ length: REPOSITORIES }, (_, index) => {
      const fullName = repositoryOf(index, REPOSITORIES);
      github.addRepository({ fullName });
      return github.addHook({ target: fullName, url: `${PUBLIC_URL}/webhook`, secret: SECRETS.webhook }).id;
    });
    worker = await startProduct(stage.originPort, true, {
      RUNNER_POLICY: USUAL_POLICY,
      GITHUB_API_URL: github.url,
      GITHUB_TOKEN,
      PUBLIC_URL,
    });
    const played = new Life(stage, worker, hooks);
    // Hooks are heard of and tables made: what a stack pays once.
    await played.warmUp();
    const idle = await played.rest(stage.quick ? 30 : 240);
    const steps = await played.live(idle);
    const matrix = { jobs: MATRIX_JOBS, cost: await played.matrix() };
    return {
      jobs: JOBS,
      steps,
      matrix,
      idle: { repositories: REPOSITORIES, sweeps: stage.quick ? 30 : 240, cost: idle },
    };
  } finally {
    await worker?.close();
    await github.close();
  }
}

class Life {
  readonly #stage: Stage;
  readonly #worker: BenchWorker;
  readonly #hooks: readonly number[];

  constructor(stage: Stage, worker: BenchWorker, hooks: readonly number[]) {
    this.#stage = stage;
    this.#worker = worker;
    this.#hooks = hooks;
  }

  async warmUp(): Promise<void> {
    const jobs = freshJobs(REPOSITORIES);
    await this.#deliver(jobs, { labels: ["ubuntu-latest"] }, 200);
    for (let count = 0; count < 20; count++) await this.#sweep();
    await emptyLedger(this.#worker);
  }

  /** Sweeps of a stack without jobs, each a minute after the one before. @returns the cost of one */
  async rest(sweeps: number): Promise<Cost> {
    await takeCounts(this.#worker);
    for (let count = 0; count < sweeps; count++) await this.#sweep();
    return costOf(await takeCounts(this.#worker), sweeps);
  }

  /** @param idle what a sweep costs anyway */
  async live(idle: Cost): Promise<Record<string, Cost>> {
    const jobs = freshJobs(JOBS);
    await this.#stage.forget();
    const steps: Record<string, Cost> = {};
    const step = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      await work();
      steps[name] = costOf(await this.#settled(), JOBS);
    };
    await takeCounts(this.#worker);
    await step("`queued`, and its dispatch", () => this.#deliver(jobs, {}, 202, 40));
    const claims = (await this.#stage.dispatches(JOBS)).map(({ claim }) => claim);
    await step("claim and JIT config", () => this.#claim("POST", claims, 201));
    const { results } = await this.#worker.ledger
      .prepare("SELECT job_id AS job, name FROM runners WHERE state = 'claimed' ORDER BY job_id")
      .all<{ readonly job: number; readonly name: string }>();
    const runners = results.map(({ name }) => name);
    await step("`in_progress`", () => this.#deliver(jobs, { action: "in_progress", runners }, 202));
    for (let count = 0; count < SWEEPS_AT_WORK; count++) await this.#sweep();
    const meanwhile = await this.#settled();
    await step("`completed`", () => this.#deliver(jobs, { action: "completed", runners }, 202));
    await step("release", () => this.#claim("DELETE", claims, 204));
    steps["its share of the sweeps meanwhile"] = above(meanwhile, idle);
    return steps;
  }

  /** @returns the cost of one delivery, among as many of one repository */
  async matrix(): Promise<Cost> {
    await emptyLedger(this.#worker);
    await this.#stage.forget();
    await takeCounts(this.#worker);
    const plan = deliveries(freshJobs(MATRIX_JOBS), { repositories: 1, hooks: this.#hooks });
    await this.#stage.send(this.#worker, { plan, status: 202, connections: 16 });
    await this.#stage.dispatches(MATRIX_JOBS);
    return costOf(await this.#settled(), MATRIX_JOBS);
  }

  /** Everything that followed has been counted. */
  async #settled(): Promise<Counted> {
    await pause(300);
    return takeCounts(this.#worker);
  }

  #deliver(
    jobs: readonly number[],
    changes: Parameters<typeof deliveries>[1],
    status: number,
    pauseMs = 0,
  ): Promise<unknown> {
    const plan = deliveries(jobs, { repositories: REPOSITORIES, hooks: this.#hooks, ...changes });
    return this.#stage.send(this.#worker, { plan, status, pauseMs });
  }

  #claim(method: "POST" | "DELETE", claims: readonly string[], status: number): Promise<unknown> {
    return this.#stage.send(this.#worker, { plan: { kind: "claim", method, claims }, status });
  }

  async #sweep(): Promise<void> {
    await passTime(this.#worker, MINUTE_MS);
    await this.#worker.sweep();
  }
}

/** What sweeps cost beyond those of a stack at rest, per job; never less than nothing, since sweeps take turns. */
function above(counted: Counted, idle: Cost): Cost {
  const all = costOf(counted);
  const extra = (of: keyof Cost): number => Math.max(0, all[of] - SWEEPS_AT_WORK * idle[of]) / JOBS;
  return {
    requests: 0,
    fetches: extra("fetches"),
    statements: extra("statements"),
    rowsRead: extra("rowsRead"),
    rowsWritten: extra("rowsWritten"),
  };
}
