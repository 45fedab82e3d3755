import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { playLoopPart } from "./loop-part";
import { descendants, isAlive, mentioning } from "./processes";
import { type Programs, findPrograms } from "./programs";
import { type Check, Report } from "./report";
import { until } from "./runners-namespace";
import { playStackPart } from "./stack-part";
import { startSystems } from "./stack/live-stack";

/** A run that hangs has failed. */
const WATCHDOG_MS = 540_000;
/** `npm run test:live -- loop` and `-- stack` play one of the two. */
const PARTS = process.argv.length > 2 ? process.argv.slice(2) : ["loop", "stack"];
/** What is cleared away after its end was told. */
const CLEARED_MS = 5_000;

/**
 * `npm run test:live`: the main loop on a real Nomad, then the whole stack deployed, used, changed and destroyed by real
 * Terraform with its real providers, on real Nomad, Consul and Vault; GitHub and Cloudflare are stand-ins. Ends with 1
 * when a program is missing or anything is not as it has to be.
 */
async function main(): Promise<number> {
  const stopped = whenStopped();
  const programs = findPrograms(process.env, versionOf);
  for (const { title, version, file } of Object.values(programs))
    console.log(`${title} ${version} (${file})`);
  // Whatever this process or a system makes for a while is made here, so that what is left behind shows.
  const ground = await mkdtemp(join(tmpdir(), "live-"));
  // A runner is another user, and has to get through to its own directory.
  await chmod(ground, 0o711);
  const outer = process.env["TMPDIR"];
  process.env["TMPDIR"] = ground;
  const report = new Report();
  const pids: number[] = [];
  try {
    await playAll(programs, ground, report, stopped, pids);
    await report.stage("afterwards", async () => [await nothingLeft(ground, pids)]);
  } finally {
    await rm(ground, { recursive: true, force: true, maxRetries: 5 });
    if (outer === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = outer;
  }
  console.log(`\n${report.lines().join("\n")}`);
  return report.failed().length === 0 ? 0 : 1;
}

async function playAll(
  programs: Programs,
  ground: string,
  report: Report,
  stopped: Promise<never>,
  pids: number[],
): Promise<void> {
  const kept = join(ground, "kept");
  await mkdir(kept);
  const systems = await startSystems(programs, kept);
  try {
    if (PARTS.includes("loop"))
      await report.stage("the main loop", () => playLoopPart(systems.nomad, stopped));
    if (PARTS.includes("stack")) await playStackPart(systems, programs.terraform.file, kept, report, stopped);
  } finally {
    const roots = [...systems.nomad.pids, systems.consul.pid, systems.vault.pid];
    pids.push(...roots, ...descendants(...roots).map(({ pid }) => pid));
    await systems.close();
  }
}

function versionOf(file: string): string {
  return spawnSync(file, ["version"], { encoding: "utf8", timeout: 20_000 }).stdout;
}

/** Whether no process and no file is left of all that was started. */
async function nothingLeft(ground: string, pids: readonly number[]): Promise<Check> {
  const text = "no process and no file is left";
  const left = async (): Promise<string[]> => [
    ...mentioning(ground).map(({ pid, command }) => `${String(pid)} ${command}`),
    ...pids.filter(isAlive).map(String),
    ...(await readdir(ground)).filter((name) => name !== "kept"),
  ];
  const gone = async (): Promise<true | undefined> => ((await left()).length === 0 ? true : undefined);
  const ok = await until(text, gone, CLEARED_MS).catch(() => false);
  return { text, ok, seen: ok ? "" : (await left()).join("; ") };
}

/** Fails when someone or the clock wants the run to end. */
function whenStopped(): Promise<never> {
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (why: string) => (): void => {
      reject(new Error(why));
    };
    // Every one of them: a second one must not end this process before it has cleared everything away.
    process.on("SIGINT", stop("stopped by SIGINT"));
    process.on("SIGTERM", stop("stopped by SIGTERM"));
    setTimeout(stop(`did not end within ${String(WATCHDOG_MS / 1000)} s`), WATCHDOG_MS).unref();
  });
  // It is looked at only once there is something to stop.
  stopped.catch(() => undefined);
  return stopped;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`npm run test:live: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
