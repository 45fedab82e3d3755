import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { read } from "./secrets";

const JOBS = resolve(__dirname, "../../../jobs");
const FAKE_RUNNER = resolve(__dirname, "../../fixtures/jobs/fake-runner.mjs");

/** No test waits longer than this for anything; jest's own limit is longer, so that the reason is shown. */
const PATIENCE_MS = 20_000;

/** How a start of the fake listener goes; see __tests__/fixtures/jobs/fake-runner.mjs. */
export interface Start {
  readonly exit?: number;
  readonly update?: boolean;
  readonly deaf?: boolean;
  readonly log?: boolean;
  readonly ms?: number;
  readonly job?: {
    readonly ms?: number;
    readonly deaf?: boolean;
    readonly shell?: string;
    /** For sh, in the workspace. */
    readonly script?: string;
    readonly env?: Readonly<Record<string, string>>;
  };
}

/** A line of the fake's report. */
export interface Reported {
  readonly event: string;
  readonly pid: number;
  readonly jit?: string | null;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: readonly string[];
  readonly code?: number | null;
}

export interface TaskOptions {
  readonly script?: "start-runner.sh" | "release-runner.sh";
  /** @default ["/bin/sh"] */
  readonly shell?: readonly [string, ...string[]];
  /** Text of the dispatch payload; null: no file. */
  readonly payload: string | null;
  readonly plan?: readonly Start[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A Nomad task's directory with the scripts in it, as templates put them there, and the process that runs one. */
export class Task {
  readonly directory = mkdtempSync(join(tmpdir(), "runner-task-"));
  readonly local = join(this.directory, "local");
  /** What the allocation's tasks share, with a runner that was copied. */
  readonly shared = join(this.directory, "alloc");
  readonly copy = join(this.shared, "runner");
  readonly root = join(this.directory, "home");
  readonly payloadFile = join(this.local, "dispatch.json");
  readonly allocationId = randomUUID();
  /** Everything the script and what it started wrote. */
  output = "";
  #process: ChildProcess | undefined;
  #closed = false;

  constructor() {
    mkdirSync(this.local);
    mkdirSync(this.shared);
    for (const name of ["claim.sh", "start-runner.sh", "release-runner.sh", "job-started-hook.sh"]) {
      copyFileSync(join(JOBS, name), join(this.local, name));
    }
    mkdirSync(join(this.root, "bin"), { recursive: true });
    const listener = join(this.root, "bin/Runner.Listener");
    const look = `while read -r key value; do [ "$key" != SigIgn: ] || ignored=$value; done </proc/self/status`;
    const run = `FAKE_SIGNALS_IGNORED=$ignored exec '${process.execPath}' '${FAKE_RUNNER}' "$@"`;
    writeFileSync(listener, `#!/bin/sh\n${look}\n${run}\n`);
    chmodSync(listener, 0o755);
  }

  /** Starts a script; `exited` tells its end. */
  start(options: TaskOptions): this {
    if (options.payload !== null) writeFileSync(this.payloadFile, options.payload);
    const [shell, ...flags] = options.shell ?? ["/bin/sh"];
    const child = spawn(shell, [...flags, join(this.local, options.script ?? "start-runner.sh")], {
      cwd: this.local,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: this.directory,
        NOMAD_TASK_DIR: this.local,
        NOMAD_ALLOC_DIR: this.shared,
        NOMAD_ALLOC_ID: this.allocationId,
        RUNNER_ROOT: this.root,
        RUNNER_IDLE_TIMEOUT_SECONDS: "15",
        RUNNER_STOP_GRACE_SECONDS: "10",
        RUNNER_CLAIM_TIMEOUT_SECONDS: "15",
        RUNNER_CLAIM_PAUSE_SECONDS: "0",
        RUNNER_POLL_SECONDS: "0.1",
        RUNNER_RETRY_PAUSE_SECONDS: "0",
        FAKE_REPORT: this.#report,
        FAKE_PLAN: JSON.stringify(options.plan ?? []),
        ...options.env,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    this.#closed = false;
    this.#process = child;
    // An earlier script that was killed closes when what it left has ended.
    child.once("close", () => (this.#closed ||= this.#process === child));
    return this;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the task was not started");
    return pid;
  }

  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    this.#process?.kill(name);
  }

  /** The script's exit code, once it and everything that holds its output has ended. */
  async exited(): Promise<number | null> {
    await this.until(() => this.#closed, "the script's end");
    return this.#process?.exitCode ?? null;
  }

  /** Whether a signal ended the script itself; what it started may live on and hold its output. */
  get endedBySignal(): boolean {
    return typeof this.#process?.signalCode === "string";
  }

  /** What the fake runner told, in order. */
  get reported(): readonly Reported[] {
    if (!existsSync(this.#report)) return [];
    const lines = readFileSync(this.#report, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Reported);
  }

  get events(): readonly string[] {
    return this.reported.map(({ event }) => event);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${what}; the script wrote:\n${this.output}`);
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }

  /** Ends what a failed test left running, and removes the directory. */
  remove(): void {
    if (this.#process?.exitCode === null) this.#process.kill("SIGKILL");
    // An id can be another process's by now.
    const own = (pid: number): boolean => read(`/proc/${String(pid)}/environ`).includes(this.directory);
    for (const { pid } of this.reported) if (own(pid)) process.kill(pid, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #report(): string {
    return join(this.directory, "report");
  }
}

/** Whether a process runs; one that has ended and that nobody has waited for yet does not. */
export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(read(`/proc/${String(pid)}/status`))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** A payload as the Worker makes it. */
export function payload(claimUrl: string, claim: string): string {
  return JSON.stringify({
    repo: "octo-org/example",
    fork: false,
    job: "build (20, ubuntu)",
    run_id: 1,
    job_id: 2,
    claim_url: claimUrl,
    claim,
  });
}
