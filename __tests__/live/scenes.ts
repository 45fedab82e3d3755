import type { GithubStandIn } from "../../local/github/github";
import type { GithubEvent, JobSpec, JobView } from "../../local/github/types";
import type { RunnersNamespace } from "./runners-namespace";

export const PRIVATE = "octo-org/example";
export const PUBLIC = "octo-org/public";
const LABELS = ["self-hosted", "linux"];
const MATRIX_SIZE = 8;
/** From a job's queueing to its end, on a slow machine. */
const JOB_MS = 60_000;

/** How a child has to end. */
export interface ExpectedChild {
  /** Its idempotency token. */
  readonly token: string;
  readonly allocation: "complete" | "failed";
  /** What the runner task ends with; 128 and more where a signal ended it. */
  readonly runnerExit: number;
  /** What it has to have said. */
  readonly says: RegExp;
}

export interface ExpectedJob {
  readonly id: number;
  readonly conclusion: "success" | "failure" | "cancelled";
}

/** What was played, and what has to have come of it. */
export interface Played {
  readonly title: string;
  readonly jobs: readonly ExpectedJob[];
  readonly children: readonly ExpectedChild[];
}

const RAN = { allocation: "complete", runnerExit: 0, says: /the workflow job has ended/ } as const;

type RunnerEvent = Extract<GithubEvent, { readonly runner: unknown }>;

/** The main loop's turns, one after the other, on a real Nomad. Each throws when it does not get on. */
export class Scenes {
  readonly #github: GithubStandIn;
  readonly #nomad: RunnersNamespace;

  constructor(github: GithubStandIn, nomad: RunnersNamespace) {
    this.#github = github;
    this.#nomad = nomad;
  }

  all(): readonly (readonly [title: string, play: () => Promise<Omit<Played, "title">>])[] {
    return [
      ["one job", () => this.#one()],
      [`a matrix of ${String(MATRIX_SIZE)}`, () => this.#matrix()],
      ["cancelled while it waits for room", () => this.#cancelled()],
      ["its runner is stopped first", () => this.#replaced((child) => this.#nomad.stop(child), STOPPED)],
      ["its runner is killed first", () => this.#replaced((child) => this.#nomad.kill(child), KILLED)],
      ["a fork's job takes its runner", () => this.#fork()],
    ];
  }

  async #one(): Promise<Omit<Played, "title">> {
    const { id } = await this.#queue({ repository: PRIVATE, script: "echo ran" });
    await this.#completed(id);
    return { jobs: [{ id, conclusion: "success" }], children: [{ token: `${String(id)}:1`, ...RAN }] };
  }

  async #matrix(): Promise<Omit<Played, "title">> {
    const first = await this.#queue({ repository: PRIVATE, name: "matrix (1)" });
    const others = Array.from({ length: MATRIX_SIZE - 1 }, (_, index) =>
      this.#queue({ repository: PRIVATE, name: `matrix (${String(index + 2)})`, runId: first.runId }),
    );
    const ids = [first, ...(await Promise.all(others))].map(({ id }) => id);
    await Promise.all(ids.map((id) => this.#completed(id)));
    return {
      jobs: ids.map((id) => ({ id, conclusion: "success" })),
      children: ids.map((id) => ({ token: `${String(id)}:1`, ...RAN })),
    };
  }

  /** The cluster is full; when there is room, nobody needs the runner any more. */
  async #cancelled(): Promise<Omit<Played, "title">> {
    await this.#nomad.setRoom(false);
    const { id } = await this.#queue({ repository: PRIVATE });
    const token = `${String(id)}:1`;
    const child = await this.#nomad.child(token);
    await this.#nomad.blocked(child.ID);
    // It ends when the Worker has answered the delivery that says so.
    await this.#github.cancelJob(id);
    await this.#nomad.setRoom(true);
    await this.#nomad.dead(child.ID);
    return {
      jobs: [{ id, conclusion: "cancelled" }],
      children: [{ token, allocation: "complete", runnerExit: 0, says: /410: no workflow job waits/ }],
    };
  }

  /** A runner ends after its registration and before GitHub gave it a job: the job gets another one. */
  async #replaced(
    end: (child: string) => Promise<void>,
    ended: Omit<ExpectedChild, "token">,
  ): Promise<Omit<Played, "title">> {
    const { events } = this.#github;
    this.#github.pickRunners(() => undefined);
    const { id } = await this.#queue({ repository: PRIVATE });
    const name = `-${String(id)}-1`;
    const online = await events.waitFor<RunnerEvent>(
      (event) => event.type === "runner.online" && event.runner.name.endsWith(name),
      "the first runner",
      JOB_MS,
    );
    const child = await this.#nomad.child(`${String(id)}:1`);
    await end(child.ID);
    const path = `/repos/${PRIVATE}/actions/runners/${String(online.runner.id)}`;
    await events.waitFor(
      (event) =>
        event.type === "request" &&
        event.method === "DELETE" &&
        event.status === 204 &&
        event.path.endsWith(path),
      "the Worker's removal of the first runner's registration",
      JOB_MS,
    );
    this.#github.pickRunners((_job, candidates) => candidates[0]);
    await this.#completed(id);
    return {
      jobs: [{ id, conclusion: "success" }],
      children: [
        { token: `${String(id)}:1`, ...ended },
        { token: `${String(id)}:2`, ...RAN },
      ],
    };
  }

  /** GitHub gives a public repository's runner to a fork's pull request, for which none was started. */
  async #fork(): Promise<Omit<Played, "title">> {
    const script = "echo ran";
    const fork = await this.#queue({ repository: PUBLIC, headRepository: "someone/public", script });
    const own = await this.#queue({ repository: PUBLIC, script });
    await Promise.all([this.#completed(fork.id), this.#completed(own.id)]);
    const log = this.#github.jobs().find(({ id }) => id === fork.id)?.log ?? "";
    if (!log.includes("refused by this runner") || log.includes("ran\n"))
      throw new Error(`the fork's job was not refused before its first step; its log is: ${log}`);
    return {
      jobs: [
        { id: fork.id, conclusion: "failure" },
        { id: own.id, conclusion: "success" },
      ],
      children: [
        {
          token: `${String(own.id)}:1`,
          allocation: "failed",
          runnerExit: 23,
          says: /the hook refused the workflow job/,
        },
        { token: `${String(own.id)}:2`, ...RAN },
      ],
    };
  }

  #queue(spec: Omit<JobSpec, "labels">): Promise<JobView> {
    return this.#github.queueJob({ labels: LABELS, ...spec });
  }

  /** Waits until a job is over, and every allocation there is with its poststop task, too. */
  async #completed(id: number): Promise<void> {
    await this.#github.events.waitFor(
      (event) => event.type === "job.completed" && event.job.id === id,
      `the end of job ${String(id)}`,
      JOB_MS,
    );
    for (const { ID } of await this.#nomad.children()) await this.#nomad.dead(ID);
  }
}

const STOPPED = { allocation: "complete", runnerExit: 143, says: /SIGTERM; stopping the listener/ } as const;
const KILLED = { allocation: "failed", runnerExit: 137, says: /runner [0-9a-f]{6}-/ } as const;
