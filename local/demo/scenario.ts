import { randomBytes, randomUUID } from "node:crypto";
import { deliveryHeaders } from "../github/sign";
import type { JobSpec, JobView } from "../github/types";
import type { Loop } from "../loop";
import type { Screen } from "./screen";
import type { Timeline } from "./timeline";

export const REPOSITORY = "octo-org/example";
const LABELS = ["self-hosted", "linux"];

const OUTAGE_MS = 5_000;
const MATRIX_SIZE = 16;

/** Until a job has run; the longest way is through the outage and its retries. */
const JOB_MS = 25_000;

/** What the scenes leave for the expectations. */
export interface Played {
  readonly fitting: number[];
  readonly withoutSelfHosted: number;
  readonly withUnknownLabel: number;
  readonly duplicated: number;
  readonly cancelled: number;
  readonly duringOutage: number[];
  readonly matrix: number[];
  /** Statuses of the answers to forged deliveries. */
  readonly forged: number[];
}

/** Plays the scenes one after the other. */
export class Scenario {
  readonly #loop: Loop;
  readonly #timeline: Timeline;
  readonly #screen: Screen;

  constructor(loop: Loop, timeline: Timeline, screen: Screen) {
    this.#loop = loop;
    this.#timeline = timeline;
    this.#screen = screen;
  }

  async play(): Promise<Played> {
    const fitting = await this.#fourThatFit();
    const [withoutSelfHosted, withUnknownLabel] = await this.#twoThatDoNot();
    const duplicated = await this.#duplicate();
    const forged = await this.#forged();
    const cancelled = await this.#cancelled();
    const duringOutage = await this.#outage();
    const matrix = await this.#matrix();
    this.#screen.finish();
    return {
      fitting,
      withoutSelfHosted,
      withUnknownLabel,
      duplicated,
      forged,
      cancelled,
      duringOutage,
      matrix,
    };
  }

  async #fourThatFit(): Promise<number[]> {
    this.#begin("Four jobs that fit", "Labels in any order and case; the runner has them all.");
    const jobs = await Promise.all([
      this.#queue({ name: "build", labels: ["self-hosted", "linux", "x64"], runMs: 400 }),
      this.#queue({ name: "lint", labels: ["Linux", "Self-Hosted"], runMs: 250 }),
      this.#queue({ name: "unit tests", labels: ["self-hosted"], runMs: 600 }),
      this.#queue({ name: "package", labels: ["self-hosted", "X64"], runMs: 300 }),
    ]);
    return this.#allDone(jobs);
  }

  async #twoThatDoNot(): Promise<readonly [number, number]> {
    this.#begin("Two jobs that get no runner", "Answered 200 with the reason; nothing is dispatched.");
    const hosted = await this.#queue({ name: "no self-hosted", labels: ["ubuntu-latest"] });
    const gpu = await this.#queue({ name: "label nobody offers", labels: ["self-hosted", "gpu"] });
    return [hosted.id, gpu.id];
  }

  async #duplicate(): Promise<number> {
    this.#begin(
      "The same delivery three times",
      "Twice at once and once more later, under one GUID: one runner.",
    );
    const { github } = this.#loop;
    github.planDeliveries(({ action }) => (action === "queued" ? { copies: 2 } : {}));
    const job = await this.#queue({ name: "delivered thrice", labels: LABELS, runMs: 300 });
    github.planDeliveries(() => ({}));
    const first = github.deliveries().find((it) => it.jobId === job.id && it.action === "queued");
    if (first !== undefined) await github.redeliver(first.id);
    await this.#allDone([job]);
    const answers = this.#timeline.row(job.id).answers.join(", ");
    this.#timeline.end(job.id, "done", `answers ${answers}; one runner`);
    return job.id;
  }

  async #forged(): Promise<number[]> {
    this.#begin(
      "Forged deliveries",
      "A true delivery's text with a new job id: signed with another key, and not at all.",
    );
    const answers = [
      await this.#forge("another key", randomBytes(32).toString("hex")),
      await this.#forge("unsigned", null),
    ];
    return answers;
  }

  async #cancelled(): Promise<number> {
    this.#begin(
      "Cancelled while it waits",
      "The cluster is full; when there is room, nobody needs the runner any more.",
    );
    const { github, nomad } = this.#loop;
    nomad.setCapacity(0);
    const job = await this.#queue({ name: "cancelled", labels: LABELS });
    const accepted = await nomad.events.waitFor(
      (event) => event.type === "dispatch.accepted" && event.token === `${String(job.id)}:1`,
      "the dispatch of the job to be cancelled",
      JOB_MS,
    );
    const child = accepted.type === "dispatch.accepted" ? accepted.child : "";
    await nomad.events.waitFor(
      (event) => event.type === "child.blocked" && event.child === child,
      "the full cluster",
    );
    await github.cancelJob(job.id);
    nomad.setCapacity(Number.POSITIVE_INFINITY);
    await nomad.events.waitFor(
      (event) => event.type === "child.dead" && event.child === child,
      "its end",
      JOB_MS,
    );
    this.#timeline.end(
      job.id,
      "cancelled",
      "started, was told that nothing waits, and left without registering",
    );
    return job.id;
  }

  async #outage(): Promise<number[]> {
    this.#begin(
      "Nomad is down for five seconds",
      "Accepted at once, since the ledger holds them; dispatched by retry.",
    );
    const { nomad } = this.#loop;
    await nomad.down();
    const jobs = Promise.all([
      this.#queue({ name: "deploy staging", labels: LABELS, runMs: 200 }),
      this.#queue({ name: "deploy docs", labels: LABELS, runMs: 200 }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await nomad.up();
    return this.#allDone(await jobs);
  }

  async #matrix(): Promise<number[]> {
    this.#begin("A matrix of 16", "All at once; GitHub gives each job to any fitting runner.");
    const first = await this.#queue({ name: "matrix (1)", labels: LABELS, runMs: 200 });
    const others = Array.from({ length: MATRIX_SIZE - 1 }, (_, index) =>
      this.#queue({ name: `matrix (${String(index + 2)})`, labels: LABELS, runMs: 200, runId: first.runId }),
    );
    return this.#allDone([first, ...(await Promise.all(others))]);
  }

  #begin(title: string, text: string): void {
    this.#screen.begin(this.#timeline.begin(title, text));
  }

  #queue(spec: Omit<JobSpec, "repository">): Promise<JobView> {
    return this.#loop.github.queueJob({ repository: REPOSITORY, ...spec });
  }

  async #allDone(jobs: readonly JobView[]): Promise<number[]> {
    await Promise.all(
      jobs.map(({ id, name }) =>
        this.#loop.github.events.waitFor(
          (event) => event.type === "job.completed" && event.job.id === id,
          `the end of job "${name}"`,
          JOB_MS,
        ),
      ),
    );
    return jobs.map(({ id }) => id);
  }

  /** @returns the status of the answer */
  async #forge(name: string, secret: string | null): Promise<number> {
    const genuine = this.#loop.github.deliveries().find((it) => it.action === "queued");
    const payload = JSON.parse(genuine?.payload ?? "{}") as { workflow_job: Record<string, unknown> };
    payload.workflow_job["id"] = 666_000_000 + (secret === null ? 1 : 2);
    const body = JSON.stringify(payload);
    const target = { type: "repository", id: 1 } as const;
    const headers = deliveryHeaders(
      { guid: randomUUID(), event: "workflow_job", hookId: 1, target, contentType: "json", secret },
      body,
    );
    const sent = Date.now();
    const url = `${this.#loop.worker.url}/webhook`;
    const { status } = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(JOB_MS),
    });
    this.#timeline.addRow(name, "refused", Date.now() - sent, `answered ${String(status)}`, [status]);
    return status;
  }
}
