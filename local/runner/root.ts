import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transformFile } from "@swc/core";

const PROGRAMS = {
  "listener.ts": "Runner.Listener",
  "worker.ts": "Runner.Worker",
  "protocol.ts": "protocol.js",
};

/** Longer first lines are cut by some kernels, and a space would split it. */
const MAX_INTERPRETER_LENGTH = 120;

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
  const plain = !/\s/.test(process.execPath) && process.execPath.length <= MAX_INTERPRETER_LENGTH;
  const interpreter = plain ? process.execPath : "/usr/bin/env node";
  for (const [source, program] of Object.entries(PROGRAMS)) {
    const { code } = await transformFile(join(__dirname, source), {
      configFile: false,
      swcrc: false,
      jsc: { target: "es2022", parser: { syntax: "typescript" } },
      module: { type: "commonjs" },
    });
    const file = join(bin, program);
    await writeFile(file, `#!${interpreter}\n${code}`);
    await chmod(file, 0o755);
  }
}
