import type { RunnerClass } from "../../../contracts/policy";
import { recordRegistration, takeClaim } from "../../../worker/ledger/claims";
import type { LedgerContext } from "../../../worker/ledger/context";
import { deadlineMs, leaseDispatches, recordDispatches } from "../../../worker/ledger/dispatches";
import { completed, queued, started } from "../../../worker/ledger/jobs";
import { findHeld, release } from "../../../worker/ledger/releases";
import { observe, settle } from "../../../worker/ledger/work";
import { LINUX_CLASS, type TestLedger } from "./database";

export const REPOS = ["octo-org/a", "octo-org/b", "octo-org/c"] as const;

interface Job {
  readonly id: number;
  readonly repo: string;
  state: "queued" | "running" | "over";
}

interface Child {
  readonly name: string;
  readonly repo: string;
  readonly job: number;
  readonly ordinal: number;
  state: "starting" | "idle" | "busy" | "over";
  taken: Job | null;
}

/** Several repositories with one class between them. GitHub gives a repository's oldest job to any of its idle runners;
 *  whatever happens is delivered at once. */
export class LimitsWorld {
  readonly jobs: Job[] = [];
  readonly children: Child[] = [];
  /** Jobs whose first runner was sent, in the order in which that was. */
  readonly sent: Job[] = [];
  readonly runnerClass: RunnerClass;

  constructor(
    readonly ledger: TestLedger,
    limits: Pick<RunnerClass, "maxRunners" | "maxRunnersPerRepository">,
  ) {
    this.runnerClass = { ...LINUX_CLASS, ...limits };
  }

  get context(): LedgerContext {
    const { context } = this.ledger;
    return { ...context, policy: { ...context.policy, classes: [this.runnerClass] } };
  }

  private placed(job: Job): Parameters<typeof queued>[1] {
    const { id, repo } = job;
    return {
      jobId: id,
      scope: repo,
      class: "linux",
      repo,
      runId: 1,
      name: "build",
      fork: false,
      delivery: `g${String(id)}`,
    };
  }

  /** Ids say nothing of the order of arrival. */
  async arrive(pick: number): Promise<void> {
    const id = this.jobs.length % 2 === 0 ? 10_000 - this.jobs.length : 1 + this.jobs.length;
    const job: Job = { id, repo: REPOS[pick % REPOS.length] ?? REPOS[0], state: "queued" };
    this.jobs.push(job);
    await queued(this.context, this.placed(job), false);
    this.ledger.clock += 1;
  }

  async dispatch(limit: number): Promise<void> {
    const leased = await leaseDispatches(this.context, limit);
    for (const { name, repo, jobId: job, ordinal } of leased) {
      this.children.push({ name, repo, job, ordinal, state: "starting", taken: null });
      const found = this.jobs.find(({ id }) => id === job);
      if (ordinal === 1 && found !== undefined) this.sent.push(found);
    }
    const deadline = (unheard: number): number =>
      this.ledger.clock + deadlineMs(this.runnerClass.pickupDeadlineSeconds * 1000, unheard);
    await recordDispatches(
      this.context,
      leased.map(({ name, unheard }) => ({ name, ok: true, deadlineAt: deadline(unheard) })),
      new Map(),
    );
  }

  private of(state: Child["state"], pick: number): Child | undefined {
    const all = this.children.filter((one) => one.state === state);
    return all[pick % Math.max(1, all.length)];
  }

  private claimOf({ repo, job, ordinal }: Child): Parameters<typeof takeClaim>[1] {
    return { scope: repo, class: "linux", job, ordinal, exp: 2_000_000_000 };
  }

  async claim(pick: number): Promise<boolean> {
    const child = this.of("starting", pick);
    if (child === undefined) return false;
    const result = await takeClaim(this.context, this.claimOf(child), child.name, this.runnerClass);
    child.state = result.outcome === "taken" ? "idle" : "over";
    if (result.outcome === "taken") await recordRegistration(this.context, result.claim, 7);
    return true;
  }

  async assign(pick: number): Promise<void> {
    const child = this.of("idle", pick);
    const job = this.jobs.find(({ repo, state }) => state === "queued" && repo === child?.repo);
    if (child === undefined || job === undefined) return;
    Object.assign(child, { state: "busy", taken: job });
    job.state = "running";
    await started(this.context, job.id, this.placed(job), child.name);
  }

  async finish(pick: number): Promise<void> {
    const child = this.of("busy", pick);
    if (child === undefined || child.taken === null) return;
    child.state = "over";
    child.taken.state = "over";
    await completed(this.context, child.taken.id, this.placed(child.taken), child.name, "success");
  }

  /** A runner leaves before it has a job: idle, or by its death. */
  async leave(pick: number, state: "starting" | "idle"): Promise<void> {
    const child = this.of(state, pick);
    if (child === undefined) return;
    child.state = "over";
    const held = await findHeld(this.context, this.claimOf(child));
    if (held !== null) await release(this.context, held);
  }

  async cancel(pick: number): Promise<void> {
    const all = this.jobs.filter(({ state }) => state === "queued");
    const job = all[pick % Math.max(1, all.length)];
    if (job === undefined) return;
    job.state = "over";
    await completed(this.context, job.id, this.placed(job), null, "cancelled");
  }

  async sweep(): Promise<void> {
    await settle(this.context);
    // Nothing is ever asked: what happens is delivered.
    await observe(this.context, [], []);
  }

  /** Lets everybody come to their end. @returns whether they did */
  async drain(rounds: number): Promise<boolean> {
    for (let round = 0; round < rounds; round++) {
      if (this.jobs.every(({ state }) => state === "over")) return true;
      await this.sweep();
      await this.dispatch(6);
      while (await this.claim(0));
      for (let turn = 0; turn < this.children.length; turn++) await this.assign(turn);
      while (this.of("busy", 0) !== undefined) await this.finish(0);
      while (this.of("idle", 0) !== undefined) await this.leave(0, "idle");
      this.ledger.clock += 60_000;
    }
    return this.jobs.every(({ state }) => state === "over");
  }
}
