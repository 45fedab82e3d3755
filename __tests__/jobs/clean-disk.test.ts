import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { someClaim, someJitConfig } from "./support/secrets";
import { type Start, Task, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const granted = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: someJitConfig() }),
};

let task: Task;
let worker: WorkerStub;
/** Outside of what may be removed; links of the workflow job lead there. */
let outside: string;

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([granted]);
  outside = join(task.directory, "outside");
  mkdirSync(join(outside, "kept"), { recursive: true });
  writeFileSync(join(outside, "kept/file"), "kept");
  for (const name of ["logs", "data", "tmp"]) mkdirSync(join(task.shared, name));
  writeFileSync(join(task.shared, "logs/runner.stdout.0"), "log");
});

afterEach(async () => {
  task.remove();
  await worker.close();
});

/** What a workflow job may leave: links out of its directory, names that look like options or hold line ends, and
 *  directories that nobody may write. */
const LITTER = String.raw`
  ln -s "$OUTSIDE" link; ln -s "$OUTSIDE/kept/file" file; ln -s / root; ln -s .. up; ln "$OUTSIDE/kept/file" hard
  mkdir -- -rf '--no-preserve-root' '*' ' ' 'a
b' "$(printf '\377')"; : >-; : >'$(touch x)'; : >...
  mkdir -p ro/deep/deeper; : >ro/deep/deeper/file; chmod 0 ro/deep/deeper; chmod 500 ro/deep ro
  head -c 3000000 /dev/zero >big; mkdir -p "$HOME/.cache"; : >"$HOME/.cache/entry"; mktemp >/dev/null
`;

function start(plan: readonly Start[], env: Record<string, string> = {}, shell = "/bin/sh"): void {
  const flags = shell === "bash" ? (["bash", "--posix"] as const) : ([shell] as const);
  const defaults = { RUNNER_COPY: "true", RUNNER_ALLOW_FORKS: "true", OUTSIDE: outside };
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ shell: flags, payload: shown, plan, env: { ...defaults, ...env } });
}

async function release(env: Record<string, string> = {}): Promise<number | null> {
  const script = "release-runner.sh";
  task.start({ script, payload: payload(worker.claimUrl, someClaim()), env });
  return task.exited();
}

/** Everything outside of the runner's directory is as it was. */
function expectRestUntouched(): void {
  expect(readFileSync(join(outside, "kept/file"), "utf8")).toBe("kept");
  expect(readFileSync(join(task.shared, "logs/runner.stdout.0"), "utf8")).toBe("log");
  expect(readdirSync(task.shared).filter((name) => name !== "runner")).toEqual([
    "data",
    "logs",
    "runner-exit",
    "tmp",
  ]);
  expect(readdirSync(join(task.shared, "tmp"))).toEqual([]);
}

const MAXIMUM = { RUNNER_MAX_DURATION_SECONDS: "3" };
const WROTE: unknown = expect.objectContaining({ event: "script", code: 0 });
const step = { job: { script: LITTER } };

describe.each(["/bin/sh", "bash"])("with %s", (shell) => {
  test.each<readonly [string, readonly Start[], Record<string, string>, number]>([
    ["a workflow job", [step], {}, 0],
    ["a workflow job beyond its time", [{ job: { script: LITTER, ms: 60_000 } }], MAXIMUM, 21],
    ["a listener that ended badly", [{ ...step, exit: 1 }], {}, 31],
    ["an idle runner", [{}], { RUNNER_IDLE_TIMEOUT_SECONDS: "2" }, 20],
    ["a refused version", [{ exit: 7 }], {}, 37],
  ])("nothing of %s is left but the logs", async (_, plan, env, code) => {
    start(plan, env, shell);
    expect(await task.exited()).toBe(code);
    expect(existsSync(task.copy)).toBe(false);
    if (plan[0]?.job !== undefined) expect(task.reported).toContainEqual(WROTE);
    expectRestUntouched();
  });
});

test("nothing of a runner that was stopped is left", async () => {
  start([{ job: { script: LITTER, ms: 60_000 } }]);
  await task.until(() => task.events.includes("step"), "the workflow job");
  expect(existsSync(join(task.copy, "_work/example/big"))).toBe(true);
  task.signal("SIGTERM");
  expect(await task.exited()).toBe(143);
  expect(existsSync(task.copy)).toBe(false);
  expectRestUntouched();
});

test("home and temporary files are in the allocation, for the runner alone", async () => {
  start([{ job: { script: 'echo "$HOME $TMPDIR" >"$OUTSIDE/told"' } }], { HOME: outside, TMPDIR: outside });
  await task.exited();
  expect(readFileSync(join(outside, "told"), "utf8").trim().split(" ")).toEqual([
    join(task.copy, "_home"),
    join(task.copy, "_tmp"),
  ]);
});

test("a runner that is not the allocation's keeps its home, and is left as it is", async () => {
  start([{ job: { script: 'echo "$HOME" >"$OUTSIDE/told"' } }], { HOME: outside, RUNNER_COPY: "false" });
  expect(await task.exited()).toBe(0);
  expect(readFileSync(join(outside, "told"), "utf8").trim()).toBe(outside);
  expect(existsSync(join(task.root, "_work/example"))).toBe(true);
});

test("a runner that was fetched into the allocation is used there, and removed", async () => {
  mkdirSync(task.copy);
  writeFileSync(join(task.copy, "fetched"), "");
  const listener = join(task.root, "bin/Runner.Listener");
  start([step], { RUNNER_COPY: "false", RUNNER_ROOT: task.copy, RUNNER_LISTENER: listener });
  expect(await task.exited()).toBe(0);
  expect(task.reported[0]?.cwd).toBe(task.copy);
  expect(existsSync(task.copy)).toBe(false);
  expectRestUntouched();
});

test("what a killed start-runner.sh left, release-runner.sh removes", async () => {
  start([{ job: { script: LITTER, ms: 60_000 } }]);
  await task.until(() => task.events.includes("step"), "the workflow job");
  task.signal("SIGKILL");
  await task.until(() => task.endedBySignal, "the end of the script");
  expect(existsSync(join(task.copy, "_work/example/big"))).toBe(true);

  await worker.close();
  worker = await workerStub([{ status: 204 }]);
  expect(await release()).toBe(0);
  expect(existsSync(task.copy)).toBe(false);
  expectRestUntouched();
});

test("what a job wrote to the allocation's tmp/, /tmp where containers share it, goes, too", async () => {
  start([{ job: { script: `cd "$NOMAD_ALLOC_DIR/tmp"\n${LITTER}\n: >.hidden; : >..hidden` } }]);
  expect(await task.exited()).toBe(0);
  expect(task.reported).toContainEqual(WROTE);
  expectRestUntouched();
});

test("a link in place of the allocation's tmp/ is not followed", async () => {
  await worker.close();
  worker = await workerStub([{ status: 204 }]);
  rmSync(join(task.shared, "tmp"), { recursive: true });
  symlinkSync(outside, join(task.shared, "tmp"));
  expect(await release()).toBe(0);
  expect(readFileSync(join(outside, "kept/file"), "utf8")).toBe("kept");
  expect(task.output).toContain("cannot remove all that the runner wrote");
});

test("a link in place of the runner's directory is removed, not what it points at", async () => {
  await worker.close();
  worker = await workerStub([{ status: 204 }]);
  symlinkSync(outside, task.copy);
  expect(await release()).toBe(0);
  expect(() => lstatSync(task.copy)).toThrow("ENOENT");
  expect(readFileSync(join(outside, "kept/file"), "utf8")).toBe("kept");
});

test.each<readonly [string, (shared: string) => string]>([
  ["not set", () => ""],
  ["the root", () => "/"],
  ["not absolute", () => "alloc"],
  ["another directory than alloc/", (shared) => join(shared, "..")],
  ["below alloc/", (shared) => `${shared}/`],
  ["a way up", (shared) => `${shared}/../alloc`],
  ["a doubled slash", (shared) => shared.replace("/alloc", "//alloc")],
  ["of two lines", (shared) => `/x\n${shared}`],
  ["a pattern", (shared) => shared.replace("/alloc", "*/alloc")],
])("with an allocation directory that is %s nothing is removed", async (_, directory) => {
  const env = { NOMAD_ALLOC_DIR: directory(task.shared) };
  mkdirSync(join(task.copy, "_work"), { recursive: true });
  await worker.close();
  worker = await workerStub([{ status: 204 }]);
  expect(await release(env)).toBe(0);
  start([step], env);
  expect(await task.exited()).toBe(10);
  expect(task.output).toContain("NOMAD_ALLOC_DIR must be an absolute path that ends in /alloc");
  expect(existsSync(join(task.copy, "_work"))).toBe(true);
  expect(worker.requests.map(({ method }) => method)).toEqual(["DELETE"]);
});

describe("where rm alone cannot", () => {
  let programs: string;
  /** Puts a program before the machine's own. */
  const program = (name: string, text: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  const path = (): Record<string, string> => ({ PATH: `${programs}:${process.env["PATH"] ?? ""}` });
  beforeEach(async () => {
    programs = join(task.directory, "programs");
    mkdirSync(programs);
    mkdirSync(join(task.copy, "_work"), { recursive: true });
    await worker.close();
    worker = await workerStub([{ status: 204 }]);
  });

  test("sudo does, without a question, where the workflow had it", async () => {
    program("rm", `case "$*" in *alloc/runner) [ -n "$AS_ROOT" ] || exit 1 ;; esac\nexec /bin/rm "$@"`);
    program("sudo", `echo "sudo $*" >>'${outside}/told'; shift; AS_ROOT=1 exec "$@"`);
    expect(await release(path())).toBe(0);
    expect(existsSync(task.copy)).toBe(false);
    const told = readFileSync(join(outside, "told"), "utf8").trim().split("\n");
    expect(told[0]).toBe("sudo -n true");
    expect(told[1]).toMatch(/^sudo -n timeout \d+ rm -rf (?:--one-file-system )?-- \/.+\/alloc\/runner$/);
    expect(told[2]).toMatch(/^sudo -n timeout \d+ find \/.+\/alloc\/tmp -xdev -mindepth 1 -delete$/);
    expect(told).toHaveLength(3);
  });

  test("nobody does, and that is said without failing the allocation", async () => {
    program("rm", `case "$*" in *alloc/runner) exit 1 ;; esac\nexec /bin/rm "$@"`);
    program("sudo", "exit 1");
    expect(await release(path())).toBe(0);
    expect(task.output).toContain(
      "cannot remove all that the runner wrote; Nomad does at garbage collection",
    );
  });

  test("it is not tried for longer than RUNNER_CLEAN_SECONDS", async () => {
    program("rm", `case "$*" in *alloc/runner) exec sleep 60 ;; esac\nexec /bin/rm "$@"`);
    program("sudo", "exit 1");
    const before = Date.now();
    expect(await release({ ...path(), RUNNER_CLEAN_SECONDS: "2" })).toBe(0);
    expect(Date.now() - before).toBeLessThan(15_000);
    expect(task.output).toContain("cannot remove all that the runner wrote");
  });
});
