import type { Deliverer } from "./deliver";
import { type GithubState, jobView, runnerView } from "./state";
import type { Conclusion, GithubEvent, Job, JobSpec, Runner, WorkflowRun } from "./types";

type JobEventType = Extract<GithubEvent, { readonly job: unknown }>["type"];

/** Picks the runner for a job out of those that could take it; GitHub makes no promise which. */
export type Picker = (job: Job, candidates: readonly Runner[]) => Runner | undefined;

/**
 * Gives queued jobs to runners. A job goes to *any* runner of its repository or owner that is online, idle and has all
 * of its labels, whatever the runner was started for.
 * @see https://docs.github.com/actions/reference/runners/self-hosted-runners (Runner routing)
 */
export class Scheduler {
  pick: Picker = (_job, candidates) => candidates[0];
  readonly #state: GithubState;
  readonly #deliverer: Deliverer;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(state: GithubState, deliverer: Deliverer) {
    this.#state = state;
    this.#deliverer = deliverer;
  }

  /** Queues a job and tells the hooks. @returns the job, and the end of its delivery */
  queue(spec: JobSpec): { readonly job: Job; readonly delivered: Promise<void> } {
    const job: Job = {
      id: this.#state.id(),
      run: this.#run(spec),
      attempt: 1,
      name: spec.name ?? "build",
      labels: spec.labels,
      runMs: spec.runMs ?? 50,
      script: spec.script ?? null,
      log: "",
      status: spec.waiting === true ? "waiting" : "queued",
      conclusion: null,
      runner: null,
      assignedTo: null,
      createdAt: this.#state.settings.clock(),
      startedAt: null,
      completedAt: null,
    };
    this.#state.jobs.set(job.id, job);
    this.#emit(job.status === "waiting" ? "job.waiting" : "job.queued", job);
    // A job behind an approval gate is told twice: as `waiting`, and as `queued` with the status `waiting`.
    const told = [this.#deliverer.workflowJob("queued", job)];
    if (job.status === "waiting") told.push(this.#deliverer.workflowJob("waiting", job));
    this.assign();
    return { job, delivered: Promise.all(told).then(() => undefined) };
  }

  /** Opens the approval gate. */
  async approve(jobId: number): Promise<void> {
    const job = this.#job(jobId, "waiting");
    job.status = "queued";
    this.#emit("job.queued", job);
    const told = this.#deliverer.workflowJob("queued", job);
    this.assign();
    await told;
  }

  /** Cancels a job as a person does on the run's page. One that runs ends when its runner has stopped it. */
  async cancel(jobId: number): Promise<void> {
    const job = this.#job(jobId, "waiting", "queued", "in_progress");
    this.#emit("job.cancelled", job);
    const runner = job.assignedTo === null ? undefined : this.#state.runners.get(job.assignedTo);
    if (job.status !== "in_progress") {
      if (runner !== undefined) this.#release(runner);
      await this.#complete(job, "cancelled");
      return;
    }
    send(runner, { type: "cancel", jobId });
  }

  /** Gives every queued job that has a fitting idle runner to it. */
  assign(): void {
    for (const job of this.#state.jobs.values()) {
      if (job.status !== "queued" || job.assignedTo !== null) continue;
      const runner = this.pick(job, this.#candidates(job));
      if (runner === undefined) continue;
      job.assignedTo = runner.id;
      runner.jobId = job.id;
      this.#emit("job.assigned", job);
      send(runner, { type: "job", jobId: job.id });
      this.#after(this.#state.settings.pickupMs, () => {
        this.#requeue(job, runner);
      });
    }
  }

  /** A listener takes the job it was given. @returns null when the job is no longer its own */
  acquire(runner: Runner, jobId: number): Job | null {
    const job = this.#state.jobs.get(jobId);
    if (job?.status !== "queued" || job.assignedTo !== runner.id) return null;
    job.status = "in_progress";
    job.startedAt = this.#state.settings.clock();
    job.runner = { id: runner.id, name: runner.name };
    this.#emit("job.in_progress", job);
    void this.#deliverer.workflowJob("in_progress", job);
    return job;
  }

  /** A listener has done its job. An ephemeral runner is gone with it. */
  finish(runner: Runner, jobId: number, conclusion: Conclusion, log: string): boolean {
    const job = this.#state.jobs.get(jobId);
    if (job?.status !== "in_progress" || job.assignedTo !== runner.id) return false;
    job.log = log;
    this.#state.removeRunner(runner);
    // The listener does not wait for the webhook's receiver.
    void this.#complete(job, conclusion);
    return true;
  }

  /** What GitHub does by the clock: idle, offline and silent runners. */
  tick(now: number): void {
    const { idleRemovalMs, offlineRemovalMs, lostRunnerMs, disconnectMs } = this.#state.settings;
    for (const runner of [...this.#state.runners.values()]) {
      const { session } = runner;
      if (session?.wake === null && now - session.lastSeen > disconnectMs && runner.jobId === null) {
        runner.session = null;
      }
      // A poll that is held is a connection: its listener is heard of all the time.
      const connected = session !== null && session.wake !== null;
      const seen = connected ? now : (runner.session?.lastSeen ?? runner.registeredAt);
      const job = runner.jobId === null ? undefined : this.#state.jobs.get(runner.jobId);
      if (job?.status === "in_progress") {
        if (now - seen <= lostRunnerMs) continue;
        this.#state.removeRunner(runner);
        void this.#complete(job, "failure");
      } else if (job === undefined) {
        const limit = runner.session === null ? offlineRemovalMs : idleRemovalMs;
        if (now - (runner.session === null ? seen : runner.registeredAt) > limit)
          this.#state.removeRunner(runner);
      }
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #candidates(job: Job): Runner[] {
    const { repository } = job.run;
    const scopes = [repository.fullName.toLowerCase(), repository.owner.toLowerCase()];
    return [...this.#state.runners.values()].filter((runner) => {
      if (runner.session === null || runner.jobId !== null) return false;
      if (!scopes.includes(runner.scope.toLowerCase())) return false;
      if (!this.#state.admits(runner.groupId, repository)) return false;
      const has = new Set(runner.labels.map((label) => label.toLowerCase()));
      return job.labels.every((label) => has.has(label.toLowerCase()));
    });
  }

  #requeue(job: Job, runner: Runner): void {
    if (job.status !== "queued" || job.assignedTo !== runner.id) return;
    // The runner that let it lie is not asked again: it is most likely gone without a word.
    if (runner.session !== null) runner.session = null;
    this.#release(runner);
    job.assignedTo = null;
    this.#emit("job.requeued", job);
    this.assign();
  }

  #release(runner: Runner): void {
    runner.jobId = null;
  }

  async #complete(job: Job, conclusion: Conclusion): Promise<void> {
    job.status = "completed";
    job.conclusion = conclusion;
    job.assignedTo = null;
    job.completedAt = this.#state.settings.clock();
    this.#emit("job.completed", job);
    await this.#deliverer.workflowJob("completed", job);
  }

  #run(spec: JobSpec): WorkflowRun {
    const known = spec.runId === undefined ? undefined : this.#state.runs.get(spec.runId);
    if (known !== undefined) return known;
    const repository = this.#state.repository(spec.repository);
    if (repository === undefined) throw new Error(`the GitHub stand-in has no repository ${spec.repository}`);
    const headRepository = spec.headRepository === undefined ? repository.fullName : spec.headRepository;
    const fromElsewhere = headRepository !== repository.fullName;
    const run: WorkflowRun = {
      id: spec.runId ?? this.#state.id(),
      repository,
      event: spec.event ?? (fromElsewhere ? "pull_request" : "push"),
      headRepository,
    };
    this.#state.runs.set(run.id, run);
    return run;
  }

  #job(jobId: number, ...statuses: readonly Job["status"][]): Job {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined) throw new Error(`the GitHub stand-in has no job ${String(jobId)}`);
    if (statuses.includes(job.status)) return job;
    throw new Error(`job ${String(jobId)} is ${job.status}; this needs one that is ${statuses.join(" or ")}`);
  }

  #after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms).unref();
    this.#timers.add(timer);
  }

  #emit(type: JobEventType, job: Job): void {
    this.#state.events.emit({ type, job: jobView(job) });
  }
}

/** Marks a listener as connected. */
export function connect(state: GithubState, runner: Runner, id: string): void {
  runner.session = { id, lastSeen: Date.now(), queue: [], wake: null };
  state.events.emit({ type: "runner.online", runner: runnerView(runner) });
}

function send(runner: Runner | undefined, message: { type: "job" | "cancel"; jobId: number }): void {
  const session = runner?.session;
  if (session === null || session === undefined) return;
  session.queue.push(message);
  session.wake?.();
}
