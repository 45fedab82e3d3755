import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathWithCurl } from "../../local/curl/find";
import { LOOP_CLASS, startLoopOn } from "../../local/loop";
import { findNomad } from "./find-nomad";
import { type NomadAgent, startNomadAgent } from "./nomad-agent";
import { playOnAgent } from "./nomad-recording";
import { descendants, isAlive, mentioning } from "./processes";
import { RunnersNamespace, until } from "./runners-namespace";
import { PRIVATE, PUBLIC, type Played, Scenes } from "./scenes";
import { stageTable } from "./stages";
import { type Check, judge } from "./verdict";

/** A run that hangs has failed. */
const WATCHDOG_MS = 160_000;
/** What is cleared away after its end was told. */
const CLEARED_MS = 5_000;
/** Small enough for the whole matrix at once on a small machine. The disk has to hold the logs, 100 MB. */
const SMALL = { cpu: 20, memory: 64, disk: 128 };

/**
 * `npm run test:live`: the main loop on a real Nomad, with GitHub's stand-in, the Worker's bundle in workerd and the
 * runner job as it is deployed. Ends with 1 when nomad is missing or anything is not as it has to be.
 */
async function main(): Promise<number> {
  const began = Date.now();
  const stopped = whenStopped();
  const program = findNomad();
  console.log(`Nomad ${program.version} (${program.file})`);
  // Whatever this process or Nomad makes for a while is made here, so that what is left behind shows.
  const ground = await mkdtemp(join(tmpdir(), "live-"));
  const outer = process.env["TMPDIR"];
  process.env["TMPDIR"] = ground;
  const pids: number[] = [];
  const checks: Check[] = [];
  try {
    checks.push(...(await playAll(program.file, ground, stopped, pids)));
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
  file: string,
  ground: string,
  stopped: Promise<never>,
  pids: number[],
): Promise<readonly Check[]> {
  const curl = await pathWithCurl(process.env["PATH"] ?? "", join(ground, "curl"));
  if (curl.standIn) console.log("no curl on this machine: the runner scripts use local/curl in its place");
  const agent = await startNomadAgent(file, curl.path);
  try {
    const { answers, different } = await Promise.race([playOnAgent(agent), stopped]);
    console.log(`${String(answers - different.length)} of ${String(answers)} answers as recorded`);
    const recording = { text: "Nomad answers as recorded", ok: different.length === 0 };
    return [{ ...recording, seen: different.join("\n") }, ...(await playLoop(agent, stopped))];
  } finally {
    pids.push(agent.pid, ...descendants(agent.pid).map(({ pid }) => pid));
    await agent.close();
  }
}

async function playLoop(agent: NomadAgent, stopped: Promise<never>): Promise<readonly Check[]> {
  const nomad = await RunnersNamespace.make(agent);
  const outside = await nomad.forWorker();
  const loop = await startLoopOn(outside, {
    repositories: [{ fullName: PRIVATE }, { fullName: PUBLIC, private: false }],
    policy: { publicRepositories: [PUBLIC], classes: [LOOP_CLASS] },
    jobVariables: SMALL,
    sweepSeconds: 2,
  });
  const { github, worker } = loop;
  try {
    const played: Played[] = [];
    for (const [title, play] of new Scenes(github, nomad).all()) {
      console.log(title);
      played.push({ title, ...(await Promise.race([play(), stopped])) });
    }
    const verdict = await judge(played, { loop, nomad, outside, agent });
    console.log();
    for (const line of await stageTable(played, github, nomad)) console.log(line);
    return verdict;
  } catch (error) {
    const last = worker.logs().slice(-10).join("\n");
    console.error(`The Worker's last lines:\n${last}\nNomad's children:\n${await describe(nomad)}`);
    throw error;
  } finally {
    await loop.close();
  }
}

/** What Nomad has, for whoever reads of a failure. */
async function describe(nomad: RunnersNamespace): Promise<string> {
  const lines: string[] = [];
  for (const { ID, Status } of await nomad.children()) {
    lines.push(`${ID} ${Status}`);
    for (const allocation of await nomad.allocations(ID)) {
      const said = await nomad.output(allocation.ID, "runner").catch(() => "");
      lines.push(`  ${allocation.ClientStatus}: ${said.trim().replace(/\n/g, "\n  ")}`);
    }
  }
  return lines.join("\n");
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
