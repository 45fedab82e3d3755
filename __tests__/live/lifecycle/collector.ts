import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Piece } from "./secret-search";

/** What an API said to the probe. */
export interface ApiAnswer {
  readonly api: string;
  /** Address and port, or the socket. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  /** Whether one of the tokens that were found was shown. */
  readonly token: boolean;
  /** 0: nobody answered. */
  readonly status: number;
  /** Whether the answer says nothing, such as `[]`. */
  readonly empty: boolean;
}

/** The end of a probe. */
export interface ProbeReport {
  readonly counts: Readonly<Record<"files" | "bytes" | "unreadable" | "skipped" | "processes", number>>;
  /** How many texts that look like one were found and shown. */
  readonly tokens: number;
  readonly answers: readonly ApiAnswer[];
}

/** Takes what a probe finds. It is kept in memory and goes nowhere else. */
export interface Collector {
  readonly url: string;
  readonly pieces: readonly Piece[];
  report(): ProbeReport | null;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const pieces: Piece[] = [];
  let report: ProbeReport | null = null;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      if (url.pathname === "/report") report = JSON.parse(bytes.toString("utf8")) as ProbeReport;
      else pieces.push({ source: url.searchParams.get("source") ?? "", bytes });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    pieces,
    report: () => report,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
