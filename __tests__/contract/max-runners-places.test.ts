import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, holderOf, jobs, queueUnsent, registerRunner, tokens } from "./support/dispatching";

describe.each(RUNTIMES)("maxRunners (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const cap = async (maxRunners: number): Promise<void> =>
    harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, maxRunners }] } });

  async function run(token: string): Promise<string> {
    const runner = await registerRunner(harness, token);
    const id = Number.parseInt(token);
    await harness.deliver(workflowJob({ id, action: "in_progress", runner }));
    return runner;
  }

  test("0 is no limit", async () => {
    for (const job of jobs(8)) await harness.deliver(workflowJob(job));
    expect(tokens(harness)).toHaveLength(8);
  });

  test("counts runners on the way and at work over all repositories, and drops nothing", async () => {
    await cap(2);
    await harness.deliver(workflowJob({ id: 1, repository: "octo-org/a" }));
    await harness.deliver(workflowJob({ id: 2, repository: "octo-org/b" }));
    for (const [id, repository] of [
      [3, "octo-org/a"],
      [4, "octo-org/c"],
    ] as const)
      expect((await harness.deliver(workflowJob({ id, repository }))).status).toBe(202);
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    // On the way, a claim taken, at work: a place all the time.
    await run("1:1");
    await registerRunner(harness, "2:1");
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    expect(await harness.rows("SELECT job_id FROM jobs WHERE state = 'waiting' ORDER BY job_id")).toEqual([
      { job_id: 2 },
      { job_id: 3 },
      { job_id: 4 },
    ]);
  });

  test("sends in order of arrival, and a place freed sends the next at once", async () => {
    await cap(1);
    for (const id of [50, 40, 30]) {
      await harness.deliver(workflowJob({ id }));
      await harness.age(1);
    }
    expect(tokens(harness)).toEqual(["50:1"]);
    const first = await run("50:1");
    await harness.deliver(workflowJob({ id: 50, action: "completed", runner: first }));
    expect(tokens(harness)).toEqual(["50:1", "40:1"]);
    const second = await run("40:1");
    await harness.deliver(workflowJob({ id: 40, action: "completed", runner: second }));
    expect(tokens(harness)).toEqual(["50:1", "40:1", "30:1"]);
  });

  test("has a place freed by a runner that leaves without a job, too, and by a job cancelled", async () => {
    await cap(1);
    for (const id of [1, 2, 3]) {
      await harness.deliver(workflowJob({ id }));
      await harness.age(1);
    }
    await registerRunner(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, action: "completed", conclusion: "cancelled" }));
    // The holder is there for the next job, so no other starts.
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.release(claimOf(harness, "1:1"), holderOf("1:1"));
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });

  test("does not count a runner past its deadline, but one that turns up then finds the place taken", async () => {
    await cap(1);
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.age(301);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    await run("2:1");
    expect((await harness.claim(claimOf(harness, "1:1"))).status).toBe(410);
    expect(await harness.rows("SELECT state FROM jobs WHERE job_id = 1")).toEqual([{ state: "waiting" }]);
  });

  test("counts a runner that GitHub would not let go of until its job completes", async () => {
    await cap(1);
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    const runner = await run("1:1");
    harness.github.reply = () => ({ status: 422, body: { message: "Runner is currently running a job" } });
    expect((await harness.release(claimOf(harness, "1:1"), holderOf("1:1"))).status).toBe(204);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.deliver(workflowJob({ id: 1, action: "completed", runner, conclusion: "failure" }));
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });

  test("holds for a sweep that finds many requests due, and counts those just being sent", async () => {
    await cap(3);
    await queueUnsent(harness, jobs(10));
    await harness.runtime.db().prepare("UPDATE runners SET next_attempt_at = 0").run();
    harness.nomad.reply = acceptingNomad;
    await Promise.all([harness.sweep(), harness.sweep()]);
    expect(new Set(tokens(harness)).size).toBe(3);
    expect(tokens(harness)).toHaveLength(3);
  });

  test("of one class is no business of another", async () => {
    const gpu = { ...LINUX, name: "gpu", job: "github-runner-gpu", labels: ["self-hosted", "gpu"] };
    await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, maxRunners: 1 }, gpu] } });
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.deliver(workflowJob({ id: 3, labels: ["self-hosted", "gpu"] }));
    await harness.deliver(workflowJob({ id: 4, labels: ["self-hosted", "gpu"] }));
    expect(tokens(harness)).toEqual(["1:1", "3:1", "4:1"]);
  });
});

describe("maxRunners, changed while runners run", () => {
  // On the sources in Node, where the ledger outlives a change of bindings.
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness("node");
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const cap = async (maxRunners: number): Promise<void> =>
    harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, maxRunners }] } });

  test("ends nothing, and starts nothing until there is room", async () => {
    await cap(2);
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    const first = await registerRunner(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner: first }));
    const second = await registerRunner(harness, "2:1");
    await harness.deliver(workflowJob({ id: 2, action: "in_progress", runner: second }));
    await cap(1);
    await harness.deliver(workflowJob({ id: 3 }));
    await harness.deliver(workflowJob({ id: 1, action: "completed", runner: first }));
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    expect(await harness.rows("SELECT name FROM runners WHERE state = 'busy'")).toEqual([{ name: second }]);
    await harness.deliver(workflowJob({ id: 2, action: "completed", runner: second }));
    expect(tokens(harness)).toEqual(["1:1", "2:1", "3:1"]);
  });
});
