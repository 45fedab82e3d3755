import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { asRecord, asText } from "./envelope";
import { type CloudflareState, timestamp } from "./state";
import { decodeTunnelToken } from "./tunnel-token";
import type { Tunnel } from "./types";

/** Where connectors register, under the edge's own address. */
export const CONNECTORS_PATH = "/_connectors";

/** A connector that is up: it is so for as long as its connection is open. */
export interface Connection {
  readonly id: string;
  readonly tunnelId: string;
  readonly version: string;
  readonly openedAt: string;
  draining: boolean;
  inFlight: number;
  readonly close: () => void;
}

/** The connectors of all tunnels, and the calls by which they come and go. */
export class Connectors {
  readonly #state: CloudflareState;
  readonly #connections = new Set<Connection>();
  readonly #idle = new Set<() => void>();
  #turn = 0;

  constructor(state: CloudflareState) {
    this.#state = state;
  }

  of(tunnelId: string): readonly Connection[] {
    return [...this.#connections].filter((it) => it.tunnelId === tunnelId);
  }

  /** Runs one request through a connector that takes new ones, each in its turn; null when there is none. */
  async through<T>(tunnelId: string, work: () => Promise<T>): Promise<T | null> {
    const taking = this.of(tunnelId).filter((it) => !it.draining);
    const connection = taking[this.#turn++ % Math.max(1, taking.length)];
    if (connection === undefined) return null;
    connection.inFlight += 1;
    try {
      return await work();
    } finally {
      connection.inFlight -= 1;
      for (const look of [...this.#idle]) look();
    }
  }

  /** Answers a connector: `POST /_connectors` stays open while it is up, `POST /_connectors/<id>/drain` ends when no
   *  request is on its way through it. */
  async handle(request: Request, path: string, bindings: HttpBindings): Promise<Response> {
    const tunnel = this.#authenticate(request);
    if (tunnel === null)
      return Response.json({ error: "Unauthorized: Invalid tunnel secret" }, { status: 401 });
    const draining = /^\/_connectors\/([0-9a-f-]{36})\/drain$/.exec(path)?.[1];
    if (draining !== undefined) return this.#drain(tunnel, draining);
    if (path !== CONNECTORS_PATH || request.method !== "POST") return new Response(null, { status: 404 });
    return this.#register(tunnel, asRecord(await request.json().catch(() => null)) ?? {}, bindings);
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.close();
  }

  #authenticate(request: Request): Tunnel | null {
    const bearer = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    const token = decodeTunnelToken(bearer ?? "");
    const tunnel = this.#state.tunnels.get(token?.t ?? "");
    if (token === null || tunnel === undefined || tunnel.deletedAt !== null) return null;
    return token.a === this.#state.accountId && token.s === tunnel.secret ? tunnel : null;
  }

  #register(tunnel: Tunnel, body: Readonly<Record<string, unknown>>, { outgoing }: HttpBindings): Response {
    const id = asText(body["connectorId"]);
    if (id === null) return Response.json({ error: "connectorId is missing" }, { status: 400 });
    const connection: Connection = {
      id,
      tunnelId: tunnel.id,
      version: asText(body["version"]) ?? "unknown",
      openedAt: timestamp(),
      draining: false,
      inFlight: 0,
      close: () => {
        outgoing.destroy();
      },
    };
    this.#connections.add(connection);
    tunnel.activeAt = connection.openedAt;
    tunnel.inactiveAt = null;
    outgoing.once("close", () => {
      this.#connections.delete(connection);
      if (this.of(tunnel.id).length === 0) tunnel.inactiveAt = timestamp();
      this.#state.events.emit({ type: "connector", tunnelId: tunnel.id, state: "down" });
    });
    outgoing.writeHead(200, { "content-type": "application/x-ndjson" });
    outgoing.write('{"registered":true}\n');
    this.#state.events.emit({ type: "connector", tunnelId: tunnel.id, state: "up" });
    return RESPONSE_ALREADY_SENT;
  }

  async #drain(tunnel: Tunnel, id: string): Promise<Response> {
    const connection = this.of(tunnel.id).find((it) => it.id === id);
    if (connection === undefined) return new Response(null, { status: 404 });
    connection.draining = true;
    this.#state.events.emit({ type: "connector", tunnelId: tunnel.id, state: "draining" });
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (connection.inFlight > 0) return;
        this.#idle.delete(look);
        resolve();
      };
      this.#idle.add(look);
      look();
    });
    return Response.json({ drained: true });
  }
}
