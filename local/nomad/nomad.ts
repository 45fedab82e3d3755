import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { EventLog } from "../event-log";
import { Faults, striking } from "../http/faults";
import { serve } from "../http/serve";
import { type NomadAnswer, NomadRefusal } from "./answer";
import { Cluster } from "./cluster";
import { NomadApi } from "./http-api";
import { type Variables, readJobspec } from "./jobspec";
import { NOMAD_OUTAGES } from "./outages";
import type { Child, ChildView, Launcher, NomadEvent, NomadJob, NomadToken } from "./types";

/** A job specification to register, with its variables. */
export interface JobspecSource {
  readonly file: string;
  readonly variables: Variables;
}

/** An Access application in front of Nomad: which service token it lets through, and how it refuses others. */
export interface AccessSpec {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `redirect` where people may log in as well. @default "forbid" */
  readonly refusal?: "redirect" | "forbid";
}

export interface NomadOptions {
  readonly port?: number;
  readonly jobs?: readonly (JobspecSource | NomadJob)[];
  readonly tokens?: readonly NomadToken[];
  /** Allocations at once. @default no limit */
  readonly capacity?: number;
  readonly access?: AccessSpec;
  /** PATH of the tasks. @default this process's own */
  readonly path?: string;
  /** @default - the tasks run as processes of this machine */
  readonly launch?: Launcher;
}

/** Nomad on loopback, as far as this system meets it; its answers are held to recordings of the real one. */
export interface NomadStandIn {
  readonly url: string;
  readonly faults: Faults;
  readonly events: EventLog<NomadEvent>;
  /** Every dispatched child, oldest first. */
  children(): readonly ChildView[];
  /** Starts a child of a periodic job, as its schedule does. @returns its id */
  launch(jobId: string): string;
  /** Stops a child as `nomad job stop` does. */
  stop(childId: string): void;
  /** Kills a child's main task as the kernel does when its memory is used up; poststop tasks run. */
  kill(childId: string): void;
  /** Loses a running child's node for good, with nothing in its stead; no poststop task runs. */
  lose(childId: string): void;
  /** Starts no task any more, saying why, as when an image cannot be pulled; null starts them again. */
  refuseTasks(reason: string | null): void;
  /** Loses a running child's node and places it anew with the same payload. @param keep the lost one runs on */
  replace(childId: string, keep?: boolean): Promise<void>;
  /** Allocations at once from now on. */
  setCapacity(capacity: number): void;
  /** Makes connections be refused until {@link up}. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Kills whatever still runs. */
  close(): Promise<void>;
}

/** Starts the Nomad stand-in on 127.0.0.1. It runs the tasks of dispatched jobs as processes of this machine. */
export async function startNomad(options: NomadOptions = {}): Promise<NomadStandIn> {
  const events = new EventLog<NomadEvent>();
  const faults = new Faults();
  const capacity = options.capacity ?? Number.POSITIVE_INFINITY;
  const { path = process.env["PATH"] ?? "", launch } = options;
  const cluster = new Cluster({ capacity, path, launch }, events);
  for (const source of options.jobs ?? []) {
    const job = "file" in source ? await readJobspec(source.file, source.variables) : source;
    cluster.register(job);
  }
  const app = application(
    new NomadApi(cluster, options.tokens ?? [], events),
    faults,
    options.access,
    events,
  );
  const server = await serve((request, bindings) => app.fetch(request, bindings), options.port);
  const childOf = (id: string): Child => {
    const child = cluster.children.get(id);
    if (child === undefined) throw new Error(`the Nomad stand-in has no child ${id}`);
    return child;
  };
  return {
    url: server.url,
    faults,
    events,
    children: () => [...cluster.children.values()].filter(({ parent }) => parent !== "").map(view),
    launch: (id) => cluster.launch(id),
    stop: (id) => {
      cluster.stop(childOf(id));
    },
    kill: (id) => {
      cluster.kill(childOf(id));
    },
    lose: (id) => {
      cluster.lose(childOf(id));
    },
    refuseTasks: (reason) => {
      cluster.refuseTasks(reason);
    },
    replace: (id, keep = false) => cluster.replace(childOf(id), keep),
    setCapacity: (limit) => {
      cluster.setCapacity(limit);
    },
    down: async () => {
      await server.pause();
      events.emit({ type: "down" });
    },
    up: async () => {
      await server.resume();
      events.emit({ type: "up" });
    },
    close: async () => {
      await server.close();
      await cluster.close();
    },
  };
}

function application(
  api: NomadApi,
  faults: Faults,
  access: AccessSpec | undefined,
  events: EventLog<NomadEvent>,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(striking(faults));
  app.all("*", async (context) => {
    const { req } = context;
    if (access !== undefined && !isLetThrough(access, req.raw.headers)) {
      events.emit({ type: "access.refused" });
      const { status, headers, body } =
        access.refusal === "redirect" ? NOMAD_OUTAGES.accessRedirect : NOMAD_OUTAGES.accessForbidden;
      return new Response(body, { status, headers });
    }
    const bearer = /^Bearer +(.+)$/i.exec(req.header("authorization") ?? "")?.[1];
    const token = req.header("x-nomad-token") ?? bearer ?? null;
    const body = await req.text();
    try {
      return toResponse(api.answer({ method: req.method, url: new URL(req.url), token, body }));
    } catch (error) {
      if (!(error instanceof NomadRefusal)) throw error;
      return toResponse({ status: error.status, body: error.message });
    }
  });
  return app;
}

function isLetThrough(access: AccessSpec, headers: Headers): boolean {
  return (
    headers.get("cf-access-client-id") === access.clientId &&
    headers.get("cf-access-client-secret") === access.clientSecret
  );
}

function toResponse(answer: NomadAnswer): Response {
  const { status, body } = answer;
  if (typeof body === "string") {
    return new Response(body, { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
  }
  const index = (body as { Index?: number }).Index;
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (index !== undefined) headers["X-Nomad-Index"] = String(index);
  return new Response(JSON.stringify(body), { status, headers });
}

function view(child: Child): ChildView {
  const { id, parent, token, meta, payload, status, stopped, allocations } = child;
  return {
    id,
    parent,
    token,
    meta,
    payload: payload.toString("utf8"),
    status,
    stopped,
    allocations: structuredClone(allocations),
  };
}
