import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GithubStandIn, startGithub } from "../../local/github/github";
import { makeRunnerRoot } from "../../local/runner/root";
import { JIT_PATH, REPOSITORY, ask, registration } from "./support/github-client";

interface Running {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly code: Promise<number | null>;
}

describe("the runner's stand-in", () => {
  let github: GithubStandIn;
  let directory: string;
  let root: string;
  const started: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "listener-test-"));
    root = join(directory, "runner");
    await makeRunnerRoot(root);
    github = await startGithub({ tokens: [{ token: "pat", owner: "octo-org" }] });
    github.addRepository({ fullName: REPOSITORY, private: false });
  });
  afterEach(async () => {
    for (const process of started.splice(0)) process.kill("SIGKILL");
    await github.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const jit = async (name = "one"): Promise<string> =>
    String((await ask(github, "pat", "POST", JIT_PATH, registration(name))).json["encoded_jit_config"]);

  const run = (env: Record<string, string>, args: readonly string[] = ["run"]): Running => {
    const child = spawn(join(root, "bin", "Runner.Listener"), args, {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return {
      process: child,
      output: () => output,
      code: new Promise((resolve) => child.once("exit", resolve)),
    };
  };
  const withJit = async (env: Record<string, string> = {}): Promise<Running> =>
    run({ ACTIONS_RUNNER_INPUT_JITCONFIG: await jit(), ...env });
  const hook = async (text: string, which = "STARTED"): Promise<Record<string, string>> => {
    const file = join(directory, `${which}.sh`);
    await writeFile(file, text);
    return { [`ACTIONS_RUNNER_HOOK_JOB_${which}`]: file };
  };
  const queue = (more = {}) => github.queueJob({ repository: REPOSITORY, labels: ["linux"], ...more });
  const completed = async () => {
    await github.events.waitFor((event) => event.type === "job.completed", "the job's end");
    return github.jobs()[0];
  };
  const reaches = (type: string) => github.events.waitFor((event) => event.type === type, type);

  test.each([
    ["no JIT config", {}],
    ["an empty one", { ACTIONS_RUNNER_INPUT_JITCONFIG: "" }],
    ["one that is not base64 of JSON", { ACTIONS_RUNNER_INPUT_JITCONFIG: "%%%" }],
    ["one without a runner", { ACTIONS_RUNNER_INPUT_JITCONFIG: Buffer.from("{}").toString("base64") }],
  ])("with %s it ends with 1", async (_what, env) => {
    expect(await run(env).code).toBe(1);
  });

  test("it takes one job, writes the files of the JIT config to its root, and ends with 0", async () => {
    const listener = await withJit();
    await queue({ script: "echo from the step; env", name: "build" });
    expect(await listener.code).toBe(0);
    const job = github.jobs()[0];
    expect(job).toMatchObject({ status: "completed", conclusion: "success", runnerName: "one" });
    expect(job?.log).toContain("from the step");
    expect(job?.log).not.toContain("JITCONFIG");
    expect(existsSync(join(root, ".credentials"))).toBe(true);
    expect(readdirSync(join(root, "_diag"))).toEqual([
      expect.stringMatching(/^Worker_\d{8}-\d{6}-utc\.log$/),
    ]);
    expect(github.runners()).toEqual([]);
  });

  test("the JIT config may come as an argument", async () => {
    const listener = run({}, ["run", "--jitconfig", await jit()]);
    await queue();
    expect(await listener.code).toBe(0);
  });

  test("with ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED it ends with 100 and the job's result", async () => {
    const env = { ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED: "true" };
    const listener = await withJit(env);
    await queue({ script: "exit 3" });
    expect(await listener.code).toBe(102);
    expect((await completed())?.conclusion).toBe("failure");
  });

  test("a registration that was deleted ends it with 1, one deleted while it listens with 0", async () => {
    const config = await jit();
    github.removeRunner(github.runners()[0]?.id ?? 0);
    expect(await run({ ACTIONS_RUNNER_INPUT_JITCONFIG: config }).code).toBe(1);
    const listener = await withJit();
    await reaches("runner.online");
    github.removeRunner(github.runners()[0]?.id ?? 0);
    expect(await listener.code).toBe(0);
    expect(listener.output()).toContain("no longer exists");
  });

  test("a session that another listener holds ends it with 5, a server that is not there with 2", async () => {
    const config = await jit();
    const env = { ACTIONS_RUNNER_INPUT_JITCONFIG: config, RUNNER_STAND_IN_CONFLICT_MS: "0" };
    run(env);
    await reaches("runner.online");
    expect(await run(env).code).toBe(5);
    const orphan = await jit("two");
    await github.close();
    expect(await run({ ACTIONS_RUNNER_INPUT_JITCONFIG: orphan }).code).toBe(2);
  });

  test.each([
    ["7 where that is asked for", { ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" }, 7],
    ["1 otherwise", {}, 1],
  ])("a server that takes its version no more ends it with %s", async (_, env, code) => {
    const fault = { kind: "answer", status: 403, headers: {}, body: '{"errorCode":1}' } as const;
    github.faults.add({ method: "POST", path: /\/sessions$/, fault });
    const listener = await withJit(env);
    expect(await listener.code).toBe(code);
    expect(listener.output()).toContain("deprecated");
  });

  test("the job-started hook sees the event and the repository before the first step", async () => {
    const env = await hook(
      'cp "$GITHUB_EVENT_PATH" "$OUT"; echo "$GITHUB_EVENT_NAME $GITHUB_REPOSITORY $GITHUB_REF"',
    );
    const out = join(directory, "event.json");
    const listener = await withJit({ ...env, OUT: out });
    await queue({ headRepository: "someone/example", script: "echo step" });
    await listener.code;
    const event = JSON.parse(readFileSync(out, "utf8")) as {
      repository: { id: number; private: boolean };
      pull_request: { head: { repo: { id: number; full_name: string } }; base: { repo: { id: number } } };
    };
    expect(event.repository.private).toBe(false);
    expect(event.pull_request.head.repo.full_name).toBe("someone/example");
    expect(event.pull_request.head.repo.id).not.toBe(event.repository.id);
    expect(event.pull_request.base.repo.id).toBe(event.repository.id);
    expect((await completed())?.log).toBe(`pull_request ${REPOSITORY} refs/pull/1/merge\nstep\n`);
  });

  test.each([
    ["ends with another code than 0", "exit 1"],
    [
      "ends the worker process",
      "trap 'exit 0' INT; kill -TERM $PPID; for _ in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done",
    ],
    ["kills the worker process", "kill -KILL $PPID; exit 1"],
  ])("a hook that %s fails the job before its first step", async (_what, text) => {
    const listener = await withJit(await hook(text));
    await queue({ script: "echo step" });
    expect(await listener.code).toBe(0);
    const job = await completed();
    expect(job?.conclusion).toBe("failure");
    expect(job?.log).not.toContain("step");
  });

  test("a hook that is not there fails the job", async () => {
    const listener = await withJit({ ACTIONS_RUNNER_HOOK_JOB_STARTED: join(directory, "missing.sh") });
    await queue({ script: "echo step" });
    await listener.code;
    expect((await completed())?.conclusion).toBe("failure");
  });

  test("hooks run around the step, and what the first one puts into GITHUB_ENV is there for the rest", async () => {
    const first = await hook('echo first; echo "FROM_HOOK=a=b" >>"$GITHUB_ENV"');
    const last = await hook('echo "last $FROM_HOOK $GITHUB_REPOSITORY"', "COMPLETED");
    await withJit({ ...first, ...last });
    await queue({ script: 'echo "step $FROM_HOOK"' });
    const job = await completed();
    expect(job).toMatchObject({ conclusion: "success", log: `first\nstep a=b\nlast a=b ${REPOSITORY}\n` });
  });

  test.each([
    ["the step failed", "true", "exit 1", "true", "failure"],
    ["the first hook failed", "false", "echo step", "true", "failure"],
    ["it fails the job itself", "true", "echo step", "false", "failure"],
  ])("the job-completed hook runs when %s", async (_, before, script, after, conclusion) => {
    await withJit({ ...(await hook(before)), ...(await hook(`echo last; ${after}`, "COMPLETED")) });
    await queue({ script });
    const job = await completed();
    expect(job?.conclusion).toBe(conclusion);
    expect(job?.log).toMatch(/last\n$/);
    expect(job?.log.includes("step")).toBe(before === "true" && script === "echo step");
  });

  test("the job-completed hook runs when the job is cancelled, and not when the runner is stopped", async () => {
    const last = await hook("echo last", "COMPLETED");
    const cancelled = await withJit(last);
    await github.cancelJob((await queueRunning()).id);
    expect(await cancelled.code).toBe(0);
    const stopped = run({ ACTIONS_RUNNER_INPUT_JITCONFIG: await jit("two"), ...last });
    await queue({ script: "sleep 60" });
    await github.events.waitFor(
      (event) => event.type === "job.in_progress" && event.job.runnerName === "two",
      "the second job",
    );
    stopped.process.kill("SIGINT");
    expect(await stopped.code).toBe(0);
    expect(github.jobs().map(({ conclusion, log }) => [conclusion, log])).toEqual([
      ["cancelled", "last\n"],
      ["cancelled", ""],
    ]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s while idle ends it with 0 and leaves the registration",
    async (signal) => {
      const listener = await withJit();
      await reaches("runner.online");
      listener.process.kill(signal);
      expect(await listener.code).toBe(0);
      expect(github.runners()).toEqual([expect.objectContaining({ online: false })]);
    },
  );

  test("SIGINT during a job cancels it and reports it", async () => {
    const listener = await withJit();
    await queue({ runMs: 60_000 });
    await reaches("job.in_progress");
    listener.process.kill("SIGINT");
    expect(await listener.code).toBe(0);
    expect((await completed())?.conclusion).toBe("cancelled");
  });

  test("a job that is cancelled at GitHub ends early", async () => {
    const listener = await withJit();
    const { id } = await queueRunning();
    await github.cancelJob(id);
    expect(await listener.code).toBe(0);
    expect((await completed())?.conclusion).toBe("cancelled");
  });

  async function queueRunning(): Promise<{ readonly id: number }> {
    const job = await queue({ script: "sleep 60" });
    await reaches("job.in_progress");
    return job;
  }
});
