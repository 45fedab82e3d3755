import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually";

/** What tests did not clean up; both empty when all is well. */
export interface Left {
  /** Command lines. */
  readonly processes: readonly string[];
  readonly files: readonly string[];
}

/** Watches what is started and written from now on. */
export interface Leftovers {
  /** Lets processes that are ending end and files that are going go, says what is left, and then takes that away. */
  end(): Promise<Left>;
}

const ENDING_MS = 5_000;

/**
 * Gives this test file a temporary directory of its own and notes every process that it starts, so that what it leaves
 * behind can be told from what other test files do at the same time.
 * @see https://nodejs.org/api/diagnostics_channel.html (Child Process)
 */
export function watchLeftovers(): Leftovers {
  const directory = mkdtempSync(join(os.tmpdir(), "leftovers-"));
  // os.tmpdir() does not read the environment that jest gives to a test file.
  const tmpdir = jest.spyOn(os, "tmpdir").mockReturnValue(directory);
  const started: ChildProcess[] = [];
  const note = (message: unknown): void => {
    started.push((message as { readonly process: ChildProcess }).process);
  };
  subscribe("child_process", note);
  return {
    end: async () => {
      // Miniflare removes its directory without anybody waiting for it.
      const isOver = (): boolean =>
        started.every((child) => !isAlive(child)) && readdirSync(directory).length === 0;
      await eventually(isOver, ENDING_MS);
      const alive = started.filter(isAlive);
      const left = {
        processes: alive.map(({ spawnargs }) => spawnargs.join(" ")),
        files: readdirSync(directory),
      };
      for (const { pid } of alive) end(pid);
      unsubscribe("child_process", note);
      tmpdir.mockRestore();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
      return left;
    },
  };
}

/** Whether a process, or one of the group it leads, still runs. One that has ended and that nobody has asked about, as
 *  happens in containers whose first process asks late or never, does not. */
export function isAlive({ pid }: { readonly pid?: number | null | undefined }): boolean {
  if (pid === undefined || pid === null) return false;
  if (existsSync("/proc/self/stat")) return isRunning(pid);
  return [pid, -pid].some((target) => {
    try {
      process.kill(target, 0);
      return true;
    } catch {
      return false;
    }
  });
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: `pid (name) state ppid pgrp …` */
function isRunning(leader: number): boolean {
  return readdirSync("/proc").some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    } catch {
      return false;
    }
    const [state = "", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(entry) === leader || Number(group) === leader) && !"ZX".includes(state);
  });
}

function end(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const target of [pid, -pid]) {
    try {
      process.kill(target, "SIGKILL");
    } catch {
      // It is no leader of a group, or has ended meanwhile.
    }
  }
}
