import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export const PROJECT = join(__dirname, "../../..");

/** A program of this project, run as its npm script runs it. */
export interface Program {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly code: Promise<number | null>;
  /** The first line of stdout. */
  readonly firstLine: Promise<string>;
}

/** Runs a TypeScript program with an environment of its own. */
export function runProgram(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd = PROJECT,
): Program {
  const tsx = join(PROJECT, "node_modules", "tsx", "dist", "loader.mjs");
  const child = spawn(process.execPath, ["--import", tsx, join(PROJECT, file), ...args], {
    cwd,
    env: { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"] ?? "/tmp", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes("\n")) resolve(stdout.slice(0, stdout.indexOf("\n")));
    });
    child.once("exit", () => {
      resolve("");
    });
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, stdout: () => stdout, stderr: () => stderr, code, firstLine };
}
