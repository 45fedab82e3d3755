import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** Finds a free port on loopback. Another process may take it before it is used; the caller then fails loudly. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}
