import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { someClaim, someJitConfig } from "./support/secrets";
import { Task, isAlive, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const granted = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: someJitConfig() }),
};

let task: Task;
let worker: WorkerStub;
let bystanders: ChildProcess[];

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([granted, { status: 204 }]);
  bystanders = [];
});

afterEach(async () => {
  for (const one of bystanders) one.kill("SIGKILL");
  for (const pid of daemons()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  task.remove();
  await worker.close();
});

const told = (): string => join(task.directory, "daemons");

/** Ids of the daemons that the step of a workflow job started. */
function daemons(): number[] {
  if (!existsSync(told())) return [];
  return readFileSync(told(), "utf8").trim().split("\n").map(Number);
}

/** A process of the same user that has nothing to do with the allocation. */
function bystander(env: Readonly<Record<string, string>>, cwd = task.directory): number {
  const child = spawn("sleep", ["60"], { cwd, env: { PATH: process.env["PATH"], ...env }, detached: true });
  bystanders.push(child);
  return child.pid ?? 0;
}

/** In sessions of their own: as the step began; deaf to all but SIGKILL; without its environment; below another daemon. */
const DAEMONS = `
  start() { setsid "$@" </dev/null >/dev/null 2>&1 & }
  start sh -c 'echo $$ >>"$TOLD"; exec sleep 60'
  start sh -c 'trap "" HUP INT TERM; echo $$ >>"$TOLD"; while :; do sleep 1; done'
  start env -i TOLD="$TOLD" sh -c 'echo $$ >>"$TOLD"; exec sleep 60'
  start sh -c 'setsid sh -c "echo \\$\\$ >>$TOLD; cd /; exec sleep 60" & exit 0'
  while [ "$(wc -l <"$TOLD" 2>/dev/null || echo 0)" -lt 4 ]; do sleep 0.1; done
`;

function start(ms: number, env: Readonly<Record<string, string>> = {}): void {
  const settings = { RUNNER_COPY: "true", RUNNER_ALLOW_FORKS: "true", TOLD: told(), ...env };
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ payload: shown, plan: [{ job: { script: DAEMONS, ms } }], env: settings });
}

const working = () => task.until(() => task.events.includes("step"), "the workflow job");

describe("what a workflow job left running in sessions of its own", () => {
  test.each([
    ["when it has ended", 0, {}, 0],
    ["when its time is over", 60_000, { RUNNER_MAX_DURATION_SECONDS: "3" }, 21],
  ] as const)("has ended %s", async (_, ms, env, code) => {
    start(ms, env);
    expect(await task.exited()).toBe(code);
    expect(daemons()).toHaveLength(4);
    expect(daemons().filter(isAlive)).toEqual([]);
    expect(task.output).toContain("ended what was left running");
  });

  test("has ended when the runner was stopped", async () => {
    start(60_000);
    await working();
    expect(daemons().filter(isAlive)).toHaveLength(4);
    task.signal("SIGTERM");
    expect(await task.exited()).toBe(143);
    expect(daemons().filter(isAlive)).toEqual([]);
  });

  test("and the listener that a killed start-runner.sh left, release-runner.sh ends", async () => {
    start(60_000);
    await working();
    task.signal("SIGKILL");
    await task.until(() => task.endedBySignal, "the end of the script");
    const listener = task.reported[0]?.pid ?? 0;
    expect([listener, ...daemons()].filter(isAlive)).toHaveLength(5);

    task.start({ script: "release-runner.sh", payload: payload(worker.claimUrl, someClaim()) });
    expect(await task.exited()).toBe(0);
    expect([listener, ...daemons()].filter(isAlive)).toEqual([]);
  });
});

test("processes of the same user without the allocation's mark go on", async () => {
  const other = task.allocationId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  const pids = [
    bystander({}),
    bystander({ RUNNER_ALLOCATION: other }),
    bystander({ RUNNER_ALLOCATION: `${task.allocationId}0` }),
    bystander({ X_RUNNER_ALLOCATION: task.allocationId }),
    // What Nomad gives every task of the allocation: release-runner.sh, a daemon beside the runner.
    bystander({ NOMAD_ALLOC_ID: task.allocationId, NOMAD_ALLOC_DIR: task.shared }, task.shared),
  ];
  start(0);
  expect(await task.exited()).toBe(0);
  task.start({ script: "release-runner.sh", payload: payload(worker.claimUrl, someClaim()) });
  expect(await task.exited()).toBe(0);
  expect(daemons().filter(isAlive)).toEqual([]);
  expect(pids.filter(isAlive)).toEqual(pids);
});

test("without an allocation's id nothing is ended", async () => {
  const pid = bystander({ RUNNER_ALLOCATION: "" });
  start(0, { NOMAD_ALLOC_ID: "" });
  expect(await task.exited()).toBe(0);
  expect(isAlive(pid)).toBe(true);
});
