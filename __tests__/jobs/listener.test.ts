import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256, someClaim, someJitConfig } from "./support/secrets";
import { type Start, Task, type TaskOptions, isAlive, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const jitConfig = someJitConfig();
const granted = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: jitConfig }),
};

/** Seconds that are over soon, and yet enough for the fake listener's start on a machine that is busy otherwise. */
const SHORT = "3";
/** Longer than that. */
const LONGER_MS = 6_000;

let task: Task;
let worker: WorkerStub;

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([granted]);
});

afterEach(async () => {
  task.remove();
  await worker.close();
});

function start(
  plan: readonly Start[],
  env: Record<string, string> = {},
  shell: TaskOptions["shell"] = ["/bin/sh"],
): void {
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ shell, payload: shown, plan, env: { RUNNER_ALLOW_FORKS: "true", ...env } });
}

const listenerPid = (): number => task.reported.find(({ event }) => event === "start")?.pid ?? 0;
const idle: Start = {};

describe.each([
  ["dash", ["/bin/sh"]],
  ["bash in POSIX mode", ["bash", "--posix"]],
] as const)("with %s", (_name, shell) => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s reaches the listener as SIGINT", async (name, code) => {
    start([idle], {}, shell);
    await task.until(() => task.events.includes("start"), "the listener");
    task.signal(name);

    expect(await task.exited()).toBe(code);
    expect(task.events).toEqual(["start", "SIGINT"]);
    expect(isAlive(listenerPid())).toBe(false);
  });

  test("a runner without a workflow job is stopped after its idle timeout", async () => {
    start([idle], { RUNNER_IDLE_TIMEOUT_SECONDS: SHORT }, shell);

    expect(await task.exited()).toBe(20);
    expect(task.events).toEqual(["start", "SIGINT"]);
  });

  test("a workflow job is stopped after its maximum duration", async () => {
    const env = { RUNNER_MAX_DURATION_SECONDS: SHORT };
    start([{ job: { ms: 60_000 } }], env, shell);

    expect(await task.exited()).toBe(21);
    expect(task.events).toEqual(["start", "hook", "step", "SIGINT", "worker SIGTERM"]);
  });

  test("a listener that ignores SIGINT is killed after the grace", async () => {
    start([{ deaf: true }], { RUNNER_IDLE_TIMEOUT_SECONDS: SHORT, RUNNER_STOP_GRACE_SECONDS: "1" }, shell);

    expect(await task.exited()).toBe(20);
    expect(task.events).toEqual(["start", "SIGINT"]);
    expect(task.output).toContain("killing it");
    expect(isAlive(listenerPid())).toBe(false);
  });
});

test("a workflow job outlives the idle timeout", async () => {
  start([{ job: { ms: LONGER_MS } }], { RUNNER_IDLE_TIMEOUT_SECONDS: SHORT });
  expect(await task.exited()).toBe(0);
  expect(task.events).toEqual(["start", "hook", "step"]);
});

test("a worker that still fetches actions counts as a workflow job", async () => {
  start([{ log: true, ms: LONGER_MS }], { RUNNER_IDLE_TIMEOUT_SECONDS: SHORT });
  expect(await task.exited()).toBe(0);
  expect(task.events).toEqual(["start"]);
});

test("a signal during the workflow job gives it the grace to end", async () => {
  start([{ job: { ms: 60_000 } }]);
  await task.until(() => task.events.includes("step"), "the workflow job");
  task.signal("SIGTERM");
  expect(await task.exited()).toBe(143);
  expect(task.events).toEqual(["start", "hook", "step", "SIGINT", "worker SIGTERM"]);
});

test.each([
  [0, 22],
  [1, 31],
  [5, 35],
  [7, 37],
  [12, 39],
  [137, 39],
])("a listener that ends with %i without a workflow job gives code %i", async (exit, code) => {
  start([{ exit }]);
  expect(await task.exited()).toBe(code);
  expect(task.events).toEqual(["start"]);
});

test("a listener that fails after a workflow job came does not pass for a job that ran", async () => {
  start([{ exit: 1, job: {} }]);
  expect(await task.exited()).toBe(31);
});

test.each([2, 3, 4])("after code %i the listener is started again, without the JIT config", async (exit) => {
  start([{ exit, update: exit !== 2 }, { job: {} }]);
  expect(await task.exited()).toBe(0);
  expect(task.events).toEqual(["start", "start", "hook", "step"]);
  const starts = task.reported.filter(({ event }) => event === "start");
  expect(starts.map(({ jit }) => jit)).toEqual([sha256(jitConfig), null]);
  expect(existsSync(join(task.root, "update.finished"))).toBe(false);
});

test("an update that never finishes ends after three more starts", async () => {
  const updating: Start = { exit: 4 };
  start([updating, updating, updating, updating, { job: {} }], { RUNNER_UPDATE_WAIT_SECONDS: "0" });
  expect(await task.exited()).toBe(34);
  expect(task.events).toEqual(["start", "start", "start", "start"]);
});

test("the listener gets `run`, its root as directory, the hook and no tokens", async () => {
  start([{ exit: 0 }], {
    NOMAD_TOKEN: "t",
    VAULT_TOKEN: "t",
    CONSUL_HTTP_TOKEN: "t",
    claim: "x",
    jit_config: "x",
  });
  await task.exited();
  const [listener] = task.reported;
  expect(listener).toMatchObject({ args: ["run"], cwd: task.root, sigintIgnored: false });
  expect(listener?.env).toEqual(expect.arrayContaining(["ACTIONS_RUNNER_HOOK_JOB_STARTED"]));
  expect(listener?.env).toEqual(
    expect.arrayContaining(["ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE", "JOB_HOOK_STATE"]),
  );
  for (const name of ["NOMAD_TOKEN", "VAULT_TOKEN", "CONSUL_HTTP_TOKEN", "claim", "jit_config"]) {
    expect(listener?.env).not.toContain(name);
  }
});

test("a hook that refuses because the runner is stopped does not pass for a refused job", async () => {
  const script = `{ until grep -q SIGINT "$FAKE_REPORT"; do sleep 0.05; done; echo refused >"$JOB_HOOK_STATE"; } &`;
  start([{ deaf: true, job: { ms: 60_000, script } }], { RUNNER_STOP_GRACE_SECONDS: "3" });
  await task.until(() => task.events.includes("step"), "the workflow job");
  task.signal("SIGTERM");
  expect(await task.exited()).toBe(143);
  expect(readFileSync(join(task.local, "runner-state/job"), "utf8")).toBe("refused\n");
});

test("a root that one allocation used is refused to the next", async () => {
  mkdirSync(join(task.root, ".in-use"));
  start([{ job: {} }]);
  expect(await task.exited()).toBe(10);
  expect(task.output).toContain("set RUNNER_COPY=true");
  expect(task.reported).toEqual([]);
});

test("with RUNNER_COPY the listener runs from a copy that shares nothing it writes", async () => {
  mkdirSync(join(task.root, "externals"));
  mkdirSync(join(task.root, "_diag"));
  writeFileSync(join(task.root, "_diag/Worker_of-another.log"), "");
  writeFileSync(join(task.root, ".env"), "LANG=C.UTF-8\n");
  start([idle], { RUNNER_COPY: "true" });
  await task.until(() => task.events.includes("start"), "the listener");

  expect(task.reported[0]?.cwd).toBe(task.copy);
  expect(readFileSync(join(task.copy, ".env"), "utf8")).toBe("LANG=C.UTF-8\n");
  expect(existsSync(join(task.copy, "externals"))).toBe(true);
  expect(existsSync(join(task.root, ".in-use"))).toBe(false);
  task.signal("SIGTERM");
  expect(await task.exited()).toBe(143);
});

test("logs of an earlier worker are not taken for a workflow job", async () => {
  mkdirSync(join(task.root, "_diag"));
  writeFileSync(join(task.root, "_diag/Worker_of-the-image.log"), "");
  start([{ exit: 0 }]);
  expect(await task.exited()).toBe(22);
});
