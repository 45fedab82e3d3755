import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { makeRunnerRoot } from "../../../local/runner/root";

/** A runner's archive as a release has it, on loopback. */
export interface RunnerArchive {
  readonly url: string;
  /** Hex. */
  readonly sha256: string;
  /** How often it was fetched. */
  fetches(): number;
  close(): Promise<void>;
}

/** Packs the stand-in of the runner and serves it. @param directory is made, and removed at the end */
export async function serveRunnerArchive(directory: string): Promise<RunnerArchive> {
  await makeRunnerRoot(directory);
  // A link has no target in a chroot, and this one's would be a hundred megabytes.
  const node = join(directory, "externals", "node20", "bin", "node");
  await rm(node);
  await writeFile(node, `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
  await chmod(node, 0o755);
  const file = `${directory}.tar.gz`;
  const packed = spawnSync("tar", ["-C", directory, "-czf", file, "bin", "externals"], { timeout: 30_000 });
  if (packed.status !== 0) throw new Error(`tar does not pack the runner: ${String(packed.stderr)}`);
  const bytes = await readFile(file);
  let fetches = 0;
  const server: Server = createServer((request, response) => {
    if (request.method === "GET") fetches += 1;
    response.writeHead(200, { "Content-Type": "application/gzip", "Content-Length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/actions-runner-linux.tar.gz`,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    fetches: () => fetches,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
      for (const made of [directory, file]) await rm(made, { recursive: true, force: true });
    },
  };
}
