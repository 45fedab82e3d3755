import { type NomadStandIn, startNomad } from "../../../local/nomad/nomad";
import type { Capability, NomadJob, NomadTask } from "../../../local/nomad/types";
import type { DrainPlan } from "../../../index";
import { readConnection } from "../../../scripts/drain/connection";
import { Drain, type DrainOptions } from "../../../scripts/drain/drain";
import { NomadClient } from "../../../scripts/drain/nomad-client";
import { NomadJobs } from "../../../scripts/drain/nomad-jobs";

const OPERATOR = "operator-secret";
const ENOUGH: readonly Capability[] = ["list-jobs", "read-job", "deregister-job", "purge-job"];

/** What pulls the images of class a; and of another stack's, whose id begins alike. */
const PULLS = ["runner-a-pre-pull", "runner-a-pre-pull-too"] as const;

/** A stack's jobs in the Nomad stand-in, and beside them a neighbour's, whose id begins alike. */
export class DrainScene {
  readonly said: string[] = [];
  private constructor(readonly nomad: NomadStandIn) {}

  /**
   * @param runner shell text of a runner's main task
   * @param release shell text of its poststop task
   * @param pull shell text of a pull of images; without one there is no job for it
   */
  static async start(
    options: {
      runner?: string;
      pull?: string;
      release?: string;
      capacity?: number;
      may?: readonly Capability[];
    } = {},
  ): Promise<DrainScene> {
    const tasks = [shell("runner", options.runner ?? "sleep 60"), released(options.release ?? "true")];
    const rules = { payload: "optional", metaRequired: [], metaOptional: [] } as const;
    const parameterized = (id: string): NomadJob => ({ id, parameterized: rules, stopped: false, tasks });
    const service: NomadJob = {
      id: "connector",
      parameterized: null,
      stopped: false,
      tasks: [shell("cloudflared", "sleep 60")],
    };
    const { pull } = options;
    const pulls =
      pull === undefined
        ? []
        : PULLS.map((id) => ({ ...service, id, periodic: true, tasks: [shell("pull-0", pull)] }));
    const nomad = await startNomad({
      jobs: [
        ...[parameterized("runner-a"), parameterized("runner-b"), parameterized("runner-a-too"), service],
        ...pulls,
      ],
      tokens: [
        { secret: OPERATOR, name: "operator", capabilities: options.may ?? ENOUGH },
        { secret: "worker", capabilities: ["dispatch-job"] },
        { secret: "all", capabilities: [...ENOUGH, "dispatch-job"] },
      ],
      ...(options.capacity !== undefined && { capacity: options.capacity }),
    });
    return new DrainScene(nomad);
  }

  get plan(): DrainPlan {
    return {
      nomadAddress: this.nomad.url,
      namespace: "default",
      jobs: ["runner-a", "runner-b"],
      prePulls: [PULLS[0]],
      connector: { jobId: "connector", namespace: "default" },
    };
  }

  /** @returns the status, and the child's id or the refusal */
  async dispatch(job: string): Promise<readonly [number, string]> {
    const answer = await this.call("POST", `/v1/job/${job}/dispatch`, "worker");
    const text = await answer.text();
    return answer.ok
      ? [answer.status, (JSON.parse(text) as { DispatchedJobID: string }).DispatchedJobID]
      : [answer.status, text];
  }

  /** Waits for a child to run. */
  async runs(child: string): Promise<void> {
    const { events } = this.nomad;
    await events.waitFor((it) => it.type === "task.started" && it.child === child, `the start of ${child}`);
  }

  /** A drain of the plan, its connections closed when it has ended. */
  async drain(
    options: Partial<DrainOptions> & { plan?: DrainPlan; token?: string; stop?: AbortController } = {},
  ): Promise<{ readonly done: boolean; readonly left: readonly string[] }> {
    const { plan = this.plan, token = OPERATOR, stop = new AbortController(), ...more } = options;
    const environment = token === "" ? {} : { NOMAD_TOKEN: token };
    const client = new NomadClient(readConnection(this.nomad.url, environment), stop.signal, 10);
    const given = {
      finish: false,
      timeoutMs: 8_000,
      pollMs: 20,
      say: (line: string) => void this.said.push(line),
      ...more,
    };
    const draining = new Drain(plan, new NomadJobs(client, ["default"]), given, stop.signal);
    try {
      return { done: await draining.run(), left: draining.left() };
    } finally {
      client.close();
    }
  }

  /** Every job that Nomad lists, with its status. */
  async listed(): Promise<Readonly<Record<string, string>>> {
    const jobs = (await (await this.call("GET", "/v1/jobs", "all")).json()) as {
      ID: string;
      Status: string;
    }[];
    return Object.fromEntries(jobs.map(({ ID, Status }) => [ID, Status]));
  }

  call(method: string, path: string, token: string): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: { "X-Nomad-Token": token },
      signal: AbortSignal.timeout(5_000),
    };
    return fetch(this.nomad.url + path, method === "POST" ? { ...init, body: "{}" } : init);
  }
}

function shell(name: string, script: string): NomadTask {
  return {
    name,
    lifecycle: "main",
    command: "/bin/sh",
    args: ["-c", script],
    env: {},
    payloadFile: null,
    templates: [],
    killSignal: "SIGTERM",
    killTimeoutMs: 2_000,
  };
}

function released(script: string): NomadTask {
  return { ...shell("release", script), lifecycle: "poststop" };
}
