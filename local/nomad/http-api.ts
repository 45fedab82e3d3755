import { NomadRefusal } from "./answer";
import type { NomadAnswer } from "./answer";
import type { Cluster } from "./cluster";
import { decodeDispatch } from "./decode";
import { dispatch, dispatchAnswer } from "./dispatch";
import type { EventLog } from "../event-log";
import type { Capability, Child, NomadEvent, NomadToken } from "./types";

/** What the API sees of a request. */
export interface NomadRequest {
  readonly method: string;
  readonly url: URL;
  /** ACL token, from either header. */
  readonly token: string | null;
  readonly body: string;
}

/**
 * Nomad's HTTP API as far as this system and its operators use it: dispatch, list, read, stop.
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
    const job = /^\/v1\/job\/(.+)$/.exec(path)?.[1];
    if (job === undefined) throw new NomadRefusal(404, "404 page not found");
    if (job.endsWith("/dispatch")) return this.#dispatch(request, job.slice(0, -"/dispatch".length));
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
    this.#allow(request, "list-jobs");
    const prefix = request.url.searchParams.get("prefix") ?? "";
    const jobs = [...this.#cluster.jobs.values()].map((job) => ({
      ID: job.id,
      Stop: job.stopped,
      Status: "running",
    }));
    const children = [...this.#cluster.children.values()].map(stub);
    return { status: 200, body: [...jobs, ...children].filter(({ ID }) => ID.startsWith(prefix)) };
  }

  #job(request: NomadRequest, id: string): NomadAnswer {
    const child = this.#cluster.children.get(id);
    if (request.method === "GET") {
      this.#allow(request, "read-job");
      if (child === undefined) throw new NomadRefusal(404, "job not found");
      // Whoever may read a job reads its payload, and in it the claim.
      return { status: 200, body: { ...stub(child), Payload: child.payload.toString("base64") } };
    }
    if (request.method !== "DELETE") throw new NomadRefusal(405, "Invalid method");
    this.#allow(request, "submit-job");
    if (child !== undefined) this.#cluster.stop(child);
    return { status: 200, body: { EvalID: "", EvalCreateIndex: 0, JobModifyIndex: child?.modifyIndex ?? 0 } };
  }

  /** A token counts in the namespace "default" only. */
  #allow(request: NomadRequest, capability: Capability): void {
    const namespace = request.url.searchParams.get("namespace") ?? "default";
    const token = this.#tokens.find(({ secret }) => secret === request.token);
    if (namespace !== "default" || token?.capabilities.includes(capability) !== true) {
      throw new NomadRefusal(403, "Permission denied");
    }
  }
}

function stub(child: Child): { readonly ID: string } & Record<string, unknown> {
  return {
    ID: child.id,
    ParentID: child.parent,
    Stop: child.stopped,
    Status: child.status,
    Meta: child.meta,
    DispatchIdempotencyToken: child.token ?? "",
  };
}
