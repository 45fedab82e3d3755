import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventLog } from "../event-log";
import { AllocationRun } from "./allocation";
import type { Child, Launcher, NomadEvent, NomadJob, Run } from "./types";

/** How long the processes that still run may take to end when everything is closed. */
const CLOSE_MS = 5_000;

export interface ClusterOptions {
  /** Allocations at once; more wait as blocked evaluations do. */
  readonly capacity: number;
  /** PATH of the tasks. */
  readonly path: string;
  /** @default - the tasks run as processes of this machine */
  readonly launch?: Launcher | undefined;
}

/** Jobs, their dispatched children, and the machines they run on. */
export class Cluster {
  readonly jobs = new Map<string, NomadJob>();
  /** What runs, or has run: dispatched children, and jobs that run by themselves. */
  readonly children = new Map<string, Child>();
  readonly #events: EventLog<NomadEvent>;
  readonly #path: string;
  readonly #launch: Launcher | undefined;
  readonly #running = new Map<Run, Child>();
  #capacity: number;
  #refusal: string | null = null;
  #index = 10;
  #root: Promise<string> | null = null;
  #closed = false;

  constructor(options: ClusterOptions, events: EventLog<NomadEvent>) {
    this.#capacity = options.capacity;
    this.#path = options.path;
    this.#launch = options.launch;
    this.#events = events;
  }

  nextIndex(): number {
    this.#index += 1;
    return this.#index;
  }

  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    void this.schedule();
  }

  /** @param refusal why no driver starts a task from now on, as when an image cannot be pulled; null: they do again */
  refuseTasks(refusal: string | null): void {
    this.#refusal = refusal;
  }

  /** Places what waits as far as there is room, oldest first. */
  async schedule(): Promise<void> {
    this.#root ??= mkdtemp(join(tmpdir(), "nomad-stand-in-"));
    const root = await this.#root;
    for (const child of this.children.values()) {
      if (this.#closed) return;
      if (child.status !== "pending" || child.job.tasks.length === 0) continue;
      if (this.#running.size >= this.#capacity) this.#block(child);
      else this.#place(child, root);
    }
  }

  /** Registers a job. One that cannot be dispatched and has tasks is started. */
  register(job: NomadJob): void {
    this.jobs.set(job.id, job);
    if (job.parameterized !== null || job.periodic === true || job.tasks.length === 0) return;
    this.#start(job, job.id, "");
  }

  /** Starts what a periodic job does at each of its times. @returns the child's id */
  launch(jobId: string): string {
    const job = this.jobs.get(jobId);
    if (job?.periodic !== true) throw new Error(`the Nomad stand-in has no periodic job ${jobId}`);
    const id = `${job.id}/periodic-${String(Math.floor(Date.now() / 1_000))}`;
    this.#start(job, id, job.id);
    return id;
  }

  #start(job: NomadJob, id: string, parent: string): void {
    const index = this.nextIndex();
    this.children.set(id, {
      id,
      parent,
      job,
      token: null,
      meta: {},
      payload: Buffer.alloc(0),
      createIndex: index,
      modifyIndex: index,
      status: "pending",
      stopped: false,
      allocations: [],
    });
    void this.schedule();
  }

  /**
   * Ends a job by its id: a parameterized one refuses dispatches and leaves its children alone, any other is stopped.
   * @param purge whether it is forgotten as well, with its allocations, whether they have ended or not
   * @returns whether there was such a job
   */
  deregister(id: string, purge: boolean): boolean {
    const job = this.jobs.get(id);
    const child = this.children.get(id);
    if (job !== undefined) this.jobs.set(id, { ...job, stopped: true });
    if (child !== undefined) this.stop(child);
    if (!purge) return job !== undefined || child !== undefined;
    return [this.jobs.delete(id), this.children.delete(id)].includes(true);
  }

  /** Stops a child: one that waits is dead at once, one that runs ends as its task lets it. */
  stop(child: Child): void {
    child.stopped = true;
    if (child.status === "pending") this.#die(child);
    for (const run of this.#runsOf(child)) run.stop();
  }

  /**
   * Loses the node of a child and places it anew, with the same payload, as Nomad does for batch jobs.
   * @param keep whether the lost node's processes go on, cut off from their servers
   */
  async replace(child: Child, keep: boolean): Promise<void> {
    const runs = this.#runsOf(child);
    if (runs.length === 0) throw new Error(`child ${child.id} is not running`);
    if (!keep) for (const run of runs) run.lose();
    this.#root ??= mkdtemp(join(tmpdir(), "nomad-stand-in-"));
    this.#place(child, await this.#root);
  }

  /** Kills the main task of a child, as the kernel does. */
  kill(child: Child): void {
    for (const run of this.#runsOf(child)) run.kill();
  }

  /** Loses the node of a child for good, and nothing is placed in its stead: `disconnect { replace = false }`. */
  lose(child: Child): void {
    for (const run of this.#runsOf(child)) run.lose();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#running.keys()) run.lose();
    const ended = Promise.all([...this.#running.keys()].map((run) => run.ended));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    if (this.#root !== null) await rm(await this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  #block(child: Child): void {
    if (this.#blocked.has(child)) return;
    this.#blocked.add(child);
    this.#events.emit({ type: "child.blocked", child: child.id });
  }
  readonly #blocked = new WeakSet<Child>();

  #place(child: Child, root: string): void {
    child.status = "running";
    child.modifyIndex = this.nextIndex();
    this.#events.emit({ type: "child.running", child: child.id });
    const run = this.#launch?.(child) ?? this.#processes(child, root);
    child.allocations.push(run.allocation);
    this.#running.set(run, child);
    void run.ended.then(() => {
      this.#running.delete(run);
      if (this.#runsOf(child).length === 0) this.#die(child);
      return this.schedule();
    });
  }

  #processes(child: Child, root: string): Run {
    return new AllocationRun(child, root, this.#path, {
      started: (task, pid) => {
        this.#events.emit({ type: "task.started", child: child.id, task: task.name, pid });
      },
      exited: (task, code) => {
        this.#events.emit({ type: "task.exited", child: child.id, task: task.name, code });
      },
      refusal: () => this.#refusal,
    });
  }

  #die(child: Child): void {
    child.status = "dead";
    child.modifyIndex = this.nextIndex();
    this.#events.emit({ type: "child.dead", child: child.id });
  }

  #runsOf(child: Child): Run[] {
    return [...this.#running].filter(([, of]) => of === child).map(([run]) => run);
  }
}
