import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { installProgram } from "./install";

const PROGRAMS = {
  "listener.ts": "Runner.Listener",
  "worker.ts": "Runner.Worker",
  "protocol.ts": "protocol.js",
};

/**
 * Lays out a directory as an unpacked runner: `bin/Runner.Listener` and `bin/Runner.Worker` are the stand-ins beside this
 * file as executable Node programs, and `externals/` has the Node that every real runner ships.
 * @param directory is made; what is in it is replaced
 */
export async function makeRunnerRoot(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const bin = join(directory, "bin");
  const node = join(directory, "externals", "node20", "bin");
  await mkdir(bin, { recursive: true });
  await mkdir(node, { recursive: true });
  await symlink(process.execPath, join(node, "node"));
  for (const [source, program] of Object.entries(PROGRAMS)) {
    await installProgram(join(__dirname, source), join(bin, program));
  }
}
