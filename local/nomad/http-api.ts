import { randomUUID } from "node:crypto";
import { NomadRefusal } from "./answer";
import type { NomadAnswer } from "./answer";
import type { Cluster } from "./cluster";
import { decodeDispatch } from "./decode";
import { dispatch, dispatchAnswer } from "./dispatch";
import type { EventLog } from "../event-log";
import { type JobStub, allocationStub, childStub, jobStub } from "./job-views";
import type { Capability, NomadEvent, NomadToken } from "./types";

/** What the API sees of a request. */
export interface NomadRequest {
  readonly method: string;
  readonly url: URL;
  /** ACL token, from either header. */
  readonly token: string | null;
  readonly body: string;
}

/**
 * Nomad's HTTP API as far as this system and its operators use it: dispatch, list, read, stop, purge.
 * @throws NomadRefusal
 */
export class NomadApi {
  readonly #cluster: Cluster;
  readonly #tokens: readonly NomadToken[];
  readonly #events: EventLog<NomadEvent>;

  constructor(cluster: Cluster, tokens: readonly NomadToken[], events: EventLog<NomadEvent>) {
    this.#cluster = cluster;
    this.#tokens = tokens;
    this.#events = events;
  }

  answer(request: NomadRequest): NomadAnswer {
    const path = decodeURIComponent(request.url.pathname);
    if (path === "/v1/jobs") return this.#list(request);
    if (path === "/v1/acl/token/self") return this.#self(request);
    const job = /^\/v1\/job\/(.+)$/.exec(path)?.[1];
    if (job === undefined) throw new NomadRefusal(404, "404 page not found");
    if (job.endsWith("/dispatch")) return this.#dispatch(request, job.slice(0, -"/dispatch".length));
    if (job.endsWith("/allocations")) return this.#allocations(request, job.slice(0, -"/allocations".length));
    return this.#job(request, job);
  }

  #dispatch(request: NomadRequest, jobId: string): NomadAnswer {
    if (request.method !== "POST" && request.method !== "PUT") throw new NomadRefusal(405, "Invalid method");
    try {
      const body = decodeDispatch(request.body);
      if (body.jobId !== "" && body.jobId !== jobId) throw new NomadRefusal(400, "Job ID does not match");
      this.#allow(request, "dispatch-job");
      const token = request.url.searchParams.get("idempotency_token");
      const done = dispatch(this.#cluster, jobId, body, token === "" ? null : token);
      const { child, duplicate } = done;
      this.#events.emit({ type: "dispatch.accepted", child: child.id, token: child.token, duplicate });
      void this.#cluster.schedule();
      return { status: 200, body: dispatchAnswer(child, duplicate) };
    } catch (error) {
      if (error instanceof NomadRefusal) {
        this.#events.emit({
          type: "dispatch.refused",
          job: jobId,
          status: error.status,
          text: error.message,
        });
      }
      throw error;
    }
  }

  #list(request: NomadRequest): NomadAnswer {
    if (request.method !== "GET") throw new NomadRefusal(405, "Invalid method");
    this.#allow(request, "list-jobs");
    const prefix = request.url.searchParams.get("prefix") ?? "";
    const { jobs, children } = this.#cluster;
    const listed = [
      ...[...jobs.values()].map((job) => this.#stub(job.id)),
      ...[...children.values()].map(childStub),
    ];
    const body = new Map(
      listed.flatMap((stub) => (stub?.ID.startsWith(prefix) === true ? [[stub.ID, stub]] : [])),
    );
    return { status: 200, body: [...body.values()].sort((a, b) => (a.ID < b.ID ? -1 : 1)) };
  }

  #job(request: NomadRequest, id: string): NomadAnswer {
    if (request.method === "DELETE") return this.#deregister(request, id);
    if (request.method !== "GET") throw new NomadRefusal(405, "Invalid method");
    this.#allow(request, "read-job");
    const stub = this.#stub(id);
    if (stub === undefined) throw new NomadRefusal(404, "job not found");
    const { parameterized = null, periodic = false } = this.#cluster.jobs.get(id) ?? {};
    const ParameterizedJob = parameterized && { Payload: parameterized.payload };
    // Whoever may read a job reads its payload, and in it the claim.
    const Payload = this.#cluster.children.get(id)?.payload.toString("base64") ?? null;
    const Periodic = periodic ? { Enabled: true } : null;
    return { status: 200, body: { ...stub, ParameterizedJob, Periodic, Payload } };
  }

  /** Stopping takes any of three capabilities, purging one of two. A job that is not there is no mistake. */
  #deregister(request: NomadRequest, id: string): NomadAnswer {
    const purge = request.url.searchParams.get("purge") === "true";
    this.#allow(request, "submit-job", "purge-job", ...(purge ? [] : (["deregister-job"] as const)));
    // Nothing is placed of a parameterized or periodic job, so there is nothing to evaluate.
    const { parameterized = null, periodic = false } = this.#cluster.jobs.get(id) ?? {};
    const evaluated = parameterized === null && !periodic;
    const found = this.#cluster.deregister(id, purge);
    const index = found ? this.#cluster.nextIndex() : 0;
    const body = {
      EvalCreateIndex: index,
      EvalID: found && evaluated ? randomUUID() : "",
      Index: index,
      JobModifyIndex: index,
      KnownLeader: false,
      LastContact: 0,
      NextToken: "",
      VolumeEvalID: "",
      VolumeEvalIndex: 0,
    };
    return { status: 200, body };
  }

  #allocations(request: NomadRequest, id: string): NomadAnswer {
    if (request.method !== "GET") throw new NomadRefusal(405, "Invalid method");
    this.#allow(request, "read-job");
    const child = this.#cluster.children.get(id);
    return { status: 200, body: child?.allocations.map((it) => allocationStub(child, it)) ?? [] };
  }

  /** Who the token is. An unknown one is refused; none is "anonymous". */
  #self(request: NomadRequest): NomadAnswer {
    if (request.token === null) return { status: 200, body: { Name: "Anonymous Token", Type: "client" } };
    const known = this.#tokens.findIndex(({ secret }) => secret === request.token);
    if (known < 0) throw new NomadRefusal(403, "Permission denied");
    const Name = this.#tokens[known]?.name ?? `token ${String(known)}`;
    return { status: 200, body: { Name, Type: "client" } };
  }

  #stub(id: string): JobStub | undefined {
    const child = this.#cluster.children.get(id);
    if (child !== undefined) return childStub(child);
    const job = this.#cluster.jobs.get(id);
    return job && jobStub(job);
  }

  /** A token counts in the namespace "default" only. */
  #allow(request: NomadRequest, ...anyOf: readonly Capability[]): void {
    const namespace = request.url.searchParams.get("namespace") ?? "default";
    const token = this.#tokens.find(({ secret }) => secret === request.token);
    if (namespace !== "default" || token?.capabilities.some((it) => anyOf.includes(it)) !== true) {
      throw new NomadRefusal(403, "Permission denied");
    }
  }
}
