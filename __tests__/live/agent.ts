import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Process, descendants, endAll, mentioning } from "./processes";

/** A server that runs, with the directory in which it keeps everything. */
export interface Agent {
  /** Of the process that runs, or ran last. */
  readonly pid: number;
  readonly directory: string;
  /** The end of what it logged. */
  log(): string;
  /** Ends the server alone: what it runs goes on. @param signal SIGINT lets it take its leave, SIGKILL does not */
  halt(signal: "SIGINT" | "SIGKILL"): Promise<void>;
  /** Starts it again, as it was and with what it has kept, after {@link Agent.halt}. */
  resume(): Promise<void>;
  /** Ends it, with what it runs, and removes its directory; safe to call twice. */
  close(): Promise<void>;
}

export interface AgentOptions {
  /** What it is, for messages. */
  readonly name: string;
  readonly program: string;
  /** Its arguments. @param directory is there, and goes with the agent */
  readonly args: (directory: string) => Promise<readonly string[]>;
  /** Its whole environment, but for TMPDIR and HOME, which are its own directory. */
  readonly environment: Readonly<Record<string, string>>;
  /** Asked until it no longer throws. */
  readonly ready: () => Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 20_000;
const PORT_ATTEMPTS = 3;
const POLL_MS = 100;
const LOG_CHARACTERS = 4_000;

/** Starts a server and waits until it serves. @throws Error with the end of its log when it does not */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  // Short: every task of Nomad gets a socket beneath it, and a socket's path has 107 characters at most.
  const directory = await mkdtemp(join(tmpdir(), "a-"));
  // Tasks of another user have to get through to their own directories.
  await chmod(directory, 0o711);
  const args = await options.args(directory);
  let log = "";
  const note = (chunk: unknown): void => {
    log = (log + String(chunk)).slice(-LOG_CHARACTERS);
  };
  let agent = launch(options, args, directory, note);
  // What it started, once it no longer is the parent of that.
  const orphans: Process[] = [];
  const halt = async (signal: NodeJS.Signals): Promise<void> => {
    // A client of Nomad leaves its tasks running when it ends, so that the next one finds them.
    if (agent.pid !== undefined) orphans.push(...descendants(agent.pid));
    await stop(agent, signal);
  };
  let closed: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    await halt("SIGINT");
    endAll(orphans);
    // What it began while it ended, such as a task that clears up after another one.
    endAll(mentioning(directory));
    unmountBeneath(directory);
    await rm(directory, { recursive: true, force: true });
  };
  const close = (): Promise<void> => (closed ??= closeAll());
  try {
    await untilReady(agent, options);
  } catch (error) {
    await close();
    throw new Error(`${options.name} did not start: ${String(error)}\n${log}`);
  }
  const resume = async (): Promise<void> => {
    agent = launch(options, args, directory, note);
    await untilReady(agent, options);
  };
  return {
    get pid() {
      return agent.pid ?? 0;
    },
    ...{ directory, log: () => log, halt, resume, close },
  };
}

function launch(
  { program, environment }: AgentOptions,
  args: readonly string[],
  directory: string,
  note: (chunk: unknown) => void,
): ChildProcess {
  const agent = spawn(program, args, {
    env: { ...environment, TMPDIR: directory, HOME: directory },
    // Ctrl-C is for the program that started it: that one ends it in its turn.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [agent.stdout, agent.stderr]) stream.on("data", note);
  agent.once("error", note);
  return agent;
}

/**
 * Starts something on free ports, and again on others when somebody took one between its finding and its use.
 * @param start finds the ports anew each time
 */
export async function onFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !/address already in use/.test(String(error))) throw error;
    }
  }
}

async function untilReady(agent: ChildProcess, { ready }: AgentOptions): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      await ready();
      return;
    } catch (error) {
      if (agent.pid === undefined || agent.exitCode !== null || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

async function stop(agent: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (agent.pid === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill(signal);
  const killer = setTimeout(() => agent.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(killer);
}

/** Where it is root, Nomad mounts a file system of its own for each task's secrets, and for the exec driver more of them
 *  one below the other, and leaves them to the next client.
 *  @see https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
function unmountBeneath(directory: string): void {
  const mounts = "/proc/self/mounts";
  if (!existsSync(mounts)) return;
  // The last one first: it may be below another.
  for (const line of readFileSync(mounts, "utf8").split("\n").reverse()) {
    const target = line.split(" ")[1] ?? "";
    if (target.startsWith(`${directory}/`)) spawnSync("umount", [target], { timeout: STOP_MS });
  }
}
