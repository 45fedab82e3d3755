import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Conclusion, Connection, FromWorker, JobMessage, ToWorker } from "./protocol";
import { EXIT, TASK_RESULT, call, sleep } from "./protocol";

/**
 * `Runner.Listener` as the runner's scripts meet it: takes a JIT config, waits for one workflow job, has a worker process
 * run it, and ends with the real program's exit codes. It talks to the GitHub stand-in only.
 */

const ROOT = join(__dirname, "..");
const JIT_VARIABLE = "ACTIONS_RUNNER_INPUT_JITCONFIG";
const CONFLICT_MS = 240_000;
const CONNECT_ATTEMPTS = 5;
/** The real listener gives a worker that long to report a cancelled job. */
const UNLOAD_MS = 30_000;

interface Settings extends Connection {
  readonly name: string;
}

class Listener {
  readonly #settings: Settings;
  readonly #shutdown = new AbortController();
  #worker: ChildProcess | null = null;

  constructor(settings: Settings) {
    this.#settings = settings;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        this.#stop();
      });
    }
  }

  /** @returns the exit code */
  async run(): Promise<number> {
    const session = await this.#connect();
    if (typeof session === "number") return session;
    say("Connected to GitHub");
    say("Listening for Jobs");
    const code = await this.#listen(session);
    await this.#call("DELETE", `/sessions/${session}`).catch(() => null);
    return code;
  }

  /** @returns the session, or the exit code of a runner that cannot have one */
  async #connect(): Promise<string | number> {
    const conflictEnd = Date.now() + Number(process.env["RUNNER_STAND_IN_CONFLICT_MS"] ?? CONFLICT_MS);
    for (let failures = 0; failures < CONNECT_ATTEMPTS;) {
      if (this.#shutdown.signal.aborted) return EXIT.success;
      const answer = await this.#call("POST", "/sessions").catch(() => null);
      if (answer?.status === 201) return (answer.json as { sessionId: string }).sessionId;
      if (answer?.status === 404) {
        complain("The runner registration has been deleted from the server, please re-configure.");
        return EXIT.terminatedError;
      }
      if (answer?.status === 403) {
        complain("An error occurred: Runner version is deprecated and cannot receive messages.");
        const asked = process.env["ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE"] === "1";
        return asked ? EXIT.versionDeprecated : EXIT.terminatedError;
      }
      if (answer?.status === 409) {
        if (Date.now() >= conflictEnd) return EXIT.sessionConflict;
        complain("A session for this runner already exists.");
      } else {
        failures += 1;
      }
      await sleep(500);
    }
    complain("Cannot connect to server.");
    return EXIT.retryableError;
  }

  async #listen(session: string): Promise<number> {
    let failures = 0;
    while (failures < CONNECT_ATTEMPTS) {
      const answer = await this.#call("GET", `/sessions/${session}/message`, this.#shutdown.signal).catch(
        () => null,
      );
      if (this.#shutdown.signal.aborted) return EXIT.success;
      if (answer?.status === 404) {
        say("The runner no longer exists on the server.");
        return EXIT.success;
      }
      if (answer === null) {
        failures += 1;
        await sleep(500);
        continue;
      }
      failures = 0;
      const message = answer.json as { type: string; jobId: number } | null;
      if (message?.type !== "job") continue;
      const acquired = await this.#call("POST", `/jobs/${String(message.jobId)}/acquire`);
      if (acquired.status === 200) return this.#work(session, acquired.json as JobMessage);
    }
    complain("The connection to the server was lost.");
    return EXIT.retryableError;
  }

  /** An ephemeral runner: after its one job it ends. */
  async #work(session: string, job: JobMessage): Promise<number> {
    say(`Running job: ${job.name}`);
    const worker = fork(join(__dirname, "Runner.Worker"), [], {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#worker = worker;
    const reported: { conclusion: Conclusion | null } = { conclusion: null };
    worker.on("message", (message) => {
      reported.conclusion = (message as FromWorker).conclusion;
    });
    const { serverUrl, token, name } = this.#settings;
    tell(worker, { type: "job", job, connection: { serverUrl, token }, runnerName: name });
    if (this.#shutdown.signal.aborted) this.#stop();
    const polling = this.#watch(session, worker);
    await new Promise((resolve) => worker.once("exit", resolve));
    polling.abort();
    this.#worker = null;
    // A worker that was killed could not report, so the listener does.
    if (reported.conclusion === null) {
      await this.#call("POST", `/jobs/${String(job.id)}/finish`, undefined, { conclusion: "failure" }).catch(
        () => null,
      );
    }
    const result: Conclusion = reported.conclusion ?? "failure";
    say(`Job ${job.name} completed with result: ${result}`);
    const asked = process.env["ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED"] === "true";
    return asked ? 100 + TASK_RESULT[result] : EXIT.success;
  }

  /** Goes on asking for messages while the worker works: one may cancel the job. */
  #watch(session: string, worker: ChildProcess): AbortController {
    const end = new AbortController();
    const poll = async (): Promise<void> => {
      while (!end.signal.aborted) {
        const answer = await this.#call("GET", `/sessions/${session}/message`, end.signal).catch(() => null);
        if (answer === null || answer.status === 404) await sleep(200);
        else if ((answer.json as { type: string } | null)?.type === "cancel")
          tell(worker, { type: "cancel" });
      }
    };
    void poll();
    return end;
  }

  #stop(): void {
    say("Exiting...");
    this.#shutdown.abort();
    const worker = this.#worker;
    if (worker === null) return;
    tell(worker, { type: "shutdown" });
    setTimeout(() => worker.kill("SIGKILL"), UNLOAD_MS).unref();
  }

  #call(method: string, path: string, signal?: AbortSignal, body?: unknown): ReturnType<typeof call> {
    return call(this.#settings, method, path, body, signal);
  }
}

function tell(worker: ChildProcess, message: ToWorker): void {
  if (worker.connected) worker.send(message);
}

/** The JIT config from the argument or the environment; removed from the environment, as the real one does. */
function takeJitConfig(): string | null {
  const index = process.argv.indexOf("--jitconfig");
  const given = index < 0 ? process.env[JIT_VARIABLE] : process.argv[index + 1];
  Reflect.deleteProperty(process.env, JIT_VARIABLE);
  return given === undefined || given === "" ? null : given;
}

/** Writes the files of a JIT config into the runner's root, as the real listener does, and reads them. */
function configure(jitConfig: string): Settings {
  const files = JSON.parse(Buffer.from(jitConfig, "base64").toString("utf8")) as Readonly<
    Record<string, string>
  >;
  const contents = new Map<string, string>();
  for (const [name, encoded] of Object.entries(files)) {
    const content = Buffer.from(encoded, "base64");
    writeFileSync(join(ROOT, name), content);
    contents.set(name, content.toString("utf8"));
  }
  const runner = JSON.parse(contents.get(".runner") ?? "{}") as { AgentName?: string; ServerUrl?: string };
  const credentials = JSON.parse(contents.get(".credentials") ?? "{}") as { Data?: { Token?: string } };
  const token = credentials.Data?.Token;
  if (runner.AgentName === undefined || runner.ServerUrl === undefined || token === undefined) {
    throw new Error("the JIT config does not hold a runner and its credentials");
  }
  return { name: runner.AgentName, serverUrl: runner.ServerUrl, token };
}

function say(text: string): void {
  console.log(`${new Date().toISOString()}: ${text}`);
}

function complain(text: string): void {
  console.error(text);
}

async function main(): Promise<number> {
  const jitConfig = takeJitConfig();
  if (jitConfig === null) {
    complain("Runner is not configured.");
    return EXIT.terminatedError;
  }
  let settings: Settings;
  try {
    settings = configure(jitConfig);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return EXIT.terminatedError;
  }
  return new Listener(settings).run();
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    complain(`An error occurred: ${String(error)}`);
    process.exit(EXIT.retryableError);
  },
);
