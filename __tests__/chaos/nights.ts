import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY } from "../support/harness/harness";

const MINUTE = 60;
export const HOUR = 60 * MINUTE;

/** When there is room in the cluster again, and when the image is whole again. */
const ROOM_AT = 6 * HOUR;
export const WHOLE_AT = 9 * HOUR;

/** Places of the cluster; at first jobs of six hours take them all. */
const PLACES = 3;

/** Sweeps are that far apart while much happens, and then. In between nothing changes but the time. */
const SHORT_STEP = 3 * MINUTE;
export const LONG_STEP = 15 * MINUTE;

export interface NightSettings {
  readonly pickupDeadlineSeconds: number;
  /** Whether Nomad's `poststop` gets to run where the image is broken, and gives the claim back with an exit code. */
  readonly endsAreTold: boolean;
  /** Which of a repository's jobs GitHub gives to a runner: it promises no order. */
  readonly gives: "the oldest" | "the newest";
}

/** A job that waits through the night, as GitHub has it. */
interface NightJob {
  readonly id: number;
  readonly repository: string;
  /** Seconds after the night began. */
  readonly arrivesAt: number;
  state: "coming" | "queued" | "in_progress" | "completed";
  servedAt: number | null;
}

/** A dispatch as Nomad has it. */
interface Child {
  readonly token: string;
  readonly claim: string;
  readonly repository: string;
  readonly dispatchedAt: number;
  state: "blocked" | "running" | "ended";
  /** Its name at GitHub, once it is registered, and the job that it got. */
  runner: string | null;
  job: NightJob | null;
}

export interface NightReport {
  /** Job → its children: when they were dispatched, in seconds after the night began, and whether another job took them. */
  readonly children: ReadonlyMap<number, readonly { readonly at: number; readonly wasTaken: boolean }[]>;
  /** Job → when a runner took it; null: none did. */
  readonly served: ReadonlyMap<number, number | null>;
  /** Most children that waited for room at once. */
  readonly mostBlocked: number;
  /** Children that started and died with the broken image. */
  readonly died: number;
  /** Runners that were registered though no job of their scope waited for one. */
  readonly needless: readonly string[];
  /** Tokens that were dispatched more than once. */
  readonly doubled: readonly string[];
  /** Runners that are neither done nor gone at the end, and jobs that are not completed: the ledger's view. */
  readonly left: readonly string[];
}

const REPOSITORIES = ["octo-org/example", "octo-org/other", "me/tool"];

/**
 * Two long nights in short time, on the Worker and its ledger, with a Nomad and a GitHub of some lines: for six hours the
 * cluster is full, and what is dispatched stays blocked; for three more each child that starts dies before it claims, since
 * its image is broken; then all is well. Time passes by ageing the ledger's rows.
 * @param end seconds after the night's beginning at which it is over, whatever still waits
 */
export async function playNights(
  harness: Harness,
  settings: NightSettings,
  end: number,
): Promise<NightReport> {
  const { pickupDeadlineSeconds } = settings;
  await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, pickupDeadlineSeconds }] } });
  const nights = new Nights(harness, settings);
  await nights.begin();
  while (nights.clock < end) await nights.pass();
  return nights.report();
}

class Nights {
  clock = 0;
  readonly #jobs: NightJob[] = [];
  readonly #children: Child[] = [];
  readonly #needless: string[] = [];
  #died = 0;
  #mostBlocked = 0;

  constructor(
    private readonly harness: Harness,
    private readonly settings: NightSettings,
  ) {}

  /** The jobs of six hours take all places; the others arrive within the first hour. */
  async begin(): Promise<void> {
    for (let id = 1; id <= PLACES + 9; id++) {
      const repository = REPOSITORIES[id % REPOSITORIES.length] ?? "";
      const arrivesAt = id <= PLACES ? 0 : (id * 7 * MINUTE) % HOUR;
      this.#jobs.push({ id, repository, arrivesAt, state: "coming", servedAt: null });
    }
    await this.#arrive();
    await this.#runNomad();
  }

  async pass(): Promise<void> {
    const step = this.clock < 0.5 * HOUR ? SHORT_STEP : LONG_STEP;
    this.clock += step;
    await this.harness.age(step);
    await this.#arrive();
    await this.#finish();
    await this.harness.sweep();
    await this.#runNomad();
  }

  async #arrive(): Promise<void> {
    for (const job of this.#jobs.filter(
      ({ state, arrivesAt }) => state === "coming" && arrivesAt <= this.clock,
    )) {
      job.state = "queued";
      await this.#deliver(job, "queued", null);
    }
  }

  async #deliver(
    { id, repository }: NightJob,
    action: "queued" | "in_progress" | "completed",
    runner: string | null,
  ): Promise<void> {
    const response = await this.harness.deliver(workflowJob({ id, repository, action, runner }));
    if (response.status !== 202) throw new Error(`job ${String(id)} ${action}: ${String(response.status)}`);
  }

  /** A job ends in the step after it began; the first ones when six hours are over. */
  async #finish(): Promise<void> {
    for (const child of this.#children) {
      const { job } = child;
      if (job?.state !== "in_progress" || (job.servedAt ?? 0) + this.#duration(job) > this.clock) continue;
      job.state = "completed";
      await this.#deliver(job, "completed", child.runner);
      await this.#leave(child);
    }
  }

  #duration({ id }: NightJob): number {
    return id <= PLACES ? ROOM_AT : 1;
  }

  /** Takes what was dispatched since, and starts what there is room for, in order, until nothing changes any more. */
  async #runNomad(): Promise<void> {
    for (let round = 0; round < 1_000; round++) {
      this.#takeDispatches();
      const running = this.#children.filter(({ state }) => state === "running").length;
      const next = this.#children.find(({ state }) => state === "blocked");
      this.#mostBlocked = Math.max(
        this.#mostBlocked,
        this.#children.filter(({ state }) => state === "blocked").length,
      );
      if (next === undefined || running >= PLACES) return;
      next.state = "running";
      if (this.clock >= ROOM_AT && this.clock < WHOLE_AT) await this.#die(next);
      else await this.#claim(next);
    }
    throw new Error("children are started without end");
  }

  #takeDispatches(): void {
    for (const { token, payload } of this.harness.dispatches().slice(this.#children.length)) {
      this.#children.push({
        ...{ token, claim: payload.claim, repository: String(payload["repo"]) },
        ...{ dispatchedAt: this.clock, state: "blocked", runner: null, job: null },
      });
    }
  }

  async #die(child: Child): Promise<void> {
    this.#died += 1;
    if (this.settings.endsAreTold) await this.#leave(child, "10");
    else child.state = "ended";
  }

  async #leave(child: Child, exit?: string): Promise<void> {
    child.state = "ended";
    const { status } = await this.harness.release(child.claim, holderOf(child), exit);
    if (status !== 204) throw new Error(`DELETE of ${child.token}: ${String(status)}`);
  }

  /** A runner that works: it claims, and GitHub gives it the oldest job that waits in its repository. */
  async #claim(child: Child): Promise<void> {
    const response = await this.harness.claim(child.claim, holderOf(child));
    if (response.status === 410) return this.#leave(child);
    if (response.status !== 201) throw new Error(`POST of ${child.token}: ${String(response.status)}`);
    child.runner = ((await response.json()) as { readonly runner_name: string }).runner_name;
    const [job] = this.#jobs
      .filter(({ state, repository }) => state === "queued" && repository === child.repository)
      .sort(
        (one, other) => (one.arrivesAt - other.arrivesAt) * (this.settings.gives === "the oldest" ? 1 : -1),
      );
    if (job === undefined) {
      this.#needless.push(child.token);
      return this.#leave(child);
    }
    job.state = "in_progress";
    job.servedAt = this.clock;
    child.job = job;
    await this.#deliver(job, "in_progress", child.runner);
  }

  async report(): Promise<NightReport> {
    const waited = this.#jobs.filter(({ id }) => id > PLACES);
    const tokens = this.#children.map(({ token }) => token);
    const childrenOf = (id: number) =>
      this.#children
        .filter(({ token }) => token.startsWith(`${String(id)}:`))
        .map(({ dispatchedAt, job }) => ({ at: dispatchedAt, wasTaken: job !== null && job.id !== id }));
    const left = await this.harness.rows(
      `SELECT 'job ' || job_id || ' ' || state AS one FROM jobs WHERE state <> 'completed'
       UNION ALL SELECT 'runner ' || name || ' ' || state FROM runners WHERE live = 1 AND state NOT IN ('requested', 'dispatched')`,
    );
    return {
      children: new Map(waited.map(({ id }) => [id, childrenOf(id)])),
      served: new Map(waited.map(({ id, servedAt }) => [id, servedAt])),
      mostBlocked: this.#mostBlocked,
      died: this.#died,
      needless: this.#needless,
      doubled: tokens.filter((token, index) => tokens.indexOf(token) !== index),
      left: left.map((row) => String(row["one"])),
    };
  }
}

function holderOf({ token }: Child): string {
  return `alloc-${token.replace(":", "-")}`;
}
