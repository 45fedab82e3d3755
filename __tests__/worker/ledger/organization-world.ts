import type { RunnerClass } from "../../../contracts/policy";
import { recordRegistration, takeClaim } from "../../../worker/ledger/claims";
import type { LedgerContext } from "../../../worker/ledger/context";
import { deadlineMs, leaseDispatches, recordDispatches } from "../../../worker/ledger/dispatches";
import { completed, queued, started } from "../../../worker/ledger/jobs";
import { type WantedPool, keepWanted } from "../../../worker/ledger/pools";
import { findHeld, release } from "../../../worker/ledger/releases";
import { observe, settle } from "../../../worker/ledger/work";
import type { TestLedger } from "./database";

const SCOPE = "octo-org";
export const REPOS = ["octo-org/a", "octo-org/b", "octo-org/c"] as const;

interface Job {
  readonly id: number;
  readonly repo: string;
  state: "queued" | "running" | "over";
}

interface Child {
  readonly name: string;
  readonly job: number;
  readonly ordinal: number;
  state: "starting" | "idle" | "busy" | "over";
  taken: Job | null;
}

/** An organization with one class and a pool. GitHub gives any of its idle runners any job, whatever is paused; whatever
 *  happens is delivered at once. */
export class OrganizationWorld {
  readonly jobs: Job[] = [];
  readonly children: Child[] = [];
  /** The pool's; 0: it is closed. */
  size = 0;

  constructor(
    readonly ledger: TestLedger,
    readonly runnerClass: RunnerClass,
  ) {}

  get context(): LedgerContext {
    const { context } = this.ledger;
    return { ...context, policy: { ...context.policy, classes: [this.runnerClass] } };
  }

  private get pools(): readonly WantedPool[] {
    return this.size === 0 ? [] : [{ scope: SCOPE, class: "linux", size: this.size }];
  }

  private placed({ id, repo }: Job): Parameters<typeof queued>[1] {
    return {
      jobId: id,
      scope: SCOPE,
      class: "linux",
      repo,
      runId: 1,
      name: "x",
      fork: false,
      delivery: `g${String(id)}`,
    };
  }

  async arrive(pick: number): Promise<void> {
    const job: Job = { id: 1 + this.jobs.length, repo: REPOS[pick % 3] ?? REPOS[0], state: "queued" };
    this.jobs.push(job);
    await queued(this.context, this.placed(job), false);
    this.ledger.clock += 1;
  }

  async keep(): Promise<void> {
    if (this.size > 0) await keepWanted(this.context, this.pools);
  }

  async dispatch(limit: number): Promise<void> {
    await this.keep();
    const leased = await leaseDispatches(this.context, limit);
    for (const { name, jobId: job, ordinal } of leased)
      this.children.push({ name, job, ordinal, state: "starting", taken: null });
    await recordDispatches(
      this.context,
      leased.map(({ name, unheard }) => ({
        name,
        ok: true,
        deadlineAt: this.ledger.clock + deadlineMs(300_000, unheard),
      })),
      new Map(),
    );
  }

  private of(state: Child["state"], pick: number): Child | undefined {
    const all = this.children.filter((one) => one.state === state);
    return all[pick % Math.max(1, all.length)];
  }

  private claimOf({ job, ordinal }: Child): Parameters<typeof takeClaim>[1] {
    return { scope: SCOPE, class: "linux", job, ordinal, exp: 2_000_000_000 };
  }

  async claim(pick: number): Promise<boolean> {
    const child = this.of("starting", pick);
    if (child === undefined) return false;
    const result = await takeClaim(
      this.context,
      this.claimOf(child),
      child.name,
      this.runnerClass,
      this.size,
    );
    child.state = result.outcome === "taken" ? "idle" : "over";
    if (result.outcome === "taken") await recordRegistration(this.context, result.claim, 7);
    return true;
  }

  async assign(pick: number, which = 0): Promise<void> {
    const child = this.of("idle", pick);
    const open = this.jobs.filter(({ state }) => state === "queued");
    const job = open[which % Math.max(1, open.length)];
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

  async leave(pick: number, state: "starting" | "idle"): Promise<void> {
    const child = this.of(state, pick);
    if (child === undefined) return;
    child.state = "over";
    const held = await findHeld(this.context, this.claimOf(child));
    if (held !== null) await release(this.context, held);
  }
  /** Dies without a word. */
  vanish(pick: number): void {
    const child = this.of("starting", pick);
    if (child !== undefined) child.state = "over";
  }

  async cancel(pick: number): Promise<void> {
    const all = this.jobs.filter(({ state }) => state === "queued");
    const job = all[pick % Math.max(1, all.length)];
    if (job === undefined) return;
    job.state = "over";
    await completed(this.context, job.id, this.placed(job), null, "cancelled");
  }

  async sweep(): Promise<void> {
    await settle(this.context, this.pools);
    await observe(this.context, [], []);
  }

  get left(): Job[] {
    return this.jobs.filter(({ state }) => state !== "over");
  }
  /** Lets everybody come to their end. @param which of the jobs GitHub gives away next. @returns whether all did that must */
  async drain(rounds: number, done: () => boolean, which: number): Promise<boolean> {
    for (let round = 0; round < rounds; round++) {
      if (done()) return true;
      await this.sweep();
      await this.dispatch(6);
      while (await this.claim(0));
      for (let turn = 0; turn < this.children.length; turn++) await this.assign(0, which);
      while (this.of("busy", 0) !== undefined) await this.finish(0);
      this.ledger.clock += 60_000;
      // Idle ones leave after some minutes.
      if (round % 5 === 4) while (this.of("idle", 0) !== undefined) await this.leave(0, "idle");
    }
    return done();
  }
}
