import type { JobSpec, JobView } from "../../../local/github/types";
import { type Loop, type LoopOptions, startLoop } from "../../../local/loop";
import type { ChildView } from "../../../local/nomad/types";

export const REPOSITORY = "octo-org/example";
const LABELS = ["self-hosted", "linux"];
const WAIT_MS = 30_000;
/** GitHub's clock, made short enough to wait for. */
const GITHUB = { pickupMs: 3_000, disconnectMs: 1_000, lostRunnerMs: 2_000 };

/** What Nomad shows of one child: its allocation, and each task's exit code or the signal that ended it. */
export type Shown = readonly [
  allocation: string | undefined,
  ...tasks: (readonly [task: string, end: number | string | null])[],
];

/** A runner that did its job, or had nothing to do, and its clean-up. */
export const RAN: Shown = ["complete", ["runner", 0], ["release", 0]];

/** The whole system for one runner's life, and what GitHub, the ledger and Nomad show of its end. */
export class Lives {
  readonly loop: Loop;

  private constructor(loop: Loop) {
    this.loop = loop;
  }

  static async start(options: LoopOptions = {}): Promise<Lives> {
    return new Lives(await startLoop({ github: GITHUB, ...options }));
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  /** @returns the job's id */
  async queue(spec: Partial<JobSpec> = {}): Promise<number> {
    return (await this.loop.github.queueJob({ repository: REPOSITORY, labels: LABELS, ...spec })).id;
  }

  /** GitHub gives nobody a job until told. */
  keepJobsBack(): void {
    this.loop.github.pickRunners(() => undefined);
  }

  handJobsOut(): void {
    this.loop.github.pickRunners((_job, candidates) => candidates[0]);
  }

  /** Waits until the Worker has answered GitHub's word of a job's end. */
  async completed(id: number): Promise<JobView> {
    const { github } = this.loop;
    await github.events.waitFor(
      (event) =>
        event.type === "delivery.answered" &&
        event.delivery.jobId === id &&
        event.delivery.action === "completed",
      `the end of job ${String(id)}`,
      WAIT_MS,
    );
    const found = github.jobs().find((job) => job.id === id);
    if (found === undefined) throw new Error(`GitHub has no job ${String(id)}`);
    return found;
  }

  async inProgress(id: number): Promise<void> {
    await this.loop.github.events.waitFor(
      (event) => event.type === "job.in_progress" && event.job.id === id,
      `the start of job ${String(id)}`,
      WAIT_MS,
    );
  }

  /** Waits for the first job's runner of this ordinal. */
  async online(ordinal: number): Promise<void> {
    await this.loop.github.events.waitFor(
      (event) => event.type === "runner.online" && event.runner.name.endsWith(`-${String(ordinal)}`),
      `runner ${String(ordinal)}`,
      WAIT_MS,
    );
  }

  async child(ordinal: number): Promise<ChildView> {
    const find = (): ChildView | undefined =>
      this.loop.nomad.children().find(({ token }) => token?.endsWith(`:${String(ordinal)}`));
    const end = Date.now() + WAIT_MS;
    while (find() === undefined && Date.now() < end) await new Promise((wake) => setTimeout(wake, 50));
    const found = find();
    if (found === undefined) throw new Error(`no runner ${String(ordinal)} was dispatched`);
    return found;
  }

  async dead(ordinal: number): Promise<void> {
    const { id } = await this.child(ordinal);
    await this.loop.nomad.events.waitFor(
      (event) => event.type === "child.dead" && event.child === id,
      `the end of ${id}`,
      WAIT_MS,
    );
  }

  async shown(ordinal: number): Promise<Shown> {
    const [allocation] = (await this.child(ordinal)).allocations;
    const tasks = allocation?.tasks.map(({ name, exitCode, signal }) => [name, exitCode ?? signal] as const);
    return [allocation?.status, ...(tasks ?? [])];
  }

  /** How each runner ended by the ledger, in order; the state of one that has not. */
  async ledger(): Promise<readonly unknown[]> {
    const rows = await this.#rows(
      "SELECT coalesce(end_reason, state) AS state FROM runners ORDER BY job_id, ordinal",
    );
    return rows.map(({ state }) => state);
  }

  /** What `/status` has to say of problems, as `source kind`. */
  async problems(): Promise<readonly string[]> {
    const rows = await this.#rows("SELECT source, kind FROM problems ORDER BY source, kind");
    return rows.map(({ source, kind }) => `${String(source)} ${String(kind)}`);
  }

  /** Time passes for the ledger alone. */
  async age(seconds: number): Promise<void> {
    const columns = [
      "until",
      "next_look_at",
      "next_attempt_at",
      "requested_at",
      "dispatched_at",
      "claimed_at",
    ];
    const older = [...columns, "ended_at"].map(
      (column) => `${column} = ${column} - ${String(seconds * 1000)}`,
    );
    await this.#rows(`UPDATE runners SET ${older.join(", ")}`);
  }

  /** The cron of the next minutes. */
  async minutes(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) {
      await this.age(60);
      await this.loop.worker.sweep();
    }
  }

  /** What is registered at GitHub, and what has not ended in Nomad. */
  left(): readonly string[] {
    const { github, nomad } = this.loop;
    return [
      ...github.runners().map(({ name }) => name),
      ...nomad.children().flatMap(({ id, status }) => (status === "dead" ? [] : [id])),
    ];
  }

  async #rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.loop.worker.ledger().prepare(sql).all()).results;
  }
}
