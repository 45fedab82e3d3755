import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LifecyclePrograms, playLifecyclePart } from "./lifecycle/lifecycle-part";
import { playLoopPart } from "./loop-part";
import { descendants, isAlive, mentioning } from "./processes";
import { ALL_PROGRAMS, type Program, type Programs, findProgram, findPrograms } from "./programs";
import { type Check, Report } from "./report";
import { until } from "./runners-namespace";
import { playStackPart } from "./stack-part";
import { TEMPORARY, startSystems } from "./stack/live-stack";

const PARTS = ["loop", "stack", "lifecycle"] as const;
type Part = (typeof PARTS)[number];
/** A run that hangs has failed. */
const WATCHDOG_MS: Readonly<Record<Part, number>> = { loop: 120_000, stack: 600_000, lifecycle: 1_200_000 };
/** What is cleared away after its end was told. */
const CLEARED_MS = 5_000;

/**
 * `npm run test:live`: the main loop on a real Nomad, then the whole stack deployed, used, changed and destroyed by real
 * Terraform with its real providers, on real Nomad, Consul and Vault, then a runner's life in all its ways of ending, on
 * Nomad alone; GitHub and Cloudflare are stand-ins. Ends with 1 when a program is missing or anything is not as it has to
 * be.
 */
async function main(): Promise<number> {
  const parts = partsOf(process.argv.slice(2));
  const stopped = whenStopped(parts.reduce((sum, part) => sum + WATCHDOG_MS[part], 0));
  const programs = programsOf(parts);
  // Whatever this process or a system makes for a while is made here, so that what is left behind shows.
  const ground = await mkdtemp(join(tmpdir(), "live-"));
  // A runner is another user, and has to get through to its own directory.
  await chmod(ground, 0o711);
  const outer = process.env["TMPDIR"];
  process.env["TMPDIR"] = ground;
  const report = new Report();
  for (const { title, version, file } of startable(programs)) {
    console.log(`${title} ${version} (${file})`);
    report.versions(`${title} ${version}`);
  }
  report.versions(`Node ${process.versions.node}`);
  const pids: number[] = [];
  let completed = false;
  try {
    await playAll({ programs, parts, ground, report, stopped, pids });
    completed = true;
  } catch (error) {
    console.error(textOf(error));
  }
  try {
    await report.stage("afterwards", async () => [await nothingLeft(ground, pids)]);
  } finally {
    await rm(ground, { recursive: true, force: true });
    if (outer === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = outer;
  }
  console.log(`\n${report.lines(completed).join("\n")}`);
  return completed && report.failed().length === 0 ? 0 : 1;
}

/** What one run has in hand. */
interface Run {
  readonly programs: Found;
  readonly parts: readonly Part[];
  /** Temporary directory of everything. */
  readonly ground: string;
  readonly report: Report;
  readonly stopped: Promise<never>;
  /** Gets every process that has to be gone in the end. */
  readonly pids: number[];
}

/** What was found of the programs that the parts need. */
interface Found {
  /** What a runner's life needs: Nomad only. It asks what else is there. */
  readonly life: LifecyclePrograms;
  /** null when it is played alone. */
  readonly all: Programs | null;
}

/** `npm run test:live -- loop` plays one of them. @throws Error on any other word */
function partsOf(words: readonly string[]): readonly Part[] {
  const wrong = words.filter((word) => !PARTS.some((part) => part === word));
  if (wrong.length > 0) throw new Error(`the parts are ${PARTS.join(", ")}, got ${wrong.join(" ")}`);
  return words.length === 0 ? PARTS : PARTS.filter((part) => words.includes(part));
}

function startable({ life, all }: Found): readonly Program[] {
  return Object.values(all ?? life).filter((it): it is Program => it !== null);
}

function programsOf(parts: readonly Part[]): Found {
  if (parts.some((part) => part !== "lifecycle")) {
    const all = findPrograms(process.env, versionOf, ALL_PROGRAMS);
    return { life: all, all };
  }
  const { nomad } = findPrograms(process.env, versionOf, ["nomad"]);
  const there = (name: "consul" | "vault"): Program | null => findProgram(process.env, versionOf, name);
  return { life: { nomad, consul: there("consul"), vault: there("vault") }, all: null };
}

async function playAll(run: Run): Promise<void> {
  const kept = join(run.ground, "kept");
  await mkdir(kept);
  const { life, all } = run.programs;
  if (all !== null) await playWithSystems(all, run, kept);
  if (run.parts.includes("lifecycle")) await playLifecyclePart({ ...run, programs: life, kept });
}

async function playWithSystems(programs: Programs, run: Run, kept: string): Promise<void> {
  const { parts, report, stopped, pids } = run;
  const systems = await startSystems(programs, kept);
  try {
    if (parts.includes("loop"))
      await report.stage("the main loop", () => playLoopPart(systems.nomad, stopped));
    if (parts.includes("stack")) await playStackPart(systems, programs.terraform.file, kept, report, stopped);
  } finally {
    const roots = [...systems.nomad.pids, systems.consul.pid, systems.vault.pid];
    pids.push(...roots, ...descendants(...roots).map(({ pid }) => pid));
    await systems.close();
  }
}

function textOf(error: unknown): string {
  return `npm run test:live: ${error instanceof Error ? error.message : String(error)}`;
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
    // tsx keeps what it has compiled, and Terraform does not wait until each provider has removed its socket.
    ...(await namesIn(join(ground, "kept", TEMPORARY))).filter((name) => !/^(?:tsx-|plugin)\d+$/.test(name)),
  ];
  const gone = async (): Promise<true | undefined> => ((await left()).length === 0 ? true : undefined);
  const ok = await until(text, gone, CLEARED_MS).catch(() => false);
  return { text, ok, seen: ok ? "" : (await left()).join("; ") };
}

/** None where there is no such directory. */
function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

/** Fails when someone or the clock wants the run to end. */
function whenStopped(watchdogMs: number): Promise<never> {
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (why: string) => (): void => {
      reject(new Error(why));
    };
    // Every one of them: a second one must not end this process before it has cleared everything away.
    process.on("SIGINT", stop("stopped by SIGINT"));
    process.on("SIGTERM", stop("stopped by SIGTERM"));
    setTimeout(stop(`did not end within ${String(watchdogMs / 1000)} s`), watchdogMs).unref();
  });
  // It is looked at only once there is something to stop.
  stopped.catch(() => undefined);
  return stopped;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(textOf(error));
    process.exit(1);
  },
);
