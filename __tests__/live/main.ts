import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathWithCurl } from "../../local/curl/find";
import { playLoopPart } from "./loop-part";
import { startNomadAgent } from "./nomad-agent";
import { descendants, isAlive, mentioning } from "./processes";
import { findPrograms } from "./programs";
import { until } from "./runners-namespace";
import type { Check } from "./verdict";

/** A run that hangs has failed. */
const WATCHDOG_MS = 540_000;
/** What is cleared away after its end was told. */
const CLEARED_MS = 5_000;

/**
 * `npm run test:live`: the main loop on a real Nomad, with GitHub's stand-in, the Worker's bundle in workerd and the
 * runner job as it is deployed. Ends with 1 when a program is missing or anything is not as it has to be.
 */
async function main(): Promise<number> {
  const began = Date.now();
  const stopped = whenStopped();
  const programs = findPrograms(process.env, versionOf);
  for (const { title, version, file } of Object.values(programs))
    console.log(`${title} ${version} (${file})`);
  // Whatever this process or Nomad makes for a while is made here, so that what is left behind shows.
  const ground = await mkdtemp(join(tmpdir(), "live-"));
  await chmod(ground, 0o711);
  const outer = process.env["TMPDIR"];
  process.env["TMPDIR"] = ground;
  const pids: number[] = [];
  const checks: Check[] = [];
  try {
    checks.push(...(await playAll(programs.nomad.file, ground, stopped, pids)));
    checks.push(await nothingLeft(ground, pids));
  } finally {
    await rm(ground, { recursive: true, force: true, maxRetries: 5 });
    if (outer === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = outer;
  }
  console.log();
  for (const { ok, text, seen } of checks)
    console.log(`${ok ? "ok    " : "FAILED"} ${text}${seen === "" ? "" : `: ${seen}`}`);
  const failed = checks.filter(({ ok }) => !ok).length;
  const seconds = Math.round((Date.now() - began) / 1000);
  const verdict = failed === 0 ? "All as it has to be" : `${String(failed)} not as it has to be`;
  console.log(`\n${verdict}, after ${String(seconds)} s.`);
  return failed === 0 ? 0 : 1;
}

async function playAll(
  program: string,
  ground: string,
  stopped: Promise<never>,
  pids: number[],
): Promise<readonly Check[]> {
  const curl = await pathWithCurl(process.env["PATH"] ?? "", join(ground, "curl"));
  if (curl.standIn) console.log("no curl on this machine: the runner scripts use local/curl in its place");
  const agent = await startNomadAgent({ program, path: curl.path });
  try {
    return await playLoopPart(agent, stopped);
  } finally {
    pids.push(...agent.pids, ...descendants(...agent.pids).map(({ pid }) => pid));
    await agent.close();
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
    ...(await readdir(ground)).filter((name) => name !== "curl"),
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
    process.once("SIGINT", stop("stopped by SIGINT"));
    process.once("SIGTERM", stop("stopped by SIGTERM"));
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
