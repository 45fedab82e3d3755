import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as an origin saw it. */
export interface Seen {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What an origin answers; `hang` never answers, `drop` closes the connection. */
export type Reply =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | "hang"
  | "drop";

/** A scripted server on loopback: the test says what it answers, and reads what it was asked. */
export interface Origin {
  readonly url: string;
  readonly seen: Seen[];
  /** Replaced by tests at will. */
  reply: (request: Seen) => Reply | Promise<Reply>;
  close(): Promise<void>;
}

export async function startOrigin(reply: Origin["reply"]): Promise<Origin> {
  const seen: Seen[] = [];
  const origin = { seen, reply } as unknown as { -readonly [K in keyof Origin]: Origin[K] };
  const server = createServer((request, response) => {
    void handle(origin, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin.url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  origin.close = async () => close(server);
  return origin;
}

async function handle(origin: Origin, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  const one: Seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
  origin.seen.push(one);
  const reply = await origin.reply(one);
  if (reply === "hang") return;
  if (reply === "drop") {
    request.socket.destroy();
    return;
  }
  const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {});
  const type = typeof reply.body === "string" ? "text/plain; charset=utf-8" : "application/json";
  response.writeHead(reply.status, { "Content-Type": type, ...reply.headers });
  response.end(reply.status === 204 ? undefined : text);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
