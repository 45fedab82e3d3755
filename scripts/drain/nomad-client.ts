import { Agent as PlainAgent, type IncomingMessage, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { NomadConnection } from "./connection";
import { DrainError } from "./drain-error";

/** One call may take so long; a healthy Nomad answers within milliseconds. */
const CALL_MS = 10_000;
/** Requests at once, far below `limits.http_max_conns_per_client` (100), which others may share with us. */
const AT_ONCE = 8;
/** How often a call is made that a moment later may go well: an election, a limit, a broken connection. */
const ATTEMPTS = 4;
const AGAIN_MS = 1_000;

export interface NomadAnswer {
  readonly status: number;
  /** Of JSON, what it says; of anything else, its text. */
  readonly body: unknown;
}

/** A call of Nomad's HTTP API. */
export interface NomadCall {
  readonly method: "GET" | "DELETE";
  /** With its parts percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** Speaks HTTP with Nomad. By Node's own client and not by `fetch`, which takes no certificates. */
export class NomadClient {
  readonly connection: NomadConnection;
  readonly #agent: PlainAgent | TlsAgent;
  readonly #signal: AbortSignal;
  readonly #againMs: number;

  /**
   * @param signal ends every call
   * @param againMs pause before a call is made again
   */
  constructor(connection: NomadConnection, signal: AbortSignal, againMs = AGAIN_MS) {
    this.connection = connection;
    this.#signal = signal;
    this.#againMs = againMs;
    const options = { keepAlive: true, maxSockets: AT_ONCE };
    this.#agent = this.#isTls ? new TlsAgent(options) : new PlainAgent(options);
  }

  get #isTls(): boolean {
    return this.connection.address.startsWith("https:");
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Every call here may be made twice: reading, stopping and purging come to the same.
   * @throws DrainError when there is no answer, or none of Nomad's
   */
  async call(call: NomadCall): Promise<NomadAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#once(call).catch((error: unknown) => {
        this.#signal.throwIfAborted();
        return { code: codeOf(error) };
      });
      const passing =
        "code" in outcome ? isPassing(outcome.code) : outcome.status >= 500 || outcome.status === 429;
      if (!passing || attempt === ATTEMPTS) return this.#understood(outcome);
      await pause(this.#againMs, this.#signal);
    }
  }

  async #once({ method, path, query = {} }: NomadCall): Promise<NomadAnswer> {
    const { address, region, headers, tls } = this.connection;
    const parameters = new URLSearchParams({ ...query, ...(region !== undefined && { region }) });
    const url = `${address}${path}?${parameters.toString()}`;
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_MS)]);
    const options = { method, headers: { ...headers }, agent: this.#agent, signal };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = this.#isTls
        ? tlsRequest(url, { ...options, ...tls }, resolve)
        : plainRequest(url, options, resolve);
      sent.once("error", reject);
      sent.end();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
    return { status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as unknown) : text };
  }

  #understood(outcome: NomadAnswer | { readonly code: string }): NomadAnswer {
    const { address } = this.connection;
    if ("code" in outcome) throw new DrainError(`Nomad at ${address} ${unreachable(outcome.code)}`);
    const { status, body } = outcome;
    if (status >= 300 && status < 400)
      throw new DrainError(
        `${address} redirects (${String(status)}) instead of answering: it is not Nomad, or something stands before it; set NOMAD_ADDR to Nomad's own address`,
      );
    if (typeof body === "string" && /<html|<!doctype/i.test(body))
      throw new DrainError(
        `${address} answers with a web page (${String(status)}): it is not Nomad, or something stands before it; set NOMAD_ADDR to Nomad's own address`,
      );
    return outcome;
  }
}

/** Waits, unless the signal ends it. @throws the signal's reason */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
  signal.throwIfAborted();
}

/** What Node calls a failure of the network or of TLS. */
function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : String(error);
}

const TLS_CODE = /CERT|SIGNATURE|ISSUER|^ERR_TLS/;
const LASTING_CODES = ["ENOTFOUND", "EPROTO", "ERR_INVALID_URL"];

/** Whether it may go well a moment later. */
function isPassing(code: string): boolean {
  return !TLS_CODE.test(code) && !LASTING_CODES.includes(code);
}

function unreachable(code: string): string {
  if (TLS_CODE.test(code))
    return `shows a certificate that is not trusted (${code}): name its authority in NOMAD_CACERT, and its name in NOMAD_TLS_SERVER_NAME where it is not the address's`;
  if (code === "ABORT_ERR") return `did not answer within ${String(CALL_MS / 1_000)} s; is NOMAD_ADDR right?`;
  return `cannot be reached (${code}): does it run, is NOMAD_ADDR right, and is it http or https?`;
}
