import { existsSync } from "node:fs";
import { someClaim, someJitConfig } from "./support/secrets";
import { type Start, Task, payload } from "./support/task";
import { type Answer, type WorkerStub, workerStub } from "./support/worker-stub";

const claim = someClaim();
const granted: Answer = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: someJitConfig() }),
};
const oneJob: readonly Start[] = [{ job: {} }];
const forAnyRepository = { RUNNER_ALLOW_FORKS: "true" };

let task: Task;
let worker: WorkerStub | undefined;

beforeEach(() => {
  task = new Task();
});

afterEach(async () => {
  task.remove();
  await worker?.close();
  worker = undefined;
});

async function claimWith(
  answers: readonly Answer[],
  env: Record<string, string> = {},
): Promise<number | null> {
  worker = await workerStub(answers);
  task.start({
    payload: payload(worker.claimUrl, claim),
    plan: oneJob,
    env: { ...forAnyRepository, ...env },
  });
  return task.exited();
}

describe.each([
  ["dash", ["/bin/sh"]],
  ["bash in POSIX mode", ["bash", "--posix"]],
] as const)("with %s", (_name, shell) => {
  test("shows the claim once, as its holder, and runs the workflow job", async () => {
    worker = await workerStub([granted]);
    task.start({ shell, payload: payload(worker.claimUrl, claim), plan: oneJob, env: forAnyRepository });

    expect(await task.exited()).toBe(0);
    expect(task.events).toEqual(["start", "hook", "step"]);
    expect(worker.requests).toHaveLength(1);
    expect(worker.requests[0]).toMatchObject({
      method: "POST",
      path: "/runners/claim",
      body: "",
      headers: { authorization: `Bearer ${claim}`, "x-runner-holder": task.allocationId },
    });
    expect(task.output).not.toContain(claim);
  });
});

test.each([
  [410, 0, "no workflow job waits any more"],
  [409, 0, "another allocation holds this claim"],
  [401, 12, "forged or expired"],
  [502, 13, "GitHub refused a JIT config"],
  [404, 15, "is http://127.0.0.1:"],
  [200, 15, "answer 200"],
  [302, 15, "answer 302"],
])("an answer %i starts no runner and ends with code %i", async (status, code, text) => {
  expect(await claimWith([{ status, body: "{}", headers: { location: "/elsewhere" } }])).toBe(code);
  expect(task.output).toContain(text);
  expect(task.reported).toEqual([]);
  expect(worker?.requests).toHaveLength(1);
});

test("a lost answer is asked for again by the same holder with the same claim", async () => {
  expect(await claimWith(["drop", granted])).toBe(0);
  expect(task.events).toContain("step");
  const shown = worker?.requests.map(({ method, headers }) => [
    method,
    headers.authorization,
    headers["x-runner-holder"],
  ]);
  const first = ["POST", `Bearer ${claim}`, task.allocationId];
  expect(shown).toEqual([first, first]);
});

test("an answer that takes longer than one attempt may counts as lost", async () => {
  let asked = 0;
  worker = await workerStub([granted], () => {
    asked += 1;
    // Blocks this process, and with it the answer, for longer than the attempt.
    if (asked === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  });
  const env = { ...forAnyRepository, RUNNER_CLAIM_ATTEMPT_SECONDS: "1" };
  task.start({ payload: payload(worker.claimUrl, claim), plan: oneJob, env });
  expect(await task.exited()).toBe(0);
  expect(worker.requests.length).toBeGreaterThan(1);
});

test.each([429, 500, 503, 504, 522, 530])("after %i the claim is shown again", async (status) => {
  expect(await claimWith([{ status }, granted])).toBe(0);
  expect(worker?.requests).toHaveLength(2);
  expect(task.events).toContain("step");
});

test.each(["Retry-After", "retry-after"])(
  "%s says how long to wait before the next attempt",
  async (header) => {
    expect(await claimWith([{ status: 503, headers: { [header]: "2" } }, granted])).toBe(0);
    expect(task.output).toContain("asking again in 2 s");
  },
);

test.each(["soon", "-1", "99999999999999999999", "0x10", "010", "Wed, 21 Oct 2026 07:28:00 GMT"])(
  "Retry-After: %s is not followed",
  async (value) => {
    expect(await claimWith([{ status: 503, headers: { "Retry-After": value } }, granted])).toBe(0);
    expect(task.output).toContain("asking again in 0 s");
  },
);

test("gives up at once when Retry-After is past the time there is", async () => {
  expect(await claimWith([{ status: 503, headers: { "Retry-After": "60" } }])).toBe(14);
  expect(worker?.requests).toHaveLength(1);
  expect(task.reported).toEqual([]);
});

test("gives up when nothing answers within its time", async () => {
  const env = { RUNNER_CLAIM_TIMEOUT_SECONDS: "2", RUNNER_CLAIM_PAUSE_SECONDS: "1" };
  task.start({ payload: payload("http://127.0.0.1:1/runners/claim", claim), env });
  expect(await task.exited()).toBe(14);
  expect(task.reported).toEqual([]);
});

test.each([
  ["not JSON", "no"],
  ["empty", ""],
  ["no runner name", JSON.stringify({ encoded_jit_config: "abcd" })],
  ["a runner name with a command", JSON.stringify({ runner_name: "$(id)", encoded_jit_config: "abcd" })],
  ["no JIT config", JSON.stringify({ runner_name: "a" })],
  ["an empty JIT config", JSON.stringify({ runner_name: "a", encoded_jit_config: "" })],
  ["a JIT config that is not base64", JSON.stringify({ runner_name: "a", encoded_jit_config: "a b;c" })],
  ["escapes", '{"runner_name":"a","encoded_jit_config":"ab\\u0041"}'],
  ["a key twice", '{"runner_name":"a","runner_name":"b","encoded_jit_config":"abcd"}'],
  ["several lines", '{"runner_name":"a",\n"encoded_jit_config":"abcd"}'],
])("a grant with %s starts no runner", async (_what, body) => {
  expect(await claimWith([{ status: 201, body }])).toBe(15);
  expect(task.reported).toEqual([]);
});

test("without an allocation id the claim is shown without a holder", async () => {
  expect(await claimWith([granted], { NOMAD_ALLOC_ID: "" })).toBe(0);
  expect(worker?.requests[0]?.headers).not.toHaveProperty("x-runner-holder");
});

test.each([
  ["RUNNER_IDLE_TIMEOUT_SECONDS", "5m"],
  ["RUNNER_MAX_DURATION_SECONDS", "-1"],
  ["RUNNER_STOP_GRACE_SECONDS", "060"],
  ["NOMAD_ALLOC_ID", "a\r\nX-Evil: 1"],
  ["RUNNER_ROOT", "/nowhere"],
  ["RUNNER_HOOK", "/nowhere/hook.sh"],
  ["NOMAD_TASK_DIR", ""],
])("a wrong %s is refused before the claim is spent", async (name, value) => {
  expect(await claimWith([granted], { [name]: value })).toBe(10);
  expect(task.output).toContain(name === "RUNNER_HOOK" ? "job-started hook" : name);
  expect(worker?.requests).toEqual([]);
  expect(existsSync(task.payloadFile)).toBe(true);
});
