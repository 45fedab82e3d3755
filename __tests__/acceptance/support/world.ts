import type { RunnerPool } from "../../../contracts/policy";
import type { JobSpec, JobView, RepositorySpec } from "../../../local/github/types";
import { LOOP_CLASS, type Loop, startLoop } from "../../../local/loop";
import type { ChildView } from "../../../local/nomad/types";

/** The longest way of a job: through an outage and the Worker's retries after it. */
export const WAIT_MS = 20_000;

/** The system of one scenario, and what happened in it. What is given is gathered; the first `when` starts it. */
export class World {
  className = "";
  labels: readonly string[] = [];
  capacity = Number.POSITIVE_INFINITY;
  readonly repositories: RepositorySpec[] = [];
  readonly listed: string[] = [];
  readonly pools: Pick<RunnerPool, "scope" | "class" | "size">[] = [];
  /** Ids of the jobs that were queued, oldest first. */
  readonly jobIds: number[] = [];
  /** Status of the answer to what somebody else than GitHub sent. */
  answered: number | null = null;
  #loop: Promise<Loop> | null = null;

  loop(): Promise<Loop> {
    this.#loop ??= startLoop({
      repositories: this.repositories,
      capacity: this.capacity,
      policy: {
        publicRepositories: this.listed,
        pools: this.pools.map((pool) => ({ ...pool, window: null, timeZone: "UTC" })),
        classes: [{ ...LOOP_CLASS, name: this.className, labels: this.labels }],
      },
    });
    return this.#loop;
  }

  async close(): Promise<void> {
    await (await this.#loop)?.close();
  }

  async queue(spec: Omit<JobSpec, "repository">): Promise<void> {
    const { github } = await this.loop();
    const repository = this.repositories[0]?.fullName ?? "";
    const { id } = await github.queueJob({ repository, ...spec });
    this.jobIds.push(id);
  }

  /** The jobs that were queued, as GitHub has them now. */
  async jobs(): Promise<readonly JobView[]> {
    const { github } = await this.loop();
    return github.jobs().filter(({ id }) => this.jobIds.includes(id));
  }

  /** The one job of the scenario. */
  async job(): Promise<JobView> {
    return only(await this.jobs(), "job");
  }

  /** The one dispatched child of the scenario. */
  async child(): Promise<ChildView> {
    const { nomad } = await this.loop();
    return only(nomad.children(), "dispatched child");
  }

  /** Rows of the ledger. */
  async rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    const { worker } = await this.loop();
    const ledger = worker.ledger();
    return (await ledger.prepare(sql).all()).results;
  }

  /** Waits until GitHub has told the Worker that the jobs are over. */
  async jobsEnded(): Promise<void> {
    const { github } = await this.loop();
    for (const jobId of this.jobIds) {
      await github.events.waitFor(
        (event) =>
          event.type === "delivery.answered" &&
          event.delivery.jobId === jobId &&
          event.delivery.action === "completed",
        `the last delivery of job ${String(jobId)}`,
        WAIT_MS,
      );
    }
  }

  /** Waits until every runner that was dispatched has left, and its clean-up with it. */
  async runnersLeft(): Promise<void> {
    const { nomad } = await this.loop();
    for (const { id } of nomad.children()) {
      await nomad.events.waitFor(
        (event) => event.type === "child.dead" && event.child === id,
        `the end of ${id}`,
        WAIT_MS,
      );
    }
  }
}

function only<T>(items: readonly T[], what: string): T {
  const [item] = items;
  if (item === undefined || items.length > 1) {
    throw new Error(`the scenario speaks of one ${what}, and there are ${String(items.length)}`);
  }
  return item;
}
