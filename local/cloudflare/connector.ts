/**
 * Plays `cloudflared tunnel run` for the Cloudflare stand-in, with cloudflared's own flags and environment, so that a job
 * written for the one runs the other. The stand-in's address comes from STAND_IN_EDGE. A single file without imports
 * of ours: it is made into a program as it stands.
 * @see https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/configure-tunnels/run-parameters/
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";

/** Flags with a value, and their variables. */
const VALUE_FLAGS: Readonly<Record<string, string>> = {
  "--token": "TUNNEL_TOKEN",
  "--token-file": "TUNNEL_TOKEN_FILE",
  "--metrics": "TUNNEL_METRICS",
  "--grace-period": "TUNNEL_GRACE_PERIOD",
  "--loglevel": "TUNNEL_LOGLEVEL",
  "--protocol": "TUNNEL_TRANSPORT_PROTOCOL",
};
const SWITCHES = ["--no-autoupdate"];
const MAX_GRACE_MS = 3 * 60_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 4_000;
const VERSION = "stand-in";

interface Settings {
  readonly edge: URL;
  readonly token: string;
  readonly tunnelId: string;
  readonly metrics: { readonly host: string; readonly port: number };
  readonly graceMs: number;
}

class UsageError extends Error {}

/** `[flags] tunnel [flags] run [flags]`; a flag goes before its variable, and a token before a token's file. */
function settings(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const given: Record<string, string | undefined> = { ...env };
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const [name = "", inline] = (argv[index] ?? "").split(/=(.*)/s, 2);
    const variable = VALUE_FLAGS[name];
    if (variable !== undefined) given[variable] = inline ?? argv[(index += 1)];
    else if (!name.startsWith("-")) words.push(name);
    else if (!SWITCHES.includes(name)) throw new UsageError(`flag provided but not defined: ${name}`);
  }
  if (words.join(" ") !== "tunnel run") {
    throw new UsageError(`expected the command "tunnel run", got "${words.join(" ")}"`);
  }
  const edge = given["STAND_IN_EDGE"] ?? "";
  if (!/^http:\/\/\S+$/.test(edge)) {
    throw new UsageError(`STAND_IN_EDGE must be the stand-in's http origin, got "${edge}"`);
  }
  const token = tokenOf(given["TUNNEL_TOKEN"] ?? "", given["TUNNEL_TOKEN_FILE"] ?? "");
  return {
    edge: new URL(edge),
    token,
    tunnelId: tunnelOf(token),
    metrics: addressOf(given["TUNNEL_METRICS"] ?? "127.0.0.1:0"),
    graceMs: durationOf(given["TUNNEL_GRACE_PERIOD"] ?? "30s"),
  };
}

function tokenOf(text: string, file: string): string {
  if (text !== "" || file === "") return text;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UsageError(`Failed to read token file: ${String(error)}`);
  }
}

/** Never shows the token: it is a secret. */
function tunnelOf(token: string): string {
  try {
    const read = JSON.parse(Buffer.from(token, "base64").toString("utf8")) as Record<string, unknown>;
    const { a, t, s } = read as Record<"a" | "t" | "s", unknown>;
    if (typeof a === "string" && typeof t === "string" && typeof s === "string") return t;
  } catch {
    // Told below, without the text.
  }
  throw new UsageError("Provided Tunnel token is not valid.");
}

function addressOf(text: string): Settings["metrics"] {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (port === "") throw new UsageError(`metrics must be host:port, got "${text}"`);
  return { host: host === "" ? "0.0.0.0" : host, port: Number(port) };
}

/** A duration as Go writes it, of at most three minutes. */
function durationOf(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    throw new UsageError(`grace-period must be a duration such as 30s, got "${text}"`);
  }
  let sum = 0;
  for (const [, amount = "0", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (units[unit] ?? 0);
  }
  if (sum > MAX_GRACE_MS) throw new UsageError(`grace-period must be equal or less than 3m0s, got ${text}`);
  return sum;
}

function log(level: "INF" | "WRN" | "ERR", message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
}

/** Its connection to the edge, and what becomes of it. */
class Connector {
  readonly #settings: Settings;
  readonly #id = randomUUID();
  #connection: http.ClientRequest | null = null;
  #isReady = false;
  #isLeaving = false;
  #retryMs = FIRST_RETRY_MS;

  constructor(given: Settings) {
    this.#settings = given;
  }

  /** Answers on the metrics address as cloudflared does. */
  serve(): void {
    const server = http.createServer((request, response) => {
      if (request.url !== "/ready") {
        response.writeHead(404).end();
        return;
      }
      const status = this.#isReady ? 200 : 503;
      const readyConnections = this.#isReady ? 1 : 0;
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      response.end(JSON.stringify({ status, readyConnections, connectorId: this.#id }));
    });
    const { host, port } = this.#settings.metrics;
    server.once("error", (error) => {
      log("ERR", `Error opening metrics server listener: ${error.message}`);
      process.exit(1);
    });
    server.listen(port, host, () => {
      const address = server.address();
      const taken = typeof address === "object" && address !== null ? address.port : port;
      log("INF", `Starting metrics server on ${host}:${String(taken)}/metrics`);
    });
  }

  /** Registers, and again when the connection is lost. */
  connect(): void {
    const connection = this.#call("/_connectors", (response) => {
      if (response.statusCode !== 200) {
        log("ERR", `Register tunnel error from server side: status ${String(response.statusCode)}`);
        // A token that is refused will be refused again.
        process.exit(1);
      }
      this.#isReady = true;
      this.#retryMs = FIRST_RETRY_MS;
      log("INF", `Registered tunnel connection connIndex=0 tunnelID=${this.#settings.tunnelId}`);
      response.resume();
      response.once("close", () => {
        this.#lost("connection with edge closed");
      });
    });
    connection.once("error", (error) => {
      if (!this.#isReady) this.#lost(error.message);
    });
    connection.end(JSON.stringify({ connectorId: this.#id, version: VERSION }));
    this.#connection = connection;
  }

  /** Takes no new requests, waits for those on their way, at most for the grace period, and ends. */
  leave(): void {
    if (this.#isLeaving) process.exit(0);
    this.#isLeaving = true;
    log("INF", "Initiating graceful shutdown");
    const end = (): void => {
      this.#connection?.destroy();
      log("INF", "Tunnel server stopped");
      process.exit(0);
    };
    if (!this.#isReady) {
      end();
      return;
    }
    setTimeout(end, this.#settings.graceMs);
    const drain = this.#call(`/_connectors/${this.#id}/drain`, (response) => {
      response.resume();
      response.once("close", end);
    });
    drain.once("error", end);
    drain.end();
  }

  #lost(reason: string): void {
    this.#isReady = false;
    if (this.#isLeaving) return;
    log("WRN", `Lost connection with the edge: ${reason}; retrying in ${String(this.#retryMs)} ms`);
    setTimeout(() => {
      if (!this.#isLeaving) this.connect();
    }, this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  #call(path: string, answered: (response: http.IncomingMessage) => void): http.ClientRequest {
    const headers = { authorization: `Bearer ${this.#settings.token}`, "content-type": "application/json" };
    return http.request(
      new URL(path, this.#settings.edge),
      { method: "POST", headers, agent: false },
      answered,
    );
  }
}

try {
  const connector = new Connector(settings(process.argv.slice(2), process.env));
  connector.serve();
  connector.connect();
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      connector.leave();
    });
  }
} catch (error) {
  log("ERR", error instanceof UsageError ? error.message : String(error));
  process.exitCode = 1;
}
