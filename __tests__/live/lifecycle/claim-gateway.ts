import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CLAIM_PATH, type ClaimGranted, HOLDER_HEADER, parseClaim } from "../../../contracts/claim";

/** A runner's request on its way to the Worker. */
export interface ClaimCall {
  readonly method: "POST" | "DELETE";
  /** Id of the allocation that shows the claim; empty where it does not say. */
  readonly holder: string;
  /** The claim itself. */
  readonly claim: string;
  /** Job and ordinal that it was made for, as in the runner's name. */
  readonly job: number;
  readonly ordinal: number;
}

/** What stands between runners and the Worker. Each may take its time, and says whether it lets it through. */
export interface Interceptor {
  /** Before the Worker hears of it. */
  arrived(call: ClaimCall): Promise<boolean>;
  /** The Worker has answered. @param granted null unless the claim was granted */
  answered(call: ClaimCall, status: number, granted: ClaimGranted | null): Promise<boolean>;
}

export interface ClaimGateway {
  /** The Worker's `PUBLIC_URL`: its claims are shown here. */
  readonly url: string;
  /** Where the Worker itself is. */
  lead(worker: string): void;
  /** Puts something in its way from now on. @default everything passes */
  intercept(interceptor: Interceptor): void;
  close(): Promise<void>;
}

const OPEN: Interceptor = { arrived: () => Promise.resolve(true), answered: () => Promise.resolve(true) };
const ASK_MS = 60_000;

/** Serves what the Worker serves to runners, by way of an interceptor. What is not let through is lost: the connection
 *  breaks. */
export async function startClaimGateway(): Promise<ClaimGateway> {
  let worker = "";
  let interceptor = OPEN;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = callOf(request);
    const lose = (): void => {
      // 502 ends a runner's asking at once, so that nobody waits until it gives up. It is what an edge says of a Worker
      // that it does not reach.
      if (call.method === "DELETE") response.writeHead(502).end();
      else request.socket.destroy();
    };
    if (!(await interceptor.arrived(call))) {
      lose();
      return;
    }
    const answer = await fetch(worker + (request.url ?? ""), {
      method: call.method,
      headers: headersOf(request),
      signal: AbortSignal.timeout(ASK_MS),
    });
    const body = await answer.text();
    const granted = answer.status === 201 ? (JSON.parse(body) as ClaimGranted) : null;
    if (await interceptor.answered(call, answer.status, granted)) {
      const retry = answer.headers.get("Retry-After");
      const headers = { "Content-Type": answer.headers.get("Content-Type") ?? "text/plain" };
      response.writeHead(answer.status, retry === null ? headers : { ...headers, "Retry-After": retry });
      response.end(body);
    } else {
      lose();
    }
  };
  const server = createServer((request, response) => {
    request.resume();
    serve(request, response).catch(() => {
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    lead: (url) => {
      worker = url;
    },
    intercept: (given) => {
      interceptor = given;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** @throws Error when it is no runner's request */
function callOf(request: IncomingMessage): ClaimCall {
  const { method, url, headers } = request;
  const claim = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  const text = Buffer.from(claim.split(".", 1).join(""), "base64url").toString("utf8");
  const parsed = parseClaim(JSON.parse(text));
  if ((method !== "POST" && method !== "DELETE") || url !== CLAIM_PATH || parsed === null)
    throw new Error(`${String(method)} ${String(url)} is no runner's request`);
  const holder = headers[HOLDER_HEADER.toLowerCase()];
  return {
    method,
    holder: typeof holder === "string" ? holder : "",
    claim,
    job: parsed.job,
    ordinal: parsed.ordinal,
  };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const dropped = ["host", "connection", "content-length", "transfer-encoding"];
  const kept = Object.entries(headers).filter(([name]) => !dropped.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
