import { chmod, cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GithubEvent, JobSpec, JobView } from "../../../local/github/types";
import { LOOP_CLASS } from "../../../local/loop";
import { until } from "../runners-namespace";
import { exitOf } from "../verdict";
import type { ClaimCall } from "./claim-gateway";
import { type Listed, listAllocations } from "./endings";
import { historyOf } from "./ledger";
import { type Place, REPOSITORY, type World, startPlace } from "./place";

/** Classes of the ends: one with time, one that is soon idle, one that is soon over its time. */
export const PATIENT = ["self-hosted", "linux"];
export const IDLE = ["self-hosted", "idle"];
export const BRIEF = ["self-hosted", "brief"];
const EVENT_MS = 40_000;
const SECONDS = 1_000;

/** What GitHub, the ledger and Nomad show of a job and its runners when all is over. */
export interface Shown {
  readonly github: string;
  readonly ledger: string;
  readonly nomad: string;
}

/** A place in which runners come to their ends one way after the other, and the ways to look at it. */
export class EndsGround {
  readonly world: World;
  readonly place: Place;
  /** While this file is there, the runner program says that GitHub takes no runner of its version any more. */
  readonly refusedVersion: string;

  private constructor(world: World, place: Place, refusedVersion: string) {
    this.world = world;
    this.place = place;
    this.refusedVersion = refusedVersion;
  }

  static async make(world: World): Promise<EndsGround> {
    const root = join(dirname(world.runnerRoot), "old-runner");
    const flag = join(dirname(world.runnerRoot), "version-is-refused");
    await agingRunner(world.runnerRoot, root, flag);
    const place = await startPlace(world, {
      name: "ends",
      policy: {
        classes: [
          { ...LOOP_CLASS, pickupDeadlineSeconds: 60 },
          { ...LOOP_CLASS, name: "idle", job: "runner-idle", labels: IDLE, idleTimeoutSeconds: 3 },
          { ...LOOP_CLASS, name: "brief", job: "runner-brief", labels: BRIEF, maxDurationSeconds: 4 },
        ],
      },
      github: { pickupMs: 3 * SECONDS, disconnectMs: 2 * SECONDS, lostRunnerMs: 4 * SECONDS },
      jobVariables: { runner_root: root },
    });
    return new EndsGround(world, place, flag);
  }

  /** Queues a job that runs for so long. */
  queue(labels: readonly string[], runMs: number, spec: Partial<JobSpec> = {}): Promise<JobView> {
    return this.place.loop.github.queueJob({ repository: REPOSITORY, labels, runMs, ...spec });
  }

  /** Waits until a runner of the job has come as far as this event. */
  async event(type: GithubEvent["type"], job: number, ordinal = 1): Promise<void> {
    const name = `-${String(job)}-${String(ordinal)}`;
    await this.place.loop.github.events.waitFor(
      (event) =>
        event.type === type &&
        (("runner" in event && event.runner.name.endsWith(name)) ||
          ("job" in event && event.job.id === job && event.job.runnerName?.endsWith(name) === true)),
      `${type} of runner ${name}`,
      EVENT_MS,
    );
  }

  /** Waits until GitHub has noticed that the job's first runner is gone: it would still give it a job before. */
  async offline(job: number): Promise<void> {
    const name = `-${String(job)}-1`;
    await until(`runner ${name} to be offline at GitHub`, () => {
      const found = this.place.loop.github.runners().find((runner) => runner.name.endsWith(name));
      return Promise.resolve(found?.online === true ? undefined : true);
    });
  }

  /** Waits until the job is over at GitHub. */
  async completed(job: number): Promise<void> {
    const { events } = this.place.loop.github;
    const over = (event: GithubEvent): boolean => event.type === "job.completed" && event.job.id === job;
    await events.waitFor(over, `the end of job ${String(job)}`, 2 * EVENT_MS);
  }

  /** GitHub gives no job to any runner until this is called again with true. */
  giveJobs(give: boolean): void {
    this.place.loop.github.pickRunners(give ? (_job, fitting) => fitting[0] : () => undefined);
  }

  /** Holds the first claim that comes until something is done, then loses it: the Worker never hears of it. */
  atTheClaim(act: (call: ClaimCall) => Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.place.gateway.intercept({
        arrived: async (call) => {
          if (call.method === "DELETE") return true;
          this.letPass();
          await act(call).then(() => {
            resolve();
          }, reject);
          return false;
        },
        answered: () => Promise.resolve(true),
      });
    });
  }

  letPass(): void {
    const pass = (): Promise<boolean> => Promise.resolve(true);
    this.place.gateway.intercept({ arrived: pass, answered: pass });
  }

  /** The child of a job's dispatch. */
  async child(job: number, ordinal = 1): Promise<string> {
    return (await this.place.nomad.child(`${String(job)}:${String(ordinal)}`)).ID;
  }

  /** Its allocations, oldest first. */
  async allocations(child: string): Promise<readonly Listed[]> {
    const all = await listAllocations(this.world.agent, this.place.namespace);
    return all.filter(({ JobID }) => JobID === child).sort((a, b) => a.CreateTime - b.CreateTime);
  }

  /** Waits until nothing of a job's runners lives, in Nomad and in the ledger. */
  async over(job: number): Promise<void> {
    await until(
      `the end of every runner of job ${String(job)}`,
      async () => {
        const history = await historyOf(this.place, job);
        const open = /requested|dispatched|claimed|busy|removing/.test(history);
        const children = await this.#children(job);
        return !open && children.every(({ Status }) => Status === "dead") ? true : undefined;
      },
      60 * SECONDS,
    );
    for (const { ID } of await this.#children(job)) await this.place.nomad.dead(ID);
  }

  async shown(job: number): Promise<Shown> {
    const { github } = this.place.loop;
    const view = github.jobs().find(({ id }) => id === job);
    const runners = github.runners().filter(({ name }) => name.includes(`-${String(job)}-`));
    const ends: string[] = [];
    for (const { ID } of await this.#children(job))
      for (const { ClientStatus, TaskStates } of await this.place.nomad.allocations(ID))
        ends.push(`${ClientStatus} ${exitOf(TaskStates?.["runner"])}`);
    return {
      github: `${String(view?.conclusion ?? view?.status)}, ${String(runners.length)} runners`,
      ledger: await historyOf(this.place, job),
      nomad: ends.join(", ") || "nothing",
    };
  }

  async #children(job: number) {
    return (await this.place.nomad.children()).filter((child) => child.Meta["WORKFLOW_JOB"] === String(job));
  }
}

/** A copy of the runner whose listener ends as a version does that GitHub refuses, while there is a file. */
async function agingRunner(from: string, root: string, flag: string): Promise<void> {
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  await cp(from, root, { recursive: true, verbatimSymlinks: true });
  const listener = join(root, "bin", "Runner.Listener");
  await rename(listener, `${listener}.current`);
  await writeFile(listener, `#!/bin/sh\n[ ! -e '${flag}' ] || exit 7\nexec "$0.current" "$@"\n`);
  await chmod(listener, 0o755);
  await chmod(root, 0o755);
}
