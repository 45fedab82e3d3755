import type { DrainPlan } from "../../index";
import { DrainError } from "./drain-error";
import { pause } from "./nomad-client";
import type { AllocationState, JobName, JobState, NomadJobs } from "./nomad-jobs";

export interface DrainOptions {
  /** Whether runners that have started are left to end by themselves. */
  readonly finish: boolean;
  readonly timeoutMs: number;
  readonly pollMs: number;
  /** A line for whoever looks on. */
  readonly say: (line: string) => void;
}

/** What has not ended. */
interface Left {
  readonly job: JobState;
  readonly allocations: readonly AllocationState[];
}

/** A job of the plan that makes others. */
interface Parent extends JobName {
  readonly parentOf: NonNullable<JobState["parentOf"]>;
}

/** What stopping one means. */
const CONSEQUENCE: Readonly<Record<Parent["parentOf"], string>> = {
  dispatches: "Nomad refuses dispatches, the Worker keeps the workflow jobs",
  periods: "Nomad starts no more pulls of images",
};

/** Progress is told when it changes, and this often when it does not. */
const QUIET_MS = 15_000;

/**
 * Ends what a stack runs in Nomad: dispatches and pulls of images, then runners, then connectors. Then purges it.
 *
 * The order matters. A class's job that is stopped refuses dispatches, so that no runner follows; the Worker keeps the
 * workflow jobs. A runner is over only when its poststop task is, which takes its registration from GitHub. Connectors
 * are next, since Cloudflare deletes no tunnel while one is connected. What is purged last is forgotten by Nomad at
 * once, so it must have ended.
 *
 * Purging is what lets Terraform go on both ways. It reads a job that is gone as deleted: destroy passes over it, deploy
 * makes it anew. A job that is only stopped is no change to it, unless it is to `rerun_if_dead`, and stays stopped.
 * @see https://github.com/hashicorp/terraform-provider-nomad/blob/v2.5.2/nomad/resource_job.go (resourceJobRead)
 */
export class Drain {
  readonly #plan: DrainPlan;
  readonly #nomad: NomadJobs;
  readonly #options: DrainOptions;
  readonly #signal: AbortSignal;
  #left: readonly Left[] = [];
  #told = { line: "", at: 0 };
  readonly #ended = new Map<string, JobState>();
  #purged = 0;

  /** @param signal ends the drain; what is stopped by then stays stopped */
  constructor(plan: DrainPlan, nomad: NomadJobs, options: DrainOptions, signal: AbortSignal) {
    this.#plan = plan;
    this.#nomad = nomad;
    this.#options = options;
    this.#signal = signal;
  }

  /** Lines on what had not ended when it was last looked at. */
  left(): readonly string[] {
    return this.#left.map(({ job, allocations }) => {
      const waiting = allocations.map(({ id, node, status }) => `allocation ${id} ${status} on ${node}`);
      const what = waiting.length === 0 ? job.status : waiting.join(", ");
      const unknown = allocations.some(({ status }) => status === "unknown");
      const hint = unknown
        ? "; its node is cut off: bring it back, or remove it with `nomad node purge`"
        : "";
      return `${job.id} in ${job.namespace}: ${what}${hint}`;
    });
  }

  /** @returns whether everything has ended and is gone */
  async run(): Promise<boolean> {
    const end = Date.now() + this.#options.timeoutMs;
    const parents = await this.#stopParents();
    // A dispatch that Nomad was just taking may have made one more child after all were looked for.
    do {
      if (!(await this.#ends(() => this.#runners(), end))) return false;
      await this.#stopConnector();
      if (!(await this.#ends(async () => this.#over(await this.#connector()), end))) return false;
      await this.#purge([...this.#ended.values(), ...parents, ...(await this.#connector())]);
      this.#ended.clear();
    } while ((await this.#children()).length > 0);
    this.#options.say(
      this.#purged === 0
        ? "Nothing was there, and nothing is left in Nomad."
        : `Nothing is left in Nomad: ${counted(this.#purged, "job")} ended and purged. Evaluations stay to be seen until Nomad collects its garbage.`,
    );
    return true;
  }

  /** @returns the classes' jobs, and those that pull images, that are there */
  async #stopParents(): Promise<readonly JobState[]> {
    const found: JobState[] = [];
    for (const { parentOf, ...name } of this.#parents()) {
      const job = await this.#nomad.job(name);
      if (job === null) continue;
      if (job.parentOf !== parentOf) throw notOurs(job, parentOf);
      found.push(job);
    }
    // All are looked at, and the token is tried, before the first is stopped.
    for (const name of [...this.#parents(), ...(await this.#connector())]) await this.#nomad.mayPurge(name);
    await this.#children();
    for (const job of found) {
      if (!job.stopped) await this.#nomad.stop(job);
      const done = job.stopped ? "is stopped" : "stopped";
      this.#options.say(`${job.id}: ${done}; ${CONSEQUENCE[job.parentOf ?? "dispatches"]}`);
    }
    return found;
  }

  async #stopConnector(): Promise<void> {
    for (const job of await this.#connector()) {
      if (job.stopped) continue;
      await this.#nomad.stop(job);
      this.#options.say(`${job.id}: stopped`);
    }
  }

  /** @returns the connectors' job, if it is this stack's and is there */
  async #connector(): Promise<readonly JobState[]> {
    const { connector } = this.#plan;
    if (connector === undefined) return [];
    const job = await this.#nomad.job({ namespace: connector.namespace, id: connector.jobId });
    return job === null ? [] : [job];
  }

  /** Stops the children that are to be stopped. @returns those that have not ended */
  async #runners(): Promise<readonly Left[]> {
    const children = await this.#children();
    const { finish, say } = this.#options;
    const pulls = new Set(children.filter((child) => this.#isPull(child)));
    // One that is pending waits for room: nobody knows how long, and its workflow job starts over with the next stack. Nobody
    // waits for the end of a pull.
    const toStop = children.filter(
      (it) => !it.stopped && it.status !== "dead" && (!finish || it.status === "pending" || pulls.has(it)),
    );
    await Promise.all(toStop.map((child) => this.#nomad.stop(child)));
    const pulling = toStop.filter((child) => pulls.has(child)).length;
    if (toStop.length > pulling) say(`${counted(toStop.length - pulling, "runner")} stopped`);
    if (pulling > 0) say(`${counted(pulling, "pull")} of images stopped`);
    const left = await this.#over(children.filter(({ id }) => !this.#ended.has(id)));
    const unfinished = new Set(left.map(({ job }) => job.id));
    for (const child of children) if (!unfinished.has(child.id)) this.#ended.set(child.id, child);
    return left;
  }

  /** A job is dead as soon as its tasks are told to end. @returns those of the jobs whose tasks have not ended */
  async #over(jobs: readonly JobState[]): Promise<readonly Left[]> {
    const seen = await Promise.all(
      jobs.map(async (job) => {
        const allocations = (await this.#nomad.allocations(job)).filter(({ isOver }) => !isOver);
        return { job, allocations };
      }),
    );
    return seen.filter(({ job, allocations }) => allocations.length > 0 || job.status !== "dead");
  }

  /** Looks until nothing is left. @returns whether that was in time */
  async #ends(look: () => Promise<readonly Left[]>, end: number): Promise<boolean> {
    for (;;) {
      this.#left = await look();
      if (this.#left.length === 0) return true;
      if (Date.now() >= end) return false;
      this.#tell(end);
      await pause(this.#options.pollMs, this.#signal);
    }
  }

  #tell(end: number): void {
    const line = `waiting for ${this.#left.map(({ job }) => job.id).join(", ")}`;
    const now = Date.now();
    if (line === this.#told.line && now - this.#told.at < QUIET_MS) return;
    this.#told = { line, at: now };
    const count = this.#left.length;
    const shown = count > 3 ? `waiting for ${String(count)} jobs` : line;
    this.#options.say(`${shown} (for at most ${String(Math.ceil((end - now) / 1_000))} s more)`);
  }

  async #purge(jobs: readonly JobState[]): Promise<void> {
    // Children first: whoever stops this in between finds the classes' jobs still stopped.
    for (const isParent of [false, true]) {
      await Promise.all(
        jobs.filter(({ parentOf }) => (parentOf !== null) === isParent).map((job) => this.#nomad.purge(job)),
      );
    }
    this.#purged += jobs.length;
  }

  #parents(): readonly Parent[] {
    const { namespace, jobs, prePulls } = this.#plan;
    return [
      ...[...new Set(jobs)].map((id) => ({ namespace, id, parentOf: "dispatches" }) as const),
      ...[...new Set(prePulls)].map((id) => ({ namespace, id, parentOf: "periods" }) as const),
    ];
  }

  async #children(): Promise<readonly JobState[]> {
    return (await Promise.all(this.#parents().map((name) => this.#nomad.children(name)))).flat();
  }

  #isPull({ id }: JobName): boolean {
    return this.#plan.prePulls.some((job) => id.startsWith(`${job}/`));
  }
}

/** A job of this name that is another kind of job is somebody else's. */
function notOurs({ id, namespace }: JobName, parentOf: Parent["parentOf"]): DrainError {
  const what =
    parentOf === "dispatches"
      ? "parameterized, so it is no runner class's"
      : "periodic, so it pulls no class's images";
  return new DrainError(
    `the job ${id} in ${namespace} is not ${what}, and is left alone; are these the settings of the deployed stack?`,
  );
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? "" : "s"}`;
}
