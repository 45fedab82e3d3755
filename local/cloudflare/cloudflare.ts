import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpBindings } from "@hono/node-server";
import type { EventLog } from "../event-log";
import { Faults } from "../http/faults";
import { type LoopbackServer, serve } from "../http/serve";
import type { Database } from "../worker/database";
import { AccessJwt } from "./access-jwt";
import { API_PATH, cloudflareApi } from "./api";
import { CONNECTORS_PATH, Connectors } from "./connectors";
import type { Measure } from "./d1-routes";
import { DeployedWorkers } from "./deployed-workers";
import { Edge } from "./edge";
import { isLoopback } from "./forward";
import { type Gate, type GateRule, Gates } from "./gate";
import type { Outside } from "./network";
import { CloudflareState, hexId } from "./state";
import type { CloudflareEvent, Item } from "./types";

export interface CloudflareOptions {
  /** @default a free one */
  readonly apiPort?: number;
  /** @default a free one */
  readonly edgePort?: number;
  /** 32 hex digits. @default random */
  readonly accountId?: string;
  /** What the provider calls with; it wants 40 characters of `[A-Za-z0-9_-]`. @default random */
  readonly apiToken?: string;
  /** The one zone of the account. @default example.com with a random id */
  readonly zone?: { readonly id?: string; readonly name: string };
  /** `<team>` of `<team>.cloudflareaccess.com`. @default "stand-in" */
  readonly teamName?: string;
  /** How often every schedule of a script fires, in seconds, whatever its expression says; 0 is never. @default 60 */
  readonly sweepSeconds?: number;
  /** Secrets Store: `<store id>/<secret name>` to the value. @default empty */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Origins that Workers and tunnels may call besides loopback, each with the loopback origin that answers.
   *  @default none */
  readonly outside?: Outside;
}

/** Cloudflare on loopback: the API for Terraform and the edge for everybody else. */
export interface CloudflareStandIn {
  /** `CLOUDFLARE_BASE_URL`. */
  readonly apiUrl: string;
  /** `CLOUDFLARE_API_TOKEN`. */
  readonly apiToken: string;
  /** Where the zone is served: the `Host` header chooses. Also where connectors register. */
  readonly edgeUrl: string;
  readonly accountId: string;
  readonly zone: { readonly id: string; readonly name: string };
  readonly teamName: string;
  /** What goes wrong with calls of the API. */
  readonly faults: Faults;
  readonly events: EventLog<CloudflareEvent>;
  /** Holds the next call of the API that matches, before anything is done, until it is opened. */
  gate(rule: GateRule): Gate;
  /** All that exists; empty after a destroy that left nothing. */
  inventory(): readonly Item[];
  /** Connectors that are up, of one tunnel or of all. */
  connectors(tunnelId?: string): number;
  /** What Workers and tunnels wrote so far. */
  workerLogs(): readonly string[];
  /** The first D1 database that a script has bound. @throws Error when it has none, or is not deployed */
  ledger(scriptName: string): Promise<Database>;
  /** Fires every schedule of a script once, to its end. @throws Error when the Worker threw, or has no schedule */
  sweep(scriptName: string): Promise<void>;
  close(): Promise<void>;
}

const TOKEN_BYTES = 30;

/** Starts the Cloudflare stand-in on 127.0.0.1. Databases lie in a temporary directory, all else is in memory. */
export async function startCloudflare(options: CloudflareOptions = {}): Promise<CloudflareStandIn> {
  const { zone = { name: "example.com" }, teamName = "stand-in", secrets = {} } = options;
  const state = new CloudflareState(
    options.accountId ?? hexId(),
    { id: zone.id ?? hexId(), name: zone.name },
    teamName,
    secrets,
  );
  const apiToken = options.apiToken ?? randomBytes(TOKEN_BYTES).toString("base64url");
  const directory = await mkdtemp(join(tmpdir(), "cloudflare-"));
  const parts = assemble(state, options, directory);
  const { connectors, workers, edge } = parts;
  const [faults, gates] = [new Faults(), new Gates()];
  const api = cloudflareApi({
    state,
    apiToken,
    connectors,
    workers,
    measure: measure(workers),
    faults,
    gates,
  });
  const apiServer = await serve((request, bindings) => api.fetch(request, bindings), options.apiPort);
  const edgeServer = await serve(
    (request, bindings) => answer(edge, connectors, request, bindings),
    options.edgePort,
  );
  return {
    apiUrl: apiServer.url + API_PATH,
    apiToken,
    edgeUrl: edgeServer.url,
    accountId: state.accountId,
    zone: state.zone,
    teamName,
    faults,
    events: state.events,
    gate: (rule) => gates.add(rule),
    inventory: () => state.inventory(),
    connectors: (tunnelId) =>
      [...state.tunnels.keys()]
        .filter((id) => tunnelId === undefined || id === tunnelId)
        .reduce((sum, id) => sum + connectors.of(id).length, 0),
    workerLogs: () => parts.lines,
    ledger: (name) => workers.ledger(name),
    sweep: async (name) => {
      if ((state.schedules.get(name) ?? []).length === 0) throw new Error(`script "${name}" has no schedule`);
      await workers.sweep(name);
    },
    close: () => close(gates, connectors, [apiServer, edgeServer], workers, directory),
  };
}

function assemble(
  state: CloudflareState,
  { sweepSeconds = 60, secrets = {}, outside = {} }: CloudflareOptions,
  directory: string,
): { connectors: Connectors; workers: DeployedWorkers; edge: Edge; lines: readonly string[] } {
  const lines: string[] = [];
  const connectors = new Connectors(state);
  const workers: DeployedWorkers = new DeployedWorkers({
    databaseDir: directory,
    secrets,
    sweepSeconds,
    outbound: (script, request) => edge.fromWorker(script, request),
    schedules: (name) => state.schedules.get(name) ?? [],
    onLine: (script, line) => {
      lines.push(line);
      state.events.emit({ type: "worker", script, line });
    },
  });
  const onLine = (line: string): void => void lines.push(line);
  const edge: Edge = new Edge({ state, connectors, jwt: new AccessJwt(), outside, onLine }, workers);
  return { connectors, workers, edge, lines };
}

/** A hostname of the zone goes to the edge; the listener's own address is where connectors register. */
async function answer(
  edge: Edge,
  connectors: Connectors,
  request: Request,
  bindings: HttpBindings,
): Promise<Response> {
  const url = new URL(
    bindings.incoming.url ?? "/",
    `https://${bindings.incoming.headers.host ?? "localhost"}`,
  );
  if (isLoopback(url.hostname)) {
    return url.pathname.startsWith(CONNECTORS_PATH)
      ? connectors.handle(request, url.pathname, bindings)
      : new Response("The Host header chooses a hostname of the zone.\n", { status: 404 });
  }
  url.port = "";
  const body = new Uint8Array(await request.arrayBuffer());
  return edge.fromInternet({
    method: request.method,
    url,
    headers: new Headers(request.headers),
    body: body.byteLength === 0 ? null : body,
  });
}

function measure(workers: DeployedWorkers): Measure {
  return async (id) => {
    const database = await workers.database(id);
    if (database === null) return null;
    const { results, meta } = await database
      .prepare(
        "SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .all<{ tables: number }>();
    return { tables: results[0]?.tables ?? 0, bytes: meta.size_after };
  };
}

async function close(
  gates: Gates,
  connectors: Connectors,
  servers: readonly LoopbackServer[],
  workers: DeployedWorkers,
  directory: string,
): Promise<void> {
  gates.openAll();
  connectors.closeAll();
  await Promise.all(servers.map((server) => server.close()));
  await workers.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
