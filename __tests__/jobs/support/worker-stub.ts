import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";

/** What the stub says to one request: an answer, or `drop`: it takes the request and closes without a word. */
export type Answer =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | "drop";

/** One request as it came. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The Worker's claim endpoint as far as a runner script can see it: it gives its answers in order, the last one again
 *  and again, and keeps every request. */
export interface WorkerStub {
  readonly claimUrl: string;
  readonly requests: readonly Seen[];
  close(): Promise<void>;
}

/** @param onRequest runs while the client waits for its answer */
export async function workerStub(
  answers: readonly Answer[],
  onRequest: (seen: Seen) => void = () => undefined,
): Promise<WorkerStub> {
  const requests: Seen[] = [];
  const reply = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push(seen);
    onRequest(seen);
    if (answer === undefined || answer === "drop") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      reply(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    claimUrl: `http://127.0.0.1:${String(port)}/runners/claim`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
