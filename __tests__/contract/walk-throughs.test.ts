import { workflowJob } from "../support/harness/deliveries";
import { type Dispatch, type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

/** The claim that the n-th dispatch carried. */
function claimOf(harness: Harness, token: string): string {
  const found = harness.dispatches().find((one: Dispatch) => one.token === token);
  if (found === undefined)
    throw new Error(
      `no dispatch ${token}; there were ${harness
        .dispatches()
        .map((one) => one.token)
        .join(", ")}`,
    );
  return found.payload.claim;
}

function tokens(harness: Harness): string[] {
  return harness.dispatches().map((one) => one.token);
}

/** Takes a claim and returns the name the runner has at GitHub. */
async function runnerOf(harness: Harness, token: string): Promise<string> {
  const response = await harness.claim(claimOf(harness, token), `alloc-${token.replace(":", "-")}`);
  expect(response.status).toBe(201);
  return ((await response.json()) as { runner_name: string }).runner_name;
}

describe.each(RUNTIMES)("walk-throughs (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("one waiting job becomes one runner, and nothing is left when it is done", async () => {
    expect((await harness.deliver(workflowJob({ id: 1 }))).status).toBe(202);
    expect(tokens(harness)).toEqual(["1:1"]);
    const runner = await runnerOf(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner }));
    await harness.deliver(workflowJob({ id: 1, action: "completed", runner }));
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "completed" }]);
    expect(await harness.rows("SELECT state, end_reason FROM runners")).toEqual([
      { state: "ended", end_reason: "done" },
    ]);
  });

  test("a stolen runner: a job that was not counted took it, and the waiting job gets another", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await runnerOf(harness, "1:1");
    // Its own `queued` was lost, so the ledger never counted it as waiting.
    await harness.deliver(workflowJob({ id: 2, action: "in_progress", runner }));
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await runnerOf(harness, "1:2");
  });

  test("two jobs whose runners swap jobs need no third runner", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    const first = await runnerOf(harness, "1:1");
    const second = await runnerOf(harness, "2:1");
    await harness.deliver(workflowJob({ id: 2, action: "in_progress", runner: first }));
    await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner: second }));
    await harness.sweep();
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
  });

  test("a refused claim followed by an idle runner that leaves: the waiting job gets another", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    await runnerOf(harness, "1:1");
    // Job 1 is cancelled: job 2 waits, and the runner of job 1 is there for it.
    await harness.deliver(workflowJob({ id: 1, action: "completed", conclusion: "cancelled" }));
    expect((await harness.claim(claimOf(harness, "2:1"), "b")).status).toBe(410);
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
    // It leaves without a job.
    expect((await harness.release(claimOf(harness, "1:1"), "alloc-1-1")).status).toBe(204);
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1", "2:2"]);
  });

  test("two claims at once for one job: one registers, the other is told that nothing waits", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.deliver(workflowJob({ id: 2, action: "completed", conclusion: "cancelled" }));
    const answers = await Promise.all([
      harness.claim(claimOf(harness, "1:1"), "a"),
      harness.claim(claimOf(harness, "2:1"), "b"),
    ]);
    expect(answers.map((one) => one.status).sort()).toEqual([201, 410]);
    expect(harness.github.seen.filter((one) => one.path.endsWith("/generate-jitconfig"))).toHaveLength(1);
  });

  test("a runner dead between claim and JIT config: its node gives the claim back, and another comes", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    harness.github.reply = () => "drop";
    expect((await harness.claim(claimOf(harness, "1:1"), "a")).status).toBe(503);
    harness.github.reply = ({ path }) =>
      path.includes("/actions/runners?") ? { status: 200, body: { runners: [] } } : { status: 404 };
    expect((await harness.release(claimOf(harness, "1:1"), "a")).status).toBe(204);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("an allocation that Nomad replaced: the same claim by another holder is refused, and its release does nothing", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const claim = claimOf(harness, "1:1");
    expect((await harness.claim(claim, "first")).status).toBe(201);
    expect((await harness.claim(claim, "replacement")).status).toBe(409);
    expect((await harness.release(claim, "replacement")).status).toBe(204);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "claimed" }]);
    expect(harness.github.seen.filter((one) => one.method === "DELETE")).toEqual([]);
  });

  test("an approval that queues a job again days later: its 24 hours begin anew, with one runner", async () => {
    await harness.deliver(workflowJob({ id: 1 }), "first-guid");
    await harness.age(25 * 3600);
    await harness.sweep();
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "expired" }]);
    await harness.age(3 * 24 * 3600);
    await harness.deliver(workflowJob({ id: 1 }), "second-guid");
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "waiting" }]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("a job that GitHub holds at an approval gate is parked until it is queued again", async () => {
    await harness.deliver(workflowJob({ id: 1 }), "first-guid");
    harness.github.reply = () => ({
      status: 200,
      body: { status: "waiting", conclusion: null, runner_name: null },
    });
    await harness.age(301);
    await harness.sweep();
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "parked" }]);
    expect((await harness.claim(claimOf(harness, "1:1"), "late")).status).toBe(410);
    await harness.deliver(workflowJob({ id: 1 }), "second-guid");
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "waiting" }]);
    expect(tokens(harness).length).toBeGreaterThan(1);
  });

  test.each([
    ["an ignored repository", { id: 9, repository: "stranger/repo" }],
    ["no self-hosted label", { id: 9, labels: ["ubuntu-latest"] }],
    ["another class", { id: 9, labels: ["self-hosted", "gpu"] }],
  ])("a runner taken by a job of %s is busy, and the waiting job gets another", async (_, other) => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await runnerOf(harness, "1:1");
    const response = await harness.deliver(workflowJob({ ...other, action: "in_progress", runner }));
    expect(response.status).toBe(202);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await harness.deliver(workflowJob({ ...other, action: "completed", runner }));
    expect(await harness.rows("SELECT state, end_reason FROM runners WHERE ordinal = 1")).toEqual([
      { state: "ended", end_reason: "done" },
    ]);
    expect(await harness.rows("SELECT job_id FROM jobs WHERE job_id = 9")).toEqual([]);
  });

  test("maxRunners 1 with a lost child: the next job's runner starts when the child is overdue, and never two at once", async () => {
    const policy = { ...POLICY, classes: [{ ...LINUX, maxRunners: 1 }] };
    await harness.bind({ RUNNER_POLICY: policy });
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.age(301);
    await harness.sweep();
    const sent = tokens(harness);
    expect(sent).toHaveLength(2);
    const second = sent[1] ?? "";
    await runnerOf(harness, second);
    // The lost child turns up after all.
    expect((await harness.claim(claimOf(harness, "1:1"), "lost")).status).toBe(410);
    expect(harness.github.seen.filter((one) => one.path.endsWith("/generate-jitconfig"))).toHaveLength(1);
  });
});
