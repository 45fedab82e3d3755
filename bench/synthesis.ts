import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
/** A synthesis that takes this long hangs. */
const LONGEST_MS = 300_000;

/** What is synthesized: a file, and the environment that sizes it. */
export interface Synthesis {
  readonly name: string;
  /** Program with its arguments; Node with tsx unless said otherwise. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
}

/** A program of this repository, run by tsx as `cdktf.json` has it, but for `npx`, which is npm's time and not ours. */
export function synthesis(name: string, file: string, environment: Synthesis["environment"] = {}): Synthesis {
  return { name, command: [process.execPath, require.resolve("tsx/cli"), file], environment };
}

export interface Outcome {
  readonly milliseconds: number;
  /** What it wrote to stderr when it failed; undefined when it did not. */
  readonly failure?: string;
}

/** Runs it once, from the start of the process to its end, into an empty directory. */
export function synthesize({ command: [program, ...args], environment }: Synthesis): Outcome {
  const outdir = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    const began = performance.now();
    const { status, stderr, error } = spawnSync(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment, CDKTF_OUTDIR: outdir },
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
      timeout: LONGEST_MS,
      maxBuffer: 16_777_216,
    });
    const milliseconds = performance.now() - began;
    if (error !== undefined) throw error;
    return { milliseconds, ...(status !== 0 && { failure: stderr }) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
