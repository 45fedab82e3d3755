import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Reported } from "./task";

const FAKE_RUNNER = resolve(__dirname, "../../fixtures/jobs/fake-runner.mjs");
const HOOK = resolve(__dirname, "../../../jobs/job-started-hook.sh");

export interface HookRun {
  /** Text of the event file; undefined: there is none. */
  readonly event?: string;
  readonly name?: string;
  readonly ref?: string;
  /** @default "sh" */
  readonly shell?: string;
  /** The worker does not react to SIGTERM. */
  readonly deaf?: boolean;
  /** Milliseconds after which SIGINT and SIGTERM are sent to the hook, as when a job is cancelled. */
  readonly interruptMs?: number;
  /** The worker's environment, which the hook inherits. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the hook gets besides. */
  readonly hookEnv?: Readonly<Record<string, string>>;
}

export interface HookResult {
  /** Exit code of the hook; null when a signal ended it, undefined when its worker was gone before. */
  readonly code: number | null | undefined;
  /** What start-runner.sh reads. */
  readonly state: string;
  /** Which steps the job then ran. */
  readonly steps: readonly string[];
  readonly output: string;
  /** How the worker ended. */
  readonly worker: number | NodeJS.Signals | null;
}

/** Runs the hook as the runner does: below a worker process that goes on to the steps. */
export async function runHook(run: HookRun): Promise<HookResult> {
  const directory = mkdtempSync(join(tmpdir(), "job-hook-"));
  const file = (name: string): string => join(directory, name);
  if (run.event !== undefined) writeFileSync(file("event.json"), run.event);
  writeFileSync(file("report"), "");
  const worker = spawn(process.execPath, [FAKE_RUNNER, "worker"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      ACTIONS_RUNNER_HOOK_JOB_STARTED: HOOK,
      FAKE_REPORT: file("report"),
      FAKE_JOB: JSON.stringify({
        shell: run.shell ?? "sh",
        deaf: run.deaf ?? false,
        interruptMs: run.interruptMs,
        env: {
          GITHUB_EVENT_PATH: file("event.json"),
          GITHUB_EVENT_NAME: run.name ?? "push",
          GITHUB_REF: run.ref ?? "refs/heads/main",
          ...run.hookEnv,
        },
      }),
      JOB_HOOK_STATE: file("state"),
      JOB_HOOK_RUNNER_ROOT: directory,
      ...run.env,
    },
  });
  let output = "";
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  await new Promise((closed) => worker.once("close", closed));
  const lines = readFileSync(file("report"), "utf8").split("\n");
  const reported = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Reported);
  const state = existsSync(file("state")) ? readFileSync(file("state"), "utf8") : "";
  rmSync(directory, { recursive: true });
  return {
    code: reported.find(({ event }) => event === "hook")?.code,
    state: state.trim(),
    steps: reported.map(({ event }) => event).filter((event) => event.startsWith("step")),
    output,
    worker: worker.exitCode ?? worker.signalCode,
  };
}
