import { createHmac } from "node:crypto";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { drive } from "../../bench/load/drive";
import { type DeliveryPlan, requestsOf } from "../../bench/load/requests";
import { parseResponse } from "../../bench/load/response";

const head = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"));

describe("a response", () => {
  const whole = head("HTTP/1.1 202 Accepted\nContent-Length: 5\nDate: now\n\nfirst");

  it("is read with its body, and what comes after it is left", () => {
    const received = Buffer.concat([whole, head("HTTP/1.1 200 OK\n")]);
    expect(parseResponse(received)).toEqual({ status: 202, body: "first", length: whole.length });
  });

  it("is not there before its last byte", () => {
    for (let bytes = 0; bytes < whole.length; bytes++)
      expect(parseResponse(whole.subarray(0, bytes))).toBeNull();
  });

  it("has no body when its status says so", () => {
    const empty = head("HTTP/1.1 204 No Content\n\n");
    expect(parseResponse(empty)).toEqual({ status: 204, body: "", length: empty.length });
  });

  it.each([
    ["HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "status 200 has no Content-Length"],
    ["SSH-2.0\n\n", "does not begin as HTTP/1.1 does"],
  ])("of another kind is an error: %j", (text, message) => {
    expect(() => parseResponse(head(text))).toThrow(message);
  });
});

interface Seen {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A server that answers each request as told, and keeps what it saw. */
async function withServer<T>(
  answer: (seen: Seen, count: number) => { readonly status: number; readonly close?: boolean },
  work: (port: number, seen: readonly Seen[]) => Promise<T>,
): Promise<T> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const { status, close = false } = answer(one, seen.length);
      response.writeHead(status, { "Content-Length": 2, ...(close && { Connection: "close" }) }).end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work((server.address() as AddressInfo).port, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const PLAN: DeliveryPlan = {
  kind: "delivery",
  action: "queued",
  jobs: [1, 2, 3, 1, 1],
  repositories: 2,
  labels: ["self-hosted", "linux"],
  secret: "a secret",
};

describe("a load", () => {
  it.each([1, 3])(
    "sends every request once over %d connections and tells each answer in its place",
    async (connections) => {
      await withServer(
        ({ body }) => ({
          status: 200 + (JSON.parse(body) as { workflow_job: { id: number } }).workflow_job.id,
        }),
        async (port, seen) => {
          const driven = await drive({ port, connections, pauseMs: 0 }, requestsOf(PLAN));
          expect(driven.statuses).toEqual([201, 202, 203, 201, 201]);
          expect(driven.milliseconds.every((ms) => ms > 0 && ms <= driven.wallMs)).toBe(true);
          expect(driven.sentAt).toHaveLength(5);
          expect(driven.lastBody).toBe("ok");
          expect(seen).toHaveLength(5);
        },
      );
    },
  );

  it("pauses between an answer and the next request when told to", async () => {
    await withServer(
      () => ({ status: 200 }),
      async (port) => {
        const { sentAt } = await drive({ port, connections: 1, pauseMs: 30 }, requestsOf(PLAN));
        const gaps = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? NaN));
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(29);
      },
    );
  });

  it("opens another connection where the server has closed one between requests", async () => {
    await withServer(
      (_, count) => ({ status: 200, close: count === 2 }),
      async (port) => {
        const { statuses } = await drive({ port, connections: 1, pauseMs: 20 }, requestsOf(PLAN));
        expect(statuses).toEqual([200, 200, 200, 200, 200]);
      },
    );
  });

  it("sends a request again that met the end of a connection on its way, and no second time", async () => {
    let count = 0;
    const server = createServer((request, response) => {
      count += 1;
      if (count === 2) request.socket.resetAndDestroy();
      else request.on("end", () => response.writeHead(200, { "Content-Length": 2 }).end("ok")).resume();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { statuses } = await drive({ port, connections: 1, pauseMs: 0 }, requestsOf(PLAN));
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(count).toBe(6);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("fails when the connection breaks before an answer", async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await expect(drive({ port, connections: 1, pauseMs: 0 }, requestsOf(PLAN))).rejects.toThrow(
      "ended before the answer",
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it("is signed over its bytes, and a job that comes again carries its GUID again", async () => {
    await withServer(
      () => ({ status: 200 }),
      async (port, seen) => {
        await drive({ port, connections: 1, pauseMs: 0 }, requestsOf(PLAN));
        for (const { headers, body } of seen) {
          const hmac = createHmac("sha256", "a secret").update(body).digest("hex");
          expect(headers["x-hub-signature-256"]).toBe(`sha256=${hmac}`);
        }
        const guids = seen.map(({ headers }) => headers["x-github-delivery"]);
        expect(new Set(guids).size).toBe(3);
        expect([guids[3], guids[4]]).toEqual([guids[0], guids[0]]);
        const repositories = seen.map(
          ({ body }) => (JSON.parse(body) as { repository: { full_name: string } }).repository.full_name,
        );
        expect(new Set(repositories)).toEqual(new Set(["octo-org/service-0", "octo-org/service-1"]));
      },
    );
  });

  it("shows claims as runners do", () => {
    const [request] = requestsOf({ kind: "claim", method: "DELETE", claims: ["a.b"] });
    expect(request?.toString()).toMatch(
      /^DELETE \/runners\/claim HTTP\/1\.1\r\n[^]*Authorization: Bearer a\.b\r\n/,
    );
  });
});
