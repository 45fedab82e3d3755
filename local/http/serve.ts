import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type HttpBindings, createAdaptorServer } from "@hono/node-server";

type Handler = (request: Request, bindings: HttpBindings) => Response | Promise<Response>;

/** A server on loopback. */
export interface LoopbackServer {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Refuses connections and breaks those that are open, until {@link resume}; the port stays the same. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends every connection; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Serves a handler on 127.0.0.1.
 * @param port 0 takes a free one
 */
export async function serve(handler: Handler, port = 0): Promise<LoopbackServer> {
  const server = createAdaptorServer({
    // The types allow HTTP/2; this one is made without, so it is an HTTP/1.1 server.
    fetch: (request, bindings) => handler(request, bindings as HttpBindings),
    hostname: "127.0.0.1",
    // Whoever shares this process keeps Node's own Request and Response.
    overrideGlobalObjects: false,
  }) as Server;
  await listen(server, port);
  const taken = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${String(taken)}`,
    port: taken,
    pause: () => stop(server),
    resume: async () => {
      if (!server.listening) await listen(server, taken);
    },
    close: () => stop(server),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
