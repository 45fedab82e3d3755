import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
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

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([granted]);
});

afterEach(async () => {
  task.remove();
  await worker.close();
});

const told = (): string => join(task.directory, "told");
const tale = (): string => (existsSync(told()) ? readFileSync(told(), "utf8") : "");

/** A hook of the class's owner, as a template puts it there: readable, not executable. */
function hook(name: string, text: string): string {
  const file = join(task.local, name);
  writeFileSync(file, text);
  chmodSync(file, 0o644);
  return file;
}

interface Job {
  readonly ms?: number;
  readonly interruptMs?: number;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function start(env: Readonly<Record<string, string>>, job: Job = {}): void {
  const settings = { RUNNER_ALLOW_FORKS: "true", TOLD: told(), ...env };
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ payload: shown, plan: [{ job }], env: settings });
}

const state = (): string => readFileSync(join(task.local, "runner-state/job"), "utf8").trim();

describe.each(["bash", "sh"])("a class's own job-started hook, where the fence runs in %s", (shell) => {
  const before = (text: string) => ({ RUNNER_USER_STARTED_HOOK: hook("before.sh", text) });

  test("runs after the fence's word and before the first step, with what GitHub gives a hook", async () => {
    const text = `cat "\${JOB_HOOK_STATE}" >>"$TOLD"; echo "$GITHUB_EVENT_NAME $GITHUB_ACTIONS $0" >>"$TOLD"`;
    start(before(text), { shell, env: { GITHUB_EVENT_NAME: "push" } });
    expect(await task.exited()).toBe(0);
    expect(tale()).toBe(`allowed\npush true ${join(task.local, "before.sh")}\n`);
    expect(task.events).toEqual(["start", "hook", "step"]);
  });

  test("fails the job with its exit code and a word on where to look, and the runner ends as after any job", async () => {
    start(before('echo preparing; false; echo on >>"$TOLD"'), { shell });
    expect(await task.exited()).toBe(0);
    expect(task.reported).toContainEqual(expect.objectContaining({ event: "hook", code: 1 }));
    expect(task.events).toEqual(["start", "hook", "step with if: always()"]);
    const file = join(task.local, "before.sh");
    expect(task.output).toContain(
      `::error title=Job-started hook of this runner class::${file} ended with 1.`,
    );
    expect([tale(), state()]).toEqual(["", "allowed"]);
  });

  test.each([7, 255])("gives %i on", async (code) => {
    start(before(`exit ${String(code)}`), { shell });
    await task.exited();
    expect(task.reported).toContainEqual(expect.objectContaining({ event: "hook", code }));
  });

  test("counts as the job: it is not idle, and its time is the job's", async () => {
    const env = { ...before("sleep 60"), RUNNER_IDLE_TIMEOUT_SECONDS: "2", RUNNER_MAX_DURATION_SECONDS: "4" };
    start(env, { shell });
    expect(await task.exited()).toBe(21);
    expect(task.events).not.toContain("step");
  });

  test("is interrupted when its job is cancelled, and may clean up", async () => {
    const text = `trap 'echo cleaned >>"$TOLD"; exit 3' INT TERM; echo $$ >>"$TOLD"; sleep 60 & wait`;
    start(before(text), { shell, interruptMs: 2_000 });
    await task.exited();
    const [pid, ...rest] = tale().trim().split("\n");
    expect(rest).toEqual(["cleaned"]);
    expect(isAlive(Number(pid))).toBe(false);
    expect(task.reported).toContainEqual(expect.objectContaining({ event: "hook", code: 3 }));
  });
});

test("a job that the fence refuses does not reach the class's own hooks", async () => {
  const env = {
    RUNNER_ALLOW_FORKS: "false",
    RUNNER_USER_STARTED_HOOK: hook("before.sh", 'echo started >>"$TOLD"'),
    RUNNER_USER_COMPLETED_HOOK: hook("after.sh", 'echo completed >>"$TOLD"'),
  };
  start(env, { env: { GITHUB_EVENT_PATH: "/nowhere" } });
  expect(await task.exited()).toBe(23);
  expect(tale()).toBe("");
});

test("a job-completed hook is the runner's to start, and there is none unless the class has one", async () => {
  start({ RUNNER_USER_COMPLETED_HOOK: hook("after.sh", 'echo completed >>"$TOLD"') });
  expect(await task.exited()).toBe(0);
  expect(task.events).toEqual(["start", "hook", "step", "completed hook"]);
  expect(tale()).toBe("completed\n");
  expect(task.reported[0]?.env).toContain("ACTIONS_RUNNER_HOOK_JOB_COMPLETED");
});

test("a class without hooks leaves no trace of any", async () => {
  start({ RUNNER_USER_STARTED_HOOK: "", RUNNER_USER_COMPLETED_HOOK: "" });
  expect(await task.exited()).toBe(0);
  expect(task.events).toEqual(["start", "hook", "step"]);
  expect(task.reported[0]?.env).not.toContain("ACTIONS_RUNNER_HOOK_JOB_COMPLETED");
});

test.each(["RUNNER_USER_STARTED_HOOK", "RUNNER_USER_COMPLETED_HOOK"])(
  "a %s that is not there is told before a runner is asked for",
  async (name) => {
    start({ [name]: join(task.local, "missing.sh") });
    expect(await task.exited()).toBe(10);
    expect(task.output).toContain(`no hook at ${join(task.local, "missing.sh")}, which the class names`);
    expect(worker.requests).toEqual([]);
  },
);
