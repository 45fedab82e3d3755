import { DrainError } from "./drain-error";
import type { NomadAnswer, NomadCall, NomadClient } from "./nomad-client";

/** A job by its whole name. */
export interface JobName {
  readonly namespace: string;
  readonly id: string;
}

/** A job, as far as it matters to its end. */
export interface JobState extends JobName {
  readonly stopped: boolean;
  /** `pending` has nothing running; a stopped job is `dead` while its tasks still end. */
  readonly status: string;
  /** What makes its children: dispatches or a schedule. null: it has none, as a child has none. */
  readonly parentOf: "dispatches" | "periods" | null;
}

export interface AllocationState {
  readonly id: string;
  readonly node: string;
  readonly status: string;
  /** Whether all its tasks are over, those that come after its end included. */
  readonly isOver: boolean;
}

/** How a child's id goes on after its parent's.
 *  @see https://github.com/hashicorp/nomad/blob/v2.0.5/nomad/structs/structs.go (DispatchLaunchSuffix, PeriodicLaunchSuffix) */
const CHILDREN = ["dispatch-", "periodic-"] as const;

/** Looks at jobs in Nomad, and ends them. */
export class NomadJobs {
  readonly #client: NomadClient;
  readonly #capabilities: string;

  /** @param namespaces those that the token has to reach, for whoever reads that it does not */
  constructor(client: NomadClient, namespaces: readonly string[]) {
    this.#client = client;
    const named = [...new Set(namespaces)].map((name) => `"${name}"`).join(" and ");
    this.#capabilities = `list-jobs, read-job, deregister-job and purge-job in the namespace ${named} (before Nomad 1.11.2, submit-job in place of the last two)`;
  }

  /** @returns null when there is no such job */
  async job({ namespace, id }: JobName): Promise<JobState | null> {
    const answer = await this.#client.call({ method: "GET", path: pathOf(id), query: { namespace } });
    if (answer.status === 404 && answer.body === "job not found") return null;
    return jobState(namespace, record(await this.#good(answer, `read the job ${id}`)));
  }

  /** Every child of the job, by a dispatch or a schedule, whatever its state. */
  async children({ namespace, id }: JobName): Promise<readonly JobState[]> {
    const prefix = `${id}/`;
    const call: NomadCall = { method: "GET", path: "/v1/jobs", query: { namespace, prefix } };
    const jobs = records(await this.#good(await this.#client.call(call), `list the jobs of ${namespace}`));
    return (
      jobs
        // Whatever the list holds: nothing else is ever stopped.
        .filter(
          (job) =>
            job["ParentID"] === id && CHILDREN.some((kind) => String(job["ID"]).startsWith(prefix + kind)),
        )
        .map((job) => jobState(namespace, job))
    );
  }

  async allocations({ namespace, id }: JobName): Promise<readonly AllocationState[]> {
    const call: NomadCall = { method: "GET", path: `${pathOf(id)}/allocations`, query: { namespace } };
    const answer = await this.#client.call(call);
    return records(await this.#good(answer, `read the allocations of ${id}`)).map(allocationState);
  }

  /** What `nomad job stop` does. A parameterized job then refuses dispatches; its children go on. */
  async stop(job: JobName): Promise<void> {
    await this.#deregister(job, false, `stop the job ${job.id}`);
  }

  /** Makes Nomad forget a job, and with it its allocations whether they have ended or not: so only what has ended. */
  async purge(job: JobName): Promise<void> {
    await this.#deregister(job, true, `purge the job ${job.id}`);
  }

  /** Tries a purge of a job that cannot be: a child's id does not end there. @throws DrainError when the token may not */
  async mayPurge({ namespace, id }: JobName): Promise<void> {
    await this.#deregister({ namespace, id: `${id}/dispatch-` }, true, `purge jobs of ${namespace}`);
  }

  async #deregister({ namespace, id }: JobName, purge: boolean, what: string): Promise<void> {
    const call: NomadCall = {
      method: "DELETE",
      path: pathOf(id),
      query: { namespace, purge: String(purge) },
    };
    await this.#good(await this.#client.call(call), what);
  }

  /** @returns the body of a 200 */
  async #good({ status, body }: NomadAnswer, what: string): Promise<unknown> {
    if (status === 200) return body;
    if (status === 403) throw new DrainError(`Nomad refuses to ${what}: ${await this.#whyDenied()}`);
    const said = JSON.stringify(typeof body === "string" ? body.trim().slice(0, 200) : body);
    throw new DrainError(`Nomad did not ${what}: it answered ${String(status)} ${said}`);
  }

  /** Nomad says "Permission denied" to a token that is wrong, has ended or is too weak, all alike. */
  async #whyDenied(): Promise<string> {
    const needed = `a token that may ${this.#capabilities}`;
    if (!this.#client.connection.hasToken) return `NOMAD_TOKEN is not set. Set it to ${needed}`;
    const self = await this.#client.call({ method: "GET", path: "/v1/acl/token/self" });
    if (self.status !== 200)
      return `it does not know the token in NOMAD_TOKEN (wrong, ended, or another cluster's). Set ${needed}`;
    const name = String(record(self.body)["Name"]);
    return `the token ${JSON.stringify(name)} in NOMAD_TOKEN may not. Set ${needed}`;
  }
}

function pathOf(id: string): string {
  return `/v1/job/${encodeURIComponent(id)}`;
}

function jobState(namespace: string, job: Readonly<Record<string, unknown>>): JobState {
  return {
    namespace,
    id: String(job["ID"]),
    stopped: job["Stop"] === true,
    status: String(job["Status"]),
    // A boolean in a list; by itself a job has the block, or null.
    parentOf: job["ParameterizedJob"] ? "dispatches" : job["Periodic"] ? "periods" : null,
  };
}

/** Only these are told when a client will not change its mind. `unknown` is a client cut off: it may come back. */
const TERMINAL = ["complete", "failed", "lost"];

function allocationState(allocation: Readonly<Record<string, unknown>>): AllocationState {
  const status = String(allocation["ClientStatus"]);
  // "failed" is said as soon as the first task has failed, before the poststop task has given the claim back. Of a lost
  // node's tasks nothing is heard any more.
  const tasks = Object.values(record(allocation["TaskStates"] ?? {})).map(record);
  const areOver = status === "lost" || tasks.every((task) => task["State"] === "dead");
  return {
    id: String(allocation["ID"]),
    node: typeof allocation["NodeName"] === "string" ? allocation["NodeName"] : "an unknown node",
    status,
    isOver: TERMINAL.includes(status) && areOver,
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new DrainError(
    `Nomad answered something else than it documents: ${typeof value} in place of an object`,
  );
}

function records(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(value)) return value.map(record);
  throw new DrainError(`Nomad answered something else than it documents: ${typeof value} in place of a list`);
}
