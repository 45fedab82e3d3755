import http from "node:http";
import https from "node:https";
import { headerPairs } from "../http/headers";
import type { EdgeRequest } from "../worker/runtime";

export interface Target {
  /** http or https. */
  readonly url: URL;
  /** Host header. @default the target's own */
  readonly host?: string;
  readonly tls?: {
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
    readonly ca?: string;
  };
}

const TIMEOUT_MS = 30_000;
const CONNECTION_HEADERS = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const BODILESS = [101, 204, 205, 304];

/**
 * Sends a request on, as it is: no redirect followed, nothing decoded.
 * @throws Error when nobody answers within 30 seconds
 */
export function forward(target: Target, request: EdgeRequest): Promise<Response> {
  const { url } = target;
  const body = request.body ?? new Uint8Array();
  const headers: Record<string, string> = { host: target.host ?? url.host, connection: "close" };
  for (const [name, value] of headerPairs(request.headers)) {
    if (!CONNECTION_HEADERS.has(name)) headers[name] = value;
  }
  if (body.byteLength > 0) headers["content-length"] = String(body.byteLength);
  return new Promise((resolve, reject) => {
    const options = { method: request.method, headers, agent: false, timeout: TIMEOUT_MS, ...target.tls };
    const send = url.protocol === "https:" ? https.request(url, options) : http.request(url, options);
    send.once("timeout", () => send.destroy(new Error(`no answer within ${String(TIMEOUT_MS)} ms`)));
    send.once("error", reject);
    send.once("response", (answer) => {
      read(answer).then(resolve, reject);
    });
    send.end(body);
  });
}

async function read(answer: http.IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const headers = new Headers();
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = answer.rawHeaders.slice(index, index + 2);
    if (!CONNECTION_HEADERS.has(name.toLowerCase())) headers.append(name, value);
  }
  const status = answer.statusCode ?? 502;
  return new Response(BODILESS.includes(status) ? null : Buffer.concat(chunks), { status, headers });
}

/** Whether a host is this machine, and nothing beyond it. */
export function isLoopback(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/.test(hostname);
}
