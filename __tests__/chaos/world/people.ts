import type { PlannedJob } from "../plan/plan";
import type { World } from "./world";

/** Plays what people do by the plan: they queue jobs, cancel, approve and run them anew. */
export class People {
  readonly #world: World;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #deliveries = new Set<Promise<unknown>>();
  #toCome: number;

  constructor(world: World) {
    this.#world = world;
    this.#toCome = world.plan.jobs.length;
    for (const job of world.plan.jobs) this.#play(job);
  }

  /** Whether every job was queued. */
  get isDone(): boolean {
    return this.#toCome === 0;
  }

  /** Plays nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.allSettled([...this.#deliveries]);
  }

  #play(job: PlannedJob): void {
    const { github, names } = this.#world;
    this.#at(job.at, () => {
      this.#toCome -= 1;
      const runId = job.inRunOf === null ? undefined : names.job(job.inRunOf)?.runId;
      this.#follow(github.queueJob({ ...job.spec, ...(runId === undefined ? {} : { runId }) }));
    });
    const later = (at: number | null, act: (id: number) => Promise<void>): void => {
      if (at === null) return;
      this.#at(at, () => {
        const known = names.job(job.key);
        if (known !== undefined) this.#follow(act(known.id));
      });
    };
    later(job.approveAt, (id) => github.approve(id));
    later(job.cancelAt, (id) => github.cancelJob(id));
  }

  /** A job that has ended meanwhile cannot be cancelled: nothing is made of that. */
  #follow(work: Promise<unknown>): void {
    const followed: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => this.#deliveries.delete(followed));
    this.#deliveries.add(followed);
  }

  #at(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
