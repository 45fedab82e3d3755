import type { EventLog } from "../event-log";
import type { Delivery, GithubEvent } from "../github/types";
import type { NomadEvent } from "../nomad/types";

/** The way of one workflow job, in order. */
export const STEPS = ["delivery", "accepted", "dispatched", "claimed", "running", "done"] as const;
export type Step = (typeof STEPS)[number];

/** How a row ended; null while it goes on. */
export type Ending = "done" | "ignored" | "refused" | "cancelled" | "failed";

export interface Row {
  readonly jobId: number;
  readonly name: string;
  readonly labels: readonly string[];
  /** Milliseconds since the job was queued. */
  readonly steps: Partial<Record<Step, number>>;
  /** Milliseconds since the epoch. */
  readonly queuedAt: number;
  ending: Ending | null;
  /** What a reader should know beside the figures. */
  note: string;
  /** Statuses with which the Worker answered the deliveries that said `queued`, in order. */
  readonly answers: number[];
}

export interface Scene {
  readonly title: string;
  /** One sentence: what this shows. */
  readonly text: string;
  readonly rows: Row[];
}

/**
 * Follows every job through the events of the stand-ins. GitHub gives a job to any fitting runner, so `dispatched` is
 * the runner that the job asked for, `claimed` and `running` are the runner that took it.
 */
export class Timeline {
  readonly scenes: Scene[] = [];
  readonly #rows = new Map<number, Row>();
  /** When each runner registered, by name: the moment its claim was granted. */
  readonly #claimed = new Map<string, number>();
  readonly #changed: () => void;

  constructor(github: EventLog<GithubEvent>, nomad: EventLog<NomadEvent>, changed: () => void) {
    this.#changed = changed;
    github.on("event", (event) => {
      this.#github(event, event.at);
      changed();
    });
    nomad.on("event", (event) => {
      if (event.type === "dispatch.accepted" && !event.duplicate) {
        this.#step(this.#rows.get(jobOfToken(event.token)), "dispatched", event.at);
        changed();
      }
    });
  }

  begin(title: string, text: string): Scene {
    const scene: Scene = { title, text, rows: [] };
    this.scenes.push(scene);
    return scene;
  }

  row(jobId: number): Row {
    const row = this.#rows.get(jobId);
    if (row === undefined) throw new Error(`the timeline has no job ${String(jobId)}`);
    return row;
  }

  rows(): readonly Row[] {
    return this.scenes.flatMap((scene) => scene.rows);
  }

  /** A row of its own for something that is no job at GitHub. */
  addRow(name: string, ending: Ending, ms: number, note: string, answers: number[] = []): void {
    const steps = { delivery: 0 };
    this.#add({ jobId: 0, name, labels: [], steps, queuedAt: Date.now() - ms, ending, note, answers });
  }

  end(jobId: number, ending: Ending, note: string): void {
    const row = this.row(jobId);
    row.ending = ending;
    row.note = note;
    this.#changed();
  }

  #add(row: Row): void {
    this.scenes.at(-1)?.rows.push(row);
    if (row.jobId !== 0) this.#rows.set(row.jobId, row);
    this.#changed();
  }

  #github(event: GithubEvent, at: number): void {
    switch (event.type) {
      case "job.queued": {
        const { id, name, labels } = event.job;
        this.#add({ jobId: id, name, labels, steps: {}, queuedAt: at, ending: null, note: "", answers: [] });
        return;
      }
      case "delivery.sent":
        if (event.jobId !== null) this.#step(this.#rows.get(event.jobId), "delivery", at);
        return;
      case "delivery.answered":
        this.#answered(event.delivery);
        return;
      case "runner.registered":
        this.#claimed.set(event.runner.name, at);
        this.#step(this.#rows.get(jobOfRunner(event.runner.name)), "claimed", at);
        return;
      case "job.in_progress":
        this.#runs(this.#rows.get(event.job.id), event.job.runnerName ?? "", at);
        return;
      case "job.completed": {
        const row = this.#rows.get(event.job.id);
        if (row === undefined || event.job.conclusion === "cancelled") return;
        this.#step(row, "done", at);
        row.ending = event.job.conclusion === "success" ? "done" : "failed";
        return;
      }
      default:
    }
  }

  #answered(delivery: Delivery): void {
    const { jobId, action, statusCode, responseBody, deliveredAt, duration } = delivery;
    const row = jobId === null ? undefined : this.#rows.get(jobId);
    if (row === undefined || action !== "queued") return;
    row.answers.push(statusCode);
    if (statusCode === 202) this.#step(row, "accepted", deliveredAt + duration * 1000);
    else if (statusCode === 200 && row.ending === null) {
      row.ending = "ignored";
      row.note = `ignored: ${reasonOf(responseBody)}`;
    }
  }

  #runs(row: Row | undefined, runner: string, at: number): void {
    if (row === undefined) return;
    const claimed = this.#claimed.get(runner);
    if (claimed !== undefined) row.steps.claimed = claimed - row.queuedAt;
    const other = this.#rows.get(jobOfRunner(runner));
    if (other !== undefined && other !== row) row.note = `on the runner that ${other.name} asked for`;
    this.#step(row, "running", at);
  }

  #step(row: Row | undefined, step: Step, at: number): void {
    // The first time counts: what comes twice is a duplicate.
    if (row !== undefined) row.steps[step] ??= Math.round(at - row.queuedAt);
  }
}

/** `<job id>:<ordinal>`. */
function jobOfToken(token: string | null): number {
  return Number(token?.split(":")[0] ?? 0);
}

/** `<stack id>-<class>-<job id>-<ordinal>`. */
function jobOfRunner(name: string): number {
  return Number(/-(\d+)-\d+$/.exec(name)?.[1] ?? 0);
}

function reasonOf(body: string): string {
  try {
    return (JSON.parse(body) as { reason?: string }).reason ?? "no reason given";
  } catch {
    return "no reason given";
  }
}
