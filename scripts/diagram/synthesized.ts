import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SynthesizedStack, readStack } from "./stack";

const ROOT = join(__dirname, "..", "..");
/** A synthesis takes two seconds; one that takes this long hangs. */
const LONGEST_MS = 120_000;

/**
 * Runs an app as `cdktf synth` does, into a directory of its own, and reads the one stack it writes.
 * @param file from the project's root
 * @throws when it fails, with what it said
 */
export function synthesizeApp(file = "main.ts"): SynthesizedStack {
  const outdir = mkdtempSync(join(tmpdir(), "diagram-"));
  try {
    const { status, stderr, error } = spawnSync(process.execPath, [require.resolve("tsx/cli"), file], {
      cwd: ROOT,
      env: { ...process.env, CDKTF_OUTDIR: outdir },
      encoding: "utf8",
      timeout: LONGEST_MS,
    });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error(`${file} does not synthesize:\n${stderr}`);
    const { stacks } = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8")) as Manifest;
    const [stack, ...more] = Object.values(stacks);
    if (stack === undefined || more.length > 0) {
      throw new Error(`${file} must make one stack, got ${String(Object.keys(stacks).length)}.`);
    }
    return readStack(readFileSync(join(outdir, stack.synthesizedStackPath), "utf8"));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly stacks: Readonly<Record<string, { readonly synthesizedStackPath: string }>>;
}
