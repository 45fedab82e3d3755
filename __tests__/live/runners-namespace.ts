import { readFile } from "node:fs/promises";
import type { OutsideNomad } from "../../local/loop";
import type { Variables } from "../../local/nomad/jobspec";
import type { JobspecSource } from "../../local/nomad/nomad";
import type { NomadAgent } from "./nomad-agent";

const NAMESPACE = "runners";
const POLL_MS = 200;

/** A dispatched child, as Nomad tells of it. */
export interface Child {
  readonly ID: string;
  readonly Status: string;
  readonly DispatchIdempotencyToken: string;
  readonly Meta: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch. */
  readonly SubmitTime: number;
}

export interface TaskState {
  readonly State: string;
  readonly Failed: boolean;
  /** RFC 3339. */
  readonly StartedAt: string;
  readonly FinishedAt: string;
  readonly Events: readonly { readonly Type: string; readonly ExitCode: number; readonly Signal: number }[];
}

export interface Allocation {
  readonly ID: string;
  readonly ClientStatus: string;
  readonly TaskStates: Readonly<Record<string, TaskState>> | null;
}

/** The namespace in which a real Nomad runs the runners, as management sees it. */
export class RunnersNamespace {
  readonly #agent: NomadAgent;
  readonly #name: string;
  readonly #query: string;

  /** @param name of a namespace that there is, or will be once it is asked for */
  constructor(agent: NomadAgent, name: string) {
    this.#agent = agent;
    this.#name = name;
    this.#query = `?namespace=${name}`;
  }

  static async make(agent: NomadAgent, name = NAMESPACE): Promise<RunnersNamespace> {
    await agent.call("POST", `/v1/namespace/${name}`, { Name: name });
    return new RunnersNamespace(agent, name);
  }

  /** What the Worker gets of it: an address, and a token that may dispatch and nothing else. */
  async forWorker(): Promise<OutsideNomad> {
    const agent = this.#agent;
    const name = `dispatch-${this.#name}`;
    // HCL wants the block's content on a line of its own.
    const Rules = `namespace "${this.#name}" {\n  capabilities = ["dispatch-job"]\n}\n`;
    await agent.call("POST", `/v1/acl/policy/${name}`, { Name: name, Rules });
    const made = await agent.call("POST", "/v1/acl/token", { Name: name, Type: "client", Policies: [name] });
    return {
      url: agent.url,
      token: (made as { SecretID: string }).SecretID,
      namespace: this.#name,
      register: (job) => this.#register(job),
    };
  }

  /** Every child there is, oldest first. */
  async children(): Promise<readonly Child[]> {
    const listed = (await this.#agent.call("GET", `/v1/jobs${this.#query}`)) as {
      ID: string;
      ParentID: string;
    }[];
    const ids = listed.filter(({ ParentID }) => ParentID !== "").map(({ ID }) => ID);
    const children = await Promise.all(ids.map((id) => this.#agent.call("GET", this.#jobPath(id))));
    return (children as Child[]).sort((a, b) => a.SubmitTime - b.SubmitTime);
  }

  /** Waits for the child of a dispatch. @param token its idempotency token */
  child(token: string): Promise<Child> {
    return until(`the child of ${token} in Nomad`, async () =>
      (await this.children()).find((it) => it.DispatchIdempotencyToken === token),
    );
  }

  async allocations(child: string): Promise<readonly Allocation[]> {
    return (await this.#agent.call("GET", this.#jobPath(child, "/allocations"))) as Allocation[];
  }

  /** Waits until a child is blocked, because no node has room. */
  async blocked(child: string): Promise<void> {
    await until(`a blocked evaluation of ${child}`, async () => {
      const evaluations = await this.#agent.call("GET", this.#jobPath(child, "/evaluations"));
      return (evaluations as { Status: string }[]).find(({ Status }) => Status === "blocked");
    });
  }

  /** Waits until a child is dead, and all its tasks with it. @returns its allocations */
  async dead(child: string): Promise<readonly Allocation[]> {
    return until(`the end of ${child} in Nomad`, async () => {
      const { Status } = (await this.#agent.call("GET", this.#jobPath(child))) as Child;
      const allocations = await this.allocations(child);
      const over = allocations.every(({ TaskStates }) =>
        Object.values(TaskStates ?? {}).every(({ State }) => State === "dead"),
      );
      return Status === "dead" && over ? allocations : undefined;
    });
  }

  /** What `nomad job stop` does. */
  async stop(child: string): Promise<void> {
    await this.#agent.call("DELETE", this.#jobPath(child));
  }

  /** What `nomad alloc signal -s SIGKILL` does to the runner's task. */
  async kill(child: string): Promise<void> {
    for (const { ID } of await this.allocations(child)) {
      const order = { Signal: "SIGKILL", Task: "runner" };
      await this.#agent.call("POST", `/v1/client/allocation/${ID}/signal${this.#query}`, order);
    }
  }

  /** Lets nodes take allocations, or none: then the cluster is full. */
  async setRoom(room: boolean): Promise<void> {
    for (const { ID } of (await this.#agent.call("GET", "/v1/nodes")) as { ID: string }[]) {
      const Eligibility = room ? "eligible" : "ineligible";
      await this.#agent.call("POST", `/v1/node/${ID}/eligibility`, { Eligibility });
    }
  }

  /** What a task printed. */
  async output(allocation: string, task: string): Promise<string> {
    const logs = (type: string): Promise<string> =>
      this.#agent.text(`/v1/client/fs/logs/${allocation}${this.#query}&plain=true&task=${task}&type=${type}`);
    return (await logs("stdout")) + (await logs("stderr"));
  }

  async #register({ file, variables }: JobspecSource): Promise<void> {
    const parsed = await this.#agent.call("POST", `/v1/jobs/parse${this.#query}`, {
      JobHCL: await readFile(file, "utf8"),
      Variables: variableFile({ ...variables, namespace: this.#name }),
    });
    await this.#agent.call("POST", `/v1/jobs${this.#query}`, { Job: parsed });
  }

  /** A child's id has a slash. */
  #jobPath(id: string, under = ""): string {
    return `/v1/job/${encodeURIComponent(id)}${under}${this.#query}`;
  }
}

/** Waits for something, looking several times a second. @throws Error naming what was awaited */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${String(timeoutMs)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** As a `.nomadvars` file says it. HCL's strings are JSON's, but for the two marks of a template, and the JSON of an
 *  object or a list is one: Terraform's provider hands them on as such texts, too. */
function variableFile(variables: Variables): string {
  const quote = (value: string | number | boolean): string =>
    (isJson(value) ? value : JSON.stringify(value)).replace(/[$%]\{/g, (mark) => mark.charAt(0) + mark);
  const lines = Object.entries(variables).map(([name, value]) => `${name} = ${quote(value)}`);
  return `${lines.join("\n")}\n`;
}

function isJson(value: string | number | boolean): value is string {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
