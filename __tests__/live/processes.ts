import { spawnSync } from "node:child_process";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process that descends from one of these, whatever it has become. */
export function descendants(...roots: readonly number[]): readonly Process[] {
  const all = processes();
  const found: Process[] = [];
  const parents = [...roots];
  for (const parent of parents) {
    for (const each of all) {
      if (each.parent !== parent || parents.includes(each.pid)) continue;
      parents.push(each.pid);
      found.push(each);
    }
  }
  return found;
}

/** Every process that has a text, such as a directory, in its command line. */
export function mentioning(text: string): readonly Process[] {
  return processes().filter(({ command }) => command.includes(text));
}

/** Whether a process with this id runs, or waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills those of some processes that still run as what they were. */
export function endAll(started: readonly Process[]): void {
  const now = new Map(processes().map(({ pid, command }) => [pid, command]));
  for (const { pid, command } of started) {
    if (now.get(pid) !== command) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

function processes(): readonly Process[] {
  const listed = spawnSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,args="], {
    encoding: "utf8",
    timeout: 10_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (listed.status !== 0) throw new Error(`ps does not list the processes: ${listed.stderr}`);
  return listed.stdout.split("\n").flatMap((line) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
