import { existsSync } from "node:fs";
import { argumentListsWith, filesWith, someClaim } from "./support/secrets";
import { Task, payload } from "./support/task";
import { type Answer, type WorkerStub, workerStub } from "./support/worker-stub";

const claim = someClaim();
let task: Task;
let worker: WorkerStub | undefined;

beforeEach(() => {
  task = new Task();
});

afterEach(async () => {
  task.remove();
  await worker?.close();
});

async function release(answers: readonly Answer[], env: Record<string, string> = {}): Promise<number | null> {
  worker = await workerStub(answers);
  task.start({ script: "release-runner.sh", payload: payload(worker.claimUrl, claim), env });
  return task.exited();
}

test("gives the claim back as its holder", async () => {
  expect(await release([{ status: 204 }])).toBe(0);
  expect(worker?.requests).toHaveLength(1);
  expect(worker?.requests[0]).toMatchObject({
    method: "DELETE",
    path: "/runners/claim",
    headers: { authorization: `Bearer ${claim}`, "x-runner-holder": task.allocationId },
  });
  expect(task.output).toContain("given back");
});

test("asks again after a lost answer and after 503", async () => {
  expect(await release(["drop", { status: 503 }, { status: 204 }])).toBe(0);
  expect(worker?.requests.map(({ method }) => method)).toEqual(["DELETE", "DELETE", "DELETE"]);
});

test.each([401, 404, 502])("an answer %i does not fail the allocation", async (status) => {
  expect(await release([{ status }])).toBe(0);
  expect(worker?.requests).toHaveLength(1);
  expect(task.output).toContain(`answer ${String(status)}`);
});

test("a Worker that cannot be reached does not fail the allocation, and is not waited for forever", async () => {
  const env = { RUNNER_CLAIM_TIMEOUT_SECONDS: "1", RUNNER_CLAIM_PAUSE_SECONDS: "1" };
  task.start({
    script: "release-runner.sh",
    payload: payload("http://127.0.0.1:1/runners/claim", claim),
    env,
  });
  expect(await task.exited()).toBe(0);
  expect(task.output).toContain("no answer in time");
});

test("the claim is in no argument list and no file while it is given back", async () => {
  const found: unknown[] = [];
  worker = await workerStub([{ status: 204 }], () => {
    found.push(argumentListsWith(claim), filesWith(task.directory, claim), existsSync(task.payloadFile));
  });
  task.start({ script: "release-runner.sh", payload: payload(worker.claimUrl, claim) });
  await task.exited();
  expect(found).toEqual([[], [], false]);
  expect(task.output).not.toContain(claim);
});
