import { takeClaim, recordRegistration } from "../../../worker/ledger/claims";
import { deadlineMs, leaseDispatches, recordDispatches } from "../../../worker/ledger/dispatches";
import { type PlacedJob, completed, queued, started } from "../../../worker/ledger/jobs";
import { type WantedPool, keepWanted } from "../../../worker/ledger/pools";
import { findHeld, keepForRemoval, release } from "../../../worker/ledger/releases";
import {
  type DueWork,
  type SeenJob,
  type SeenRunner,
  dueWork,
  observe,
  settle,
} from "../../../worker/ledger/work";
import { LINUX_CLASS, type TestLedger } from "./database";
import type { Child, Pending, RealJob } from "./reality";

const SCOPE = "octo-org/example";

/**
 * GitHub, Nomad and the runners in one small truthful model around the real ledger: what GitHub says is always so,
 * deliveries come late, twice, in any order or never, and runners die where they like.
 */
export class World {
  readonly jobs: RealJob[] = [];
  readonly children: Child[] = [];
  readonly deliveries: Pending[] = [];
  /** Jobs whose `queued` reached the ledger. */
  readonly accepted = new Set<number>();
  /** How many runners the pool should have ready; 0: it is closed. */
  poolSize = 0;
  private nextId = 1;

  constructor(readonly ledger: TestLedger) {}

  private get context(): TestLedger["context"] {
    return this.ledger.context;
  }

  private placed(job: RealJob, guid: string): PlacedJob {
    return {
      jobId: job.id,
      scope: SCOPE,
      class: "linux",
      repo: SCOPE,
      runId: 1,
      name: "build",
      fork: false,
      delivery: guid,
    };
  }

  queue(): void {
    const job: RealJob = { id: this.nextId++, state: "queued", conclusion: null, runner: null };
    this.jobs.push(job);
    this.announce("queued", job);
  }

  private announce(action: Pending["action"], job: RealJob): void {
    this.deliveries.push({ action, job, runner: job.runner, guid: `${String(job.id)}-${action}` });
  }

  /** Somebody cancels a job that waits. */
  cancel(pick: number): boolean {
    const job = choose(
      this.jobs.filter((one) => one.state === "queued"),
      pick,
    );
    if (job === undefined) return false;
    job.state = "completed";
    job.conclusion = "cancelled";
    this.announce("completed", job);
    return true;
  }

  /** Hands one delivery over; `keep` leaves it to come again. */
  async deliver(pick: number, keep: boolean, lost = false): Promise<void> {
    const one = choose(this.deliveries, pick);
    if (one === undefined) return;
    if (!keep) this.deliveries.splice(this.deliveries.indexOf(one), 1);
    // A `queued` that never arrives is another mechanism's business; the others may be lost for good.
    if (lost && one.action !== "queued") return;
    const placed = this.placed(one.job, one.guid);
    if (one.action === "queued") {
      this.accepted.add(one.job.id);
      await queued(this.context, placed, false);
    } else if (one.action === "in_progress") {
      await started(this.context, one.job.id, placed, one.runner);
    } else {
      await completed(this.context, one.job.id, placed, one.runner, one.job.conclusion);
    }
  }

  /** Nomad takes what is due; `lostAnswer` starts the child without the ledger hearing of it. */
  async dispatch(lostAnswer: boolean): Promise<void> {
    const leased = await leaseDispatches(this.context, 6);
    for (const one of leased) {
      const known = this.children.some((child) => child.name === one.name);
      if (!known) {
        this.children.push({
          job: one.jobId,
          ordinal: one.ordinal,
          name: one.name,
          state: "starting",
          since: this.ledger.clock,
          job_taken: null,
        });
      }
    }
    const now = this.ledger.clock;
    await recordDispatches(
      this.context,
      leased.map((one) =>
        lostAnswer
          ? {
              name: one.name,
              op: one.op,
              ok: false as const,
              error: "unreachable",
              nextAttemptAt: now + 1_000,
            }
          : {
              name: one.name,
              ok: true as const,
              deadlineAt: now + deadlineMs(LINUX_CLASS.pickupDeadlineSeconds * 1000, one.unheard),
            },
      ),
      new Map(),
    );
  }

  private claimOf(child: Child): { scope: string; class: string; job: number; ordinal: number; exp: number } {
    return { scope: SCOPE, class: "linux", job: child.job, ordinal: child.ordinal, exp: 2_000_000_000 };
  }

  private get pools(): readonly WantedPool[] {
    return this.poolSize === 0 ? [] : [{ scope: SCOPE, class: "linux", size: this.poolSize }];
  }

  /** What follows a delivery. */
  async keep(): Promise<void> {
    await keepWanted(this.context, this.pools);
  }

  /** @returns what the claim came to, `warm` where a pool's was granted, or null when nobody starts; `dies` right after
   *  the claim, before its JIT config */
  async claim(pick: number, dies: boolean): Promise<"taken" | "warm" | "nothing_waits" | "used" | null> {
    const child = choose(
      this.children.filter((one) => one.state === "starting"),
      pick,
    );
    if (child === undefined) return null;
    const result = await takeClaim(this.context, this.claimOf(child), child.name, LINUX_CLASS, this.poolSize);
    if (result.outcome !== "taken" || dies) child.state = "over";
    if (result.outcome !== "taken") return result.outcome;
    const granted = child.job === 0 ? "warm" : "taken";
    if (dies) return granted;
    child.since = this.ledger.clock;
    child.state = "registered";
    await recordRegistration(this.context, result.claim, child.job * 1000 + child.ordinal);
    return granted;
  }

  /** GitHub gives any queued job to any idle runner. */
  assign(pick: number): void {
    const runner = choose(
      this.children.filter((one) => one.state === "registered"),
      pick,
    );
    const job = choose(
      this.jobs.filter((one) => one.state === "queued"),
      pick,
    );
    if (runner === undefined || job === undefined) return;
    Object.assign(runner, { state: "busy", job_taken: job.id });
    Object.assign(job, { state: "in_progress", runner: runner.name });
    this.announce("in_progress", job);
  }

  async finish(pick: number, tells: boolean): Promise<void> {
    const runner = choose(
      this.children.filter((one) => one.state === "busy"),
      pick,
    );
    if (runner === undefined) return;
    this.endJob(runner, "success");
    await this.leave(runner, tells);
  }

  private endJob(runner: Child, conclusion: string): void {
    const job = this.jobs.find((one) => one.id === runner.job_taken);
    if (job === undefined) return;
    Object.assign(job, { state: "completed", conclusion });
    this.announce("completed", job);
  }

  /** A process ends; `tells` says whether its node still gives the claim back. */
  async die(pick: number, tells: boolean): Promise<void> {
    const runner = choose(
      this.children.filter((one) => one.state !== "over"),
      pick,
    );
    if (runner === undefined) return;
    if (runner.state === "busy") this.endJob(runner, "failure");
    await this.leave(runner, tells);
  }

  private async leave(runner: Child, tells: boolean): Promise<void> {
    const stillBusy =
      runner.state === "busy" &&
      this.jobs.some((one) => one.id === runner.job_taken && one.state === "in_progress");
    runner.state = "over";
    if (!tells) return;
    const held = await findHeld(this.context, this.claimOf(runner));
    if (held === null || held.state === "ended") return;
    await (stillBusy ? keepForRemoval(this.context, held) : release(this.context, held));
  }

  /** Idle runners leave by their own timeout. */
  async idleOut(tells: boolean): Promise<void> {
    for (const child of this.children) {
      if (child.state === "registered" && this.ledger.clock - child.since >= 300_000)
        await this.leave(child, tells);
    }
  }

  /** One sweep with a GitHub that answers truly. */
  async sweep(): Promise<void> {
    await settle(this.context, this.pools);
    const due = await dueWork(this.context, 50);
    const answers = due.map((work) => this.answer(work));
    await observe(
      this.context,
      answers.flatMap((one) => ("jobId" in one ? [one] : [])),
      answers.flatMap((one) => ("jobId" in one ? [] : [one])),
    );
  }

  private answer(work: DueWork): SeenJob | SeenRunner {
    const nextLookAt = this.ledger.clock + 60_000;
    if (work.kind === "runner") {
      const child = this.children.find((one) => one.name === work.name);
      const idle = work.state === "claimed" && work.aged === 0 ? "same" : "removing";
      const to = child?.state === "busy" ? "busy" : child?.state === "registered" ? idle : "gone";
      return { name: work.name, was: work.state, to, nextLookAt };
    }
    const job = this.jobs.find((one) => one.id === work.jobId);
    const state = job === undefined || job.state === "queued" ? "waiting" : job.state;
    return {
      jobId: work.jobId,
      state,
      conclusion: job?.conclusion ?? null,
      runner: job?.runner ?? null,
      nextLookAt,
    };
  }

  /** Lets everything run to its end: the pool closes, deliveries arrive, runners start, work and leave, the sweep does its part. */
  async drain(rounds: number): Promise<void> {
    this.poolSize = 0;
    while (this.deliveries.length > 0) await this.deliver(0, false);
    for (let round = 0; round < rounds && !(await this.quiet()); round++) {
      await this.sweep();
      await this.dispatch(false);
      while ((await this.claim(0, false)) !== null);
      for (let turn = 0; turn < this.children.length; turn++) this.assign(0);
      while (this.deliveries.length > 0) await this.deliver(0, false);
      while (this.children.some((one) => one.state === "busy")) await this.finish(0, true);
      while (this.deliveries.length > 0) await this.deliver(0, false);
      await this.idleOut(true);
      this.ledger.clock += 120_000;
    }
  }

  private async quiet(): Promise<boolean> {
    // A job that was cancelled with its delivery lost still waits in the ledger, until GitHub is asked.
    const [row] = await this.ledger.rows(
      `SELECT (SELECT count(*) FROM runners WHERE live = 1 AND state <> 'dispatched')
        + (SELECT count(*) FROM jobs WHERE state = 'waiting') AS n`,
    );
    return row?.["n"] === 0 && this.jobs.every((one) => one.state === "completed");
  }
}

function choose<T>(items: readonly T[], pick: number): T | undefined {
  return items[pick % Math.max(1, items.length)];
}
