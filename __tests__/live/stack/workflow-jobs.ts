import type { GithubStandIn } from "../../../local/github/github";
import type { JobSpec, JobView } from "../../../local/github/types";
import { type Check, check, holds } from "../report";
import type { RunnersNamespace } from "../runners-namespace";

const LABELS = ["self-hosted", "linux"];
/** From a job's queueing to its end, while a deploy takes the machine's other core. */
const JOB_MS = 120_000;

/** Workflow jobs at GitHub's stand-in, and what has to have come of them. */
export class WorkflowJobs {
  readonly #github: GithubStandIn;
  readonly #nomad: RunnersNamespace;

  constructor(github: GithubStandIn, nomad: RunnersNamespace) {
    this.#github = github;
    this.#nomad = nomad;
  }

  /** Queues a job; its delivery was answered when this resolves. */
  queue(spec: Omit<JobSpec, "labels">): Promise<JobView> {
    return this.#github.queueJob({ labels: LABELS, script: "echo ran", ...spec });
  }

  /** Waits until a runner is at work on a job. */
  async running({ id }: JobView): Promise<void> {
    await this.#github.events.waitFor(
      (event) => event.type === "job.in_progress" && event.job.id === id,
      `the start of job ${String(id)}`,
      JOB_MS,
    );
  }

  /** Waits for the ends of jobs, and for every runner to be gone. */
  async ended(jobs: readonly JobView[]): Promise<void> {
    const ids = jobs.map(({ id }) => id);
    await Promise.all(
      ids.map((id) =>
        this.#github.events.waitFor(
          (event) => event.type === "job.completed" && event.job.id === id,
          `the end of job ${String(id)}`,
          JOB_MS,
        ),
      ),
    );
    for (const { ID } of await this.#nomad.children()) await this.#nomad.dead(ID);
  }

  /** What has to be so of jobs that were run to their ends by runners of their own. */
  async checks(jobs: readonly JobView[]): Promise<readonly Check[]> {
    const ids = jobs.map(({ id }) => id);
    const count = String(ids.length);
    const views = this.#github.jobs().filter(({ id }) => ids.includes(id));
    const deliveries = this.#github
      .deliveries()
      .filter(({ jobId, action }) => jobId !== null && ids.includes(jobId) && action === "queued");
    const children = await this.#nomad.children();
    const own = children.filter(({ DispatchIdempotencyToken: token }) =>
      ids.includes(Number(token.split(":", 1)[0])),
    );
    const first = own.filter(({ DispatchIdempotencyToken: token }) => token.endsWith(":1"));
    return [
      check(`${count} of ${count} signed deliveries were accepted (202)`, [
        ...deliveries
          .filter(({ statusCode }) => statusCode !== 202)
          .map(({ statusCode, responseBody }) => `${String(statusCode)} ${responseBody}`),
        ...(deliveries.length === ids.length ? [] : [`${String(deliveries.length)} deliveries`]),
      ]),
      check(`${count} of ${count} jobs ran to success on a runner of ours`, [
        ...(views.length === ids.length ? [] : [`${String(views.length)} jobs`]),
        ...views
          .filter(
            ({ conclusion, log, runnerName }) =>
              conclusion !== "success" || !log.includes("ran\n") || runnerName === null,
          )
          .map(
            ({ id, status, conclusion, log }) =>
              `${String(id)} ${status} ${String(conclusion)} ${log.slice(-200)}`,
          ),
      ]),
      holds(
        `Nomad ran one child for each job (${String(own.length)})`,
        first.length === ids.length && own.length === ids.length,
        ...own.map(({ DispatchIdempotencyToken: token, Status }) => `${token} ${Status}`),
      ),
    ];
  }

  /** Whether nothing runs and nothing is registered, after the last job. */
  async gone(): Promise<readonly Check[]> {
    const children = await this.#nomad.children();
    return [
      check(
        "GitHub has no runner left",
        this.#github.runners().map(({ name }) => name),
      ),
      check(
        "no runner is left in Nomad",
        children.filter(({ Status }) => Status !== "dead").map(({ ID, Status }) => `${ID} ${Status}`),
      ),
    ];
  }
}
