import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Allocation, Child, NomadJob, NomadTask, Run, TaskRun } from "./types";

const MAX_OUTPUT_CHARACTERS = 65_536;

export interface AllocationHooks {
  readonly started: (task: NomadTask, pid: number) => void;
  readonly exited: (task: NomadTask, code: number | null) => void;
  /** Why the driver cannot start a task now, or null. */
  readonly refusal: () => string | null;
}

/** One allocation of a job, run as plain processes. */
export class AllocationRun implements Run {
  readonly allocation: Allocation = { id: randomUUID(), status: "running", tasks: [] };
  /** Ends when the last task has ended; never fails. */
  readonly ended: Promise<void>;
  readonly #job: NomadJob;
  readonly #child: Child;
  readonly #directory: string;
  readonly #path: string;
  readonly #hooks: AllocationHooks;
  #process: ChildProcess | null = null;
  #task: NomadTask | null = null;
  #stopping = false;
  #lost = false;
  #killer: NodeJS.Timeout | undefined;

  /**
   * @param root directory for allocations
   * @param path PATH of the tasks
   */
  constructor(child: Child, root: string, path: string, hooks: AllocationHooks) {
    this.#job = child.job;
    this.#child = child;
    this.#directory = join(root, this.allocation.id);
    this.#path = path;
    this.#hooks = hooks;
    this.ended = this.#run();
  }

  /** What `nomad job stop` does: the task's kill signal, and SIGKILL after its kill timeout. Poststop tasks run. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#terminate();
  }

  /** What the kernel does when the main task has no memory left. Poststop tasks run. */
  kill(): void {
    if (this.#task?.lifecycle === "main") this.#kill();
  }

  /** What a lost node does: everything ends at once, and no poststop task runs. */
  lose(): void {
    this.#lost = true;
    this.allocation.status = "lost";
    this.#kill();
  }

  async #run(): Promise<void> {
    let failed = false;
    for (const task of this.#job.tasks.filter((it) => it.lifecycle === "main")) {
      // What Nomad itself ended has not failed, whatever it exited with.
      if (!this.#isOver()) failed = (!(await this.#runTask(task)) && !this.#stopping) || failed;
    }
    for (const task of this.#job.tasks.filter((it) => it.lifecycle === "poststop")) {
      if (!this.#lost) failed = !(await this.#runTask(task)) || failed;
    }
    if (!this.#lost) this.allocation.status = failed ? "failed" : "complete";
  }

  #isOver(): boolean {
    return this.#stopping || this.#lost;
  }

  /** @returns whether it ended with 0 */
  async #runTask(task: NomadTask): Promise<boolean> {
    const run: TaskRun = { name: task.name, pid: null, exitCode: null, signal: null, output: "" };
    let env: Record<string, string>;
    try {
      env = await this.#prepare(task);
    } catch (error) {
      this.allocation.tasks.push({ ...run, output: `cannot set up the task: ${String(error)}` });
      return false;
    }
    if (this.#lost || (this.#stopping && task.lifecycle === "main")) return true;
    const refusal = this.#hooks.refusal();
    if (refusal !== null) {
      this.allocation.tasks.push({ ...run, output: refusal });
      return false;
    }
    const expand = (text: string): string =>
      text.replace(/\$\{(NOMAD_[A-Za-z0-9_]+)\}/g, (whole, name: string) => env[name] ?? whole);
    const expanded = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, expand(value)]));
    // A process group of its own, so that what a task leaves behind ends with it, as it does in a task's cgroup.
    const child = spawn(expand(task.command), task.args.map(expand), {
      cwd: join(this.#directory, task.name),
      env: expanded,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const shown: TaskRun = { ...run, pid: child.pid ?? null };
    this.allocation.tasks.push(shown);
    this.#process = child;
    this.#task = task;
    const collect = (chunk: Buffer): void => {
      shown.output = (shown.output + chunk.toString("utf8")).slice(0, MAX_OUTPUT_CHARACTERS);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    if (child.pid !== undefined) this.#hooks.started(task, child.pid);
    const [code, signal] = await exitOf(child);
    clearTimeout(this.#killer);
    this.#kill();
    this.#process = null;
    shown.exitCode = code;
    shown.signal = signal;
    this.#hooks.exited(task, code);
    return code === 0;
  }

  /** Lays out the task's directory. @returns its environment */
  async #prepare(task: NomadTask): Promise<Record<string, string>> {
    const shared = join(this.#directory, "alloc");
    const taskRoot = join(this.#directory, task.name);
    const local = join(taskRoot, "local");
    const secrets = join(taskRoot, "secrets");
    for (const directory of [
      join(shared, "data"),
      join(shared, "logs"),
      local,
      secrets,
      join(taskRoot, "tmp"),
    ]) {
      await mkdir(directory, { recursive: true });
    }
    for (const { data, destination, mode } of task.templates) {
      const file = join(taskRoot, destination);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, data);
      await chmod(file, mode);
    }
    if (task.payloadFile !== null) await writeFile(join(local, task.payloadFile), this.#child.payload);
    const meta = Object.entries(this.#child.meta).flatMap(([key, value]) => [
      [`NOMAD_META_${key}`, value] as const,
      [`NOMAD_META_${key.toUpperCase()}`, value] as const,
    ]);
    return {
      PATH: this.#path,
      LANG: "C.UTF-8",
      ...Object.fromEntries(meta),
      NOMAD_ALLOC_DIR: shared,
      NOMAD_ALLOC_ID: this.allocation.id,
      NOMAD_ALLOC_INDEX: "0",
      NOMAD_ALLOC_NAME: `${this.#child.id}.runner[0]`,
      NOMAD_GROUP_NAME: "runner",
      NOMAD_JOB_ID: this.#child.id,
      NOMAD_JOB_NAME: this.#child.id,
      NOMAD_JOB_PARENT_ID: this.#child.parent,
      NOMAD_NAMESPACE: "default",
      NOMAD_SECRETS_DIR: secrets,
      NOMAD_TASK_DIR: local,
      NOMAD_TASK_NAME: task.name,
      ...task.env,
    };
  }

  #terminate(): void {
    const running = this.#process;
    const task = this.#task;
    if (running === null || task?.lifecycle !== "main") return;
    running.kill(task.killSignal);
    this.#killer = setTimeout(() => {
      this.#kill();
    }, task.killTimeoutMs).unref();
  }

  /** Ends the task and everything it started. */
  #kill(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // The group is empty already.
    }
  }
}

function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once("error", () => {
      resolve([127, null]);
    });
    // Not `close`: a process left behind may hold the pipes open for as long as it likes.
    child.once("exit", (code, signal) => {
      resolve([code, signal]);
    });
  });
}
