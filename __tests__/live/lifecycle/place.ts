import type { RunnerClass, WrittenPolicy } from "../../../contracts/policy";
import type { GithubSettings, RepositorySpec } from "../../../local/github/types";
import { LOOP_CLASS, type Loop, startLoopOn } from "../../../local/loop";
import type { Variables } from "../../../local/nomad/jobspec";
import type { NomadAgent } from "../nomad-agent";
import type { Program } from "../programs";
import { RunnersNamespace, until } from "../runners-namespace";
import { type ClaimGateway, startClaimGateway } from "./claim-gateway";

/** What every stage plays on. */
export interface World {
  readonly agent: NomadAgent;
  /** Where there are any; stages that ask them say so when they are not there. */
  readonly consul: Program | null;
  readonly vault: Program | null;
  /** Temporary directory of everything. */
  readonly ground: string;
  /** An unpacked runner, to be copied by every allocation. */
  readonly runnerRoot: string;
  /** Name of a user that a runner can be, other than this process's; null where this process is not root. */
  readonly stranger: string | null;
  /** Drivers that Nomad finds healthy on this machine. */
  readonly drivers: readonly string[];
  readonly stopped: Promise<never>;
}

/** A GitHub, a Worker and a namespace in Nomad of a stage's own. */
export interface Place {
  readonly loop: Omit<Loop, "nomad" | "notes">;
  readonly nomad: RunnersNamespace;
  readonly namespace: string;
  /** Secret of the Worker's token in Nomad. */
  readonly dispatchToken: string;
  readonly gateway: ClaimGateway;
  close(): Promise<void>;
}

export interface PlaceOptions {
  /** Of its namespace; no two stages have the same. */
  readonly name: string;
  readonly runnerClass?: Partial<RunnerClass>;
  readonly policy?: Partial<WrittenPolicy>;
  readonly github?: GithubSettings;
  readonly jobVariables?: Variables;
  /** The cron fires so often. @default 1 */
  readonly sweepSeconds?: number;
  readonly repositories?: readonly RepositorySpec[];
}

export const REPOSITORY = "octo-org/example";
export const LABELS = ["self-hosted", "linux"];

/** Small, so that many fit onto a small machine. The disk has to hold the logs. */
const SMALL: Variables = { cpu: 20, memory: 64, disk: 128, stop_grace_seconds: 5 };

/** What a stage has left unfinished has so long to end. */
const LEAVE_MS = 30_000;

/** Starts them around the world's Nomad. */
export async function startPlace(world: World, options: PlaceOptions): Promise<Place> {
  const nomad = await RunnersNamespace.make(world.agent, options.name);
  const gateway = await startClaimGateway();
  try {
    const outside = await nomad.forWorker();
    const loop = await startLoopOn(outside, {
      repositories: options.repositories ?? [{ fullName: REPOSITORY }],
      policy: { classes: [{ ...LOOP_CLASS, ...options.runnerClass }], ...options.policy },
      jobVariables: { ...SMALL, runner_root: world.runnerRoot, ...options.jobVariables },
      sweepSeconds: options.sweepSeconds ?? 1,
      bindings: { PUBLIC_URL: gateway.url },
      ...(options.github && { github: options.github }),
    });
    gateway.lead(loop.worker.url);
    const close = async (): Promise<void> => {
      // Whoever gives a claim back asks for minutes where nobody answers.
      await until("the end of all runners", () => allDead(nomad), LEAVE_MS).catch(() => undefined);
      await loop.close();
      await gateway.close();
    };
    return { loop, nomad, namespace: options.name, dispatchToken: outside.token, gateway, close };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

/** Whether every child is dead, and every task of it, too. */
async function allDead(nomad: RunnersNamespace): Promise<true | undefined> {
  const children = await nomad.children();
  if (children.some(({ Status }) => Status !== "dead")) return undefined;
  for (const { ID } of children) await nomad.dead(ID);
  return true;
}
