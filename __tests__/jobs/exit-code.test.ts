import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { someClaim, someJitConfig } from "./support/secrets";
import { type Start, Task, payload } from "./support/task";
import { type Answer, type WorkerStub, workerStub } from "./support/worker-stub";

const granted: Answer = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: someJitConfig() }),
};

let task: Task;
let worker: WorkerStub;

beforeEach(() => {
  task = new Task();
});

afterEach(async () => {
  task.remove();
  await worker.close();
});

const file = (): string => join(task.shared, "runner-exit");

async function start(answers: readonly Answer[], plan: readonly Start[], env = {}): Promise<number | null> {
  worker = await workerStub([...answers, { status: 204 }]);
  const settings = { RUNNER_ALLOW_FORKS: "true", ...env };
  task.start({ payload: payload(worker.claimUrl, someClaim()), plan, env: settings });
  return task.exited();
}

/** @returns the exit code that the Worker is told, or undefined */
async function release(): Promise<unknown> {
  task.start({ script: "release-runner.sh", payload: payload(worker.claimUrl, someClaim()) });
  expect(await task.exited()).toBe(0);
  const last = worker.requests.at(-1);
  expect(last?.method).toBe("DELETE");
  return last?.headers["x-runner-exit"];
}

test.each<readonly [string, number, readonly Answer[], readonly Start[], Record<string, string>]>([
  ["a job that ran", 0, [granted], [{ job: {} }], {}],
  ["no job that waits", 0, [{ status: 410 }], [], {}],
  ["a setting that is none", 10, [], [], { RUNNER_IDLE_TIMEOUT_SECONDS: "x" }],
  ["a claim that is refused", 12, [{ status: 401 }], [], {}],
  ["a JIT config that GitHub refuses", 13, [{ status: 502 }], [], {}],
  ["nobody who comes", 20, [granted], [{}], { RUNNER_IDLE_TIMEOUT_SECONDS: "1" }],
  ["a version that GitHub refuses", 37, [granted], [{ exit: 7 }], {}],
])("of %s is told with the claim that is given back: %i", async (_, code, answers, plan, env) => {
  expect(await start(answers, plan, env)).toBe(code);
  expect(await release()).toBe(String(code));
  expect(worker.requests.slice(0, -1).filter(({ headers }) => "x-runner-exit" in headers)).toEqual([]);
});

test("of a script that SIGKILL ends is told as 137", async () => {
  worker = await workerStub([granted, { status: 204 }]);
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ payload: shown, plan: [{}], env: { RUNNER_COPY: "true" } });
  await task.until(() => task.events.includes("start"), "the listener");
  task.signal("SIGKILL");
  await task.until(() => task.endedBySignal, "the end of the script");
  expect(await release()).toBe("137");
});

test("of a script that never began is not told", async () => {
  worker = await workerStub([{ status: 204 }]);
  expect(await release()).toBeUndefined();
});

describe("a file in its place that workflow code made", () => {
  beforeEach(async () => {
    worker = await workerStub([{ status: 204 }]);
  });

  test.each([
    ["empty", ""],
    ["no number", "abc"],
    ["negative", "-1"],
    ["four digits", "1370"],
    ["a header", '37"\nheader = "X-Injected: 1'],
    ["a line before it", "\n37"],
    ["bytes", "\u0000\u0000x"],
    ["long", "3".repeat(1_000_000)],
  ])("is not told when it is %s", async (_, text) => {
    writeFileSync(file(), text);
    expect(await release()).toBeUndefined();
    expect(worker.requests.at(-1)?.headers["x-injected"]).toBeUndefined();
  });

  test("is not followed when it is a link, nor waited for when it is a FIFO or a directory", async () => {
    const secret = join(task.directory, "secret");
    writeFileSync(secret, "42");
    symlinkSync(secret, file());
    expect(await release()).toBeUndefined();
    rmSync(file());
    mkdirSync(file());
    expect(await release()).toBeUndefined();
    rmSync(file(), { recursive: true });
    expect(spawnSync("mkfifo", [file()]).status).toBe(0);
    expect(await release()).toBeUndefined();
  });

  test.each(["ln -s /dev/full", "mkfifo", "mkdir", "ln -s ../local/start-runner.sh"])(
    "does not keep start-runner.sh from its end (%s)",
    async (make) => {
      await worker.close();
      const script = `rm -f "$NOMAD_ALLOC_DIR/runner-exit"; ${make} "$NOMAD_ALLOC_DIR/runner-exit"`;
      const before = readFileSync(join(task.local, "start-runner.sh"), "utf8");
      expect(await start([granted], [{ job: { script } }])).toBe(0);
      expect(existsSync(file())).toBe(true);
      expect(readFileSync(join(task.local, "start-runner.sh"), "utf8")).toBe(before);
      expect(await release()).toBe(make === "mkdir" ? undefined : "0");
    },
  );
});
