import { spawnSync } from "node:child_process";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathWithCurl } from "../../../local/curl/find";
import { makeRunnerRoot } from "../../../local/runner/root";
import { onFreePorts } from "../agent";
import { type NomadAgent, startNomadAgent } from "../nomad-agent";
import { descendants } from "../processes";
import type { Program } from "../programs";
import { type Check, type Report, holds } from "../report";
import { playChaos } from "./chaos-stage";
import { playDisk } from "./disk-stage";
import { playDrivers } from "./driver-stage";
import { playEnds } from "./ends-stage";
import { playExec } from "./exec-stage";
import { leanChroot } from "./lean-chroot";
import type { World } from "./place";
import { playPool } from "./pool-stage";
import { playSecrecy } from "./secrecy-stage";

/** Nomad has to be there; the others are asked where they are. */
export interface LifecyclePrograms {
  readonly nomad: Program;
  readonly consul: Program | null;
  readonly vault: Program | null;
}

export interface LifecycleRun {
  readonly programs: LifecyclePrograms;
  /** Temporary directory of everything. */
  readonly ground: string;
  /** In it, what stays until the end. */
  readonly kept: string;
  readonly report: Report;
  readonly stopped: Promise<never>;
  /** Gets every process that has to be gone in the end. */
  readonly pids: number[];
}

type Stage = readonly [title: string, play: (world: World) => Promise<readonly Check[]>];

const STAGES: readonly Stage[] = [
  ["200 jobs, and three of ten runners killed", playChaos],
  ["a job looks for secrets", playSecrecy],
  ["ten jobs write 1 GB each", playDisk],
  ["all ways to end", playEnds],
  ["the exec driver", playExec],
  ["a warm pool", playPool],
  ["every driver's job", playDrivers],
];

/** A client that never cleans up by itself: what is gone at the end, the runner's own job has removed. */
const NO_COLLECTION = {
  gc_interval: "24h",
  gc_max_allocs: 100_000,
  gc_disk_usage_threshold: 100,
  gc_inode_usage_threshold: 100,
};
/** A node that is not heard of for these seconds is down; 10 and more by default. */
const SHORT_HEARTBEATS = { min_heartbeat_ttl: "2s", max_heartbeats_per_second: 50, heartbeat_grace: "2s" };

/** A runner's life on a real Nomad: every stage on a GitHub, a Worker and a namespace of its own. */
export async function playLifecyclePart(run: LifecycleRun): Promise<void> {
  const { programs, ground, kept, report, stopped, pids } = run;
  const stages = chosen();
  const runnerRoot = join(kept, "runner");
  await makeRunnerRoot(runnerRoot);
  const curl = await pathWithCurl(process.env["PATH"] ?? "", join(kept, "curl"));
  // Both are for every user to read: a runner may be another one.
  for (const directory of [kept, runnerRoot]) await chmod(directory, 0o755);
  await mkdir(kept, { recursive: true });
  const chroot =
    strangerOf() === null ? {} : { chroot_env: await leanChroot(curl.path, join(kept, "chroot")) };
  const agent = await onFreePorts(() =>
    startNomadAgent({
      program: programs.nomad.file,
      path: curl.path,
      twoNodes: true,
      more: {
        client: { ...NO_COLLECTION, ...chroot },
        server: SHORT_HEARTBEATS,
      },
    }),
  );
  try {
    const { consul, vault } = programs;
    const stranger = strangerOf();
    const drivers = await healthyDrivers(agent);
    const world: World = {
      agent,
      consul,
      vault,
      ground,
      runnerRoot,
      stranger,
      drivers,
      stopped,
    };
    console.log(`drivers: ${drivers.join(", ")}; runners may be ${stranger ?? "no other user"}`);
    for (const [title, play] of stages)
      await report.stage(title, () => Promise.race([playOrTell(title, world, play), stopped]));
  } finally {
    const all = [...agent.pids, ...descendants(...agent.pids).map(({ pid }) => pid)];
    pids.push(...all);
    await agent.close();
  }
}

/** A stage that breaks off has failed; the others say nothing of it, and are played. */
async function playOrTell(title: string, world: World, play: Stage[1]): Promise<readonly Check[]> {
  try {
    return await play(world);
  } catch (error) {
    return [
      holds(`"${title}" is played to its end`, false, error instanceof Error ? error.message : String(error)),
    ];
  }
}

/** LIFECYCLE_STAGES names some of them by a part of their titles, for whoever works on one.
 *  @throws Error when a word is in no title */
function chosen(): readonly Stage[] {
  const words = (process.env["LIFECYCLE_STAGES"] ?? "").split(",").filter((word) => word !== "");
  const unknown = words.filter((word) => STAGES.every(([title]) => !title.includes(word)));
  if (unknown.length > 0) {
    const titles = STAGES.map(([title]) => `"${title}"`).join(", ");
    throw new Error(`LIFECYCLE_STAGES: "${unknown.join('", "')}" is in no title; they are ${titles}.`);
  }
  return words.length === 0 ? STAGES : STAGES.filter(([title]) => words.some((word) => title.includes(word)));
}

async function healthyDrivers(agent: NomadAgent): Promise<readonly string[]> {
  const nodes = (await agent.call("GET", "/v1/nodes")) as { readonly ID: string }[];
  const [{ ID } = { ID: "" }] = nodes;
  const { Drivers } = (await agent.call("GET", `/v1/node/${ID}`)) as {
    readonly Drivers: Readonly<Record<string, { readonly Healthy: boolean }>>;
  };
  return Object.keys(Drivers).filter((name) => Drivers[name]?.Healthy === true);
}

/** A user without rights, where this process may give a task another one. */
function strangerOf(): string | null {
  if (process.getuid?.() !== 0) return null;
  return spawnSync("id", ["nobody"], { timeout: 10_000 }).status === 0 ? "nobody" : null;
}
