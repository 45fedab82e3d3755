import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const ROOT = join(__dirname, "..", "..");

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of an installed package, bounded in time. */
export function runProgram(program: string, args: readonly string[], cwd: string): Ran {
  return run([join(ROOT, "node_modules", program), ...args], cwd, "");
}

/** Runs a script of this directory with an input. */
export function runScript(script: string, input: string): Ran {
  return run([join(__dirname, script)], ROOT, input);
}

function run(args: readonly string[], cwd: string, input: string): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    input,
    encoding: "utf8",
    timeout: 80_000,
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return { status, stdout, stderr };
}

/** Writes a tree of files. */
export function writeTree(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
