import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Conclusion, type FromWorker, type JobMessage, type ToWorker, call } from "./protocol";

/**
 * `Runner.Worker` as hooks and the runner's scripts meet it: a process of its own per workflow job, which opens a log under
 * `_diag`, runs the job-started hook before the first step, then the step, at last the job-completed hook, and reports the
 * result. A hook is run by path with `bash -e`, and may set variables for what follows (`NAME=value` in `$GITHUB_ENV`, no
 * here-documents). The completed one runs whatever the result is, but not on shutdown.
 * @see https://github.com/actions/runner/blob/v2.336.0/src/Runner.Worker/JobHookProvider.cs
 */

const ROOT = join(__dirname, "..");

/** How long a step has between SIGINT and SIGKILL when the job is cancelled; the real worker gives 7.5 s, then 2.5. */
const STEP_GRACE_MS = 7_500;

const MAX_LOG_CHARACTERS = 65_536;

class Worker {
  readonly #job: JobMessage;
  readonly #runnerName: string;
  readonly #work = join(ROOT, "_work");
  #step: ChildProcess | null = null;
  #wakeUp: (() => void) | null = null;
  /** Set when no further step may run; the job-completed hook may unless the runner shuts down. */
  readonly #ended: { conclusion: Conclusion | null; shutdown: boolean } = {
    conclusion: null,
    shutdown: false,
  };
  log = "";

  constructor(job: JobMessage, runnerName: string) {
    this.#job = job;
    this.#runnerName = runnerName;
  }

  async run(): Promise<Conclusion> {
    const env = this.#environment();
    const started = await this.#runHook("STARTED", env);
    const conclusion = started ? await this.#runJob(env) : this.#endedOr("failure");
    if (this.#ended.shutdown || (await this.#runHook("COMPLETED", env))) return conclusion;
    return this.#endedOr("failure");
  }

  async #runJob(env: NodeJS.ProcessEnv): Promise<Conclusion> {
    if (this.#ended.conclusion !== null) return this.#ended.conclusion;
    if (this.#job.script === null) {
      await this.#pass(this.#job.runMs);
      return this.#endedOr("success");
    }
    const code = await this.#runStep("sh", ["-e", "-c", this.#job.script], env);
    return this.#endedOr(code === 0 ? "success" : "failure");
  }

  /** @returns whether it went well, or there is none */
  async #runHook(which: "STARTED" | "COMPLETED", env: NodeJS.ProcessEnv): Promise<boolean> {
    const hook = process.env[`ACTIONS_RUNNER_HOOK_JOB_${which}`] ?? "";
    if (hook === "") return true;
    if (!existsSync(hook)) {
      this.log += `The hook ${hook} does not exist.\n`;
      return false;
    }
    const shell = spawnSync("bash", ["-c", ":"]).status === 0 ? "bash" : "sh";
    const commands = join(this.#work, "_temp", `set_env_${which.toLowerCase()}`);
    writeFileSync(commands, "");
    const code = await this.#runStep(shell, ["-e", hook], { ...env, GITHUB_ENV: commands });
    for (const [, name = "", value = ""] of readFileSync(commands, "utf8").matchAll(/^([^=\n]+)=(.*)$/gm)) {
      env[name] = value;
    }
    return code === 0;
  }

  /** No further step starts, and what runs is interrupted. */
  end(conclusion: Conclusion, shutdown = false): void {
    this.#ended.conclusion ??= conclusion;
    this.#ended.shutdown ||= shutdown;
    this.#wakeUp?.();
    const step = this.#step;
    if (step === null) return;
    signalTree(step.pid, "SIGINT");
    setTimeout(() => {
      signalTree(step.pid, "SIGKILL");
    }, STEP_GRACE_MS).unref();
  }

  #endedOr(conclusion: Conclusion): Conclusion {
    return this.#ended.conclusion ?? conclusion;
  }

  #environment(): NodeJS.ProcessEnv {
    const temp = join(this.#work, "_temp");
    const workspace = join(this.#work, "workspace");
    const eventDirectory = join(temp, "_github_workflow");
    for (const directory of [eventDirectory, workspace]) mkdirSync(directory, { recursive: true });
    const eventPath = join(eventDirectory, "event.json");
    writeFileSync(eventPath, JSON.stringify(this.#job.event));
    return {
      ...process.env,
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_EVENT_NAME: this.#job.eventName,
      GITHUB_EVENT_PATH: eventPath,
      GITHUB_JOB: this.#job.name,
      GITHUB_REF: this.#job.ref,
      GITHUB_REPOSITORY: this.#job.repository,
      GITHUB_RUN_ID: String(this.#job.runId),
      GITHUB_WORKSPACE: workspace,
      RUNNER_NAME: this.#runnerName,
      RUNNER_TEMP: temp,
    };
  }

  #runStep(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
    return new Promise((resolve) => {
      const step = spawn(command, args, {
        cwd: join(this.#work, "workspace"),
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#step = step;
      const collect = (chunk: Buffer): void => {
        this.log = (this.log + chunk.toString("utf8")).slice(0, MAX_LOG_CHARACTERS);
      };
      step.stdout.on("data", collect);
      step.stderr.on("data", collect);
      step.once("error", () => {
        resolve(127);
      });
      step.once("close", (code) => {
        this.#step = null;
        resolve(code);
      });
    });
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Signals a process and all it has started: a shell lets its commands finish before it heeds SIGINT. */
function signalTree(root: number | undefined, signal: NodeJS.Signals): void {
  if (root === undefined) return;
  const listing = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout as string | null;
  const pairs = (listing ?? "").split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const parent of tree) {
    for (const [pid, ppid] of pairs) if (pid !== undefined && ppid === parent) tree.push(pid);
  }
  for (const pid of tree) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function work(message: Extract<ToWorker, { type: "job" }>): Promise<void> {
  const { job, connection, runnerName } = message;
  const diagnostics = join(ROOT, "_diag");
  mkdirSync(diagnostics, { recursive: true });
  const stamp = new Date()
    .toISOString()
    .replace(/[-:]|\.\d+Z/g, "")
    .replace("T", "-");
  writeFileSync(join(diagnostics, `Worker_${stamp}-utc.log`), `Job ${String(job.id)}\n`);
  const worker = new Worker(job, runnerName);
  process.on("message", (next: ToWorker) => {
    if (next.type === "cancel") worker.end("cancelled");
    if (next.type === "shutdown") worker.end("cancelled", true);
  });
  // Someone wants the worker to end, not the job to be cancelled: it counts as failed.
  process.on("SIGTERM", () => {
    worker.end("failure", true);
  });
  const conclusion = await worker.run();
  const path = `/jobs/${String(job.id)}/finish`;
  await call(connection, "POST", path, { conclusion, log: worker.log }).catch(() => null);
  const done: FromWorker = { type: "done", conclusion };
  process.send?.(done, () => process.exit(0));
}

// Ctrl-C reaches the whole group; the listener decides what it means.
process.on("SIGINT", () => undefined);
process.once("message", (message: ToWorker) => {
  if (message.type === "job") void work(message);
});
