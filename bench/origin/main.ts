import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answering } from "../child";
import { sharedNow } from "../clock";

/** A dispatch as it arrived. */
export interface SeenDispatch {
  /** `idempotency_token`. */
  readonly token: string;
  /** When its head arrived, on the clock of {@link sharedNow}. */
  readonly at: number;
  readonly claim: string;
}

/** `begin` forgets what was seen; `seen` tells it. */
export type OriginQuestion = "begin" | "seen";

export interface OriginAnswer {
  readonly port: number;
  readonly dispatches: readonly SeenDispatch[];
  /** Registrations asked for. */
  readonly registrations: number;
}

/** Nomad and GitHub in one process: the same answers as their stand-ins give, at the least cost. */
let dispatches: SeenDispatch[] = [];
let registrations = 0;
let runnerId = 100;

const server = createServer((request, response) => {
  const at = sharedNow();
  void read(request).then((body) => {
    reply(request, response, body, at);
  });
});

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function reply(request: IncomingMessage, response: ServerResponse, body: string, at: number): void {
  const url = request.url ?? "";
  if (url.includes("/dispatch?")) {
    dispatches.push({ token: tokenOf(url), at, claim: claimOf(body) });
    answer(response, 200, DISPATCHED);
  } else if (url.endsWith("/generate-jitconfig")) {
    registrations += 1;
    answer(response, 201, registered(body));
  } else if (request.method === "DELETE") {
    response.writeHead(204).end();
  } else if (url.includes("/actions/runners?")) {
    answer(response, 200, '{"total_count":0,"runners":[]}');
  } else {
    answer(response, 404, '{"message":"Not Found"}');
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) })
    .end(text);
}

const DISPATCHED = JSON.stringify({
  DispatchedJobID: "github-runner-linux/dispatch-example-1001-1795238030-0ddb2c9c",
  EvalID: "f7ea5880-88b0-b0b3-99f4-d2d910615439",
  EvalCreateIndex: 7,
  JobCreateIndex: 7,
  Index: 7,
});

function registered(body: string): string {
  const { name } = JSON.parse(body) as { name: string };
  runnerId += 1;
  const runner = { id: runnerId, name, os: "unknown", status: "offline", busy: false, labels: [] };
  // Some 5 KB, as GitHub's are.
  return JSON.stringify({ runner, encoded_jit_config: Buffer.alloc(3_750, name).toString("base64") });
}

function tokenOf(url: string): string {
  return new URL(url, "http://nomad").searchParams.get("idempotency_token") ?? "";
}

function claimOf(body: string): string {
  const { Payload: payload } = JSON.parse(body) as { readonly Payload?: string };
  const { claim } = JSON.parse(Buffer.from(payload ?? "e30=", "base64").toString()) as { claim?: string };
  return claim ?? "";
}

const listening = new Promise<number>((resolve) => {
  server.listen(0, "127.0.0.1", () => {
    resolve((server.address() as AddressInfo).port);
  });
});

answering(async (question: OriginQuestion): Promise<OriginAnswer> => {
  const port = await listening;
  if (question === "begin") {
    dispatches = [];
    registrations = 0;
  }
  return { port, dispatches, registrations };
});
