import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingGithub, startHarness } from "../support/harness/harness";
import type { Origin, Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, holderOf, readStatus, registerRunner, tokens } from "./support/dispatching";

/** Older than the pickup deadline, younger than a claim taken counts. */
const OVERDUE = 301;
/** Idle timeout and a minute. */
const AGED = 361;

const rest = acceptingGithub();
/** GitHub as usual, but for the paths given. */
function saying(...cases: readonly (readonly [part: string, reply: Reply])[]): Origin["reply"] {
  return (request) => cases.find(([part]) => request.path.includes(part))?.[1] ?? rest(request);
}
const job = (status: string, conclusion: string | null = null, runner: string | null = null): Reply => ({
  status: 200,
  body: { status, conclusion, runner_name: runner },
});
const runnerSays = (name: string, busy: boolean, status = "online"): Reply => ({
  status: 200,
  body: { id: 101, name, status, busy },
});

describe.each(RUNTIMES)("what the sweep asks GitHub (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const jobRow = async (): Promise<unknown> => (await harness.rows("SELECT state, conclusion FROM jobs"))[0];
  const runnerRow = async (ordinal = 1): Promise<unknown> =>
    (await harness.rows(`SELECT state, end_reason, live FROM runners WHERE ordinal = ${String(ordinal)}`))[0];
  const asked = (): string[] => harness.github.seen.map(({ method, path }) => `${method} ${path}`);

  test("is nothing about a job in its time, and once about one that waits for longer than it should", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.age(290);
    await harness.sweep();
    expect(asked()).toEqual([]);
    await harness.age(15);
    await harness.sweep();
    await harness.sweep();
    expect(asked()).toEqual(["GET /repos/octo-org/example/actions/jobs/1"]);
    expect(await jobRow()).toEqual({ state: "waiting", conclusion: null });
  });

  test("finds a job that ended while its delivery was lost, and asks for no other runner", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    harness.github.reply = saying(["/actions/jobs/1", job("completed", "cancelled")]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect(await jobRow()).toEqual({ state: "completed", conclusion: "cancelled" });
    // The replacement for the overdue runner was requested by the same sweep before it knew better.
    await harness.age(3600);
    await harness.sweep();
    expect(tokens(harness).length).toBeLessThanOrEqual(2);
    expect((await harness.claim(claimOf(harness, "1:1"))).status).toBe(410);
  });

  test("finds a job that runs while its delivery was lost, and the runner of ours at work", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    harness.github.reply = saying(["/actions/jobs/1", job("in_progress", null, runner)]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect(await jobRow()).toEqual({ state: "in_progress", conclusion: null });
    expect(await runnerRow()).toEqual({ state: "busy", end_reason: null, live: 1 });
    await harness.deliver(workflowJob({ id: 1, action: "completed", runner }));
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "done", live: 0 });
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("does not take a runner of another stack for its own", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    harness.github.reply = saying(["/actions/jobs/1", job("in_progress", null, "somebody-elses-runner")]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect(await harness.rows("SELECT state, runner_name FROM jobs")).toEqual([
      { state: "in_progress", runner_name: null },
    ]);
    expect(await harness.rows("SELECT 1 FROM runners WHERE state = 'busy'")).toEqual([]);
  });

  test.each([
    ["is not found", { status: 404, body: { message: "Not Found" } }],
    ["is answered by an error", { status: 500, body: {} }],
    ["is answered by another shape", { status: 200, body: { status: 7 } }],
    ["breaks off", "drop"],
  ] satisfies [string, Reply][])(
    "about a job %s: it waits on, and is asked about later",
    async (_, reply) => {
      await harness.deliver(workflowJob({ id: 1 }));
      harness.github.reply = saying(["/actions/jobs/1", reply]);
      await harness.age(OVERDUE);
      await harness.sweep();
      expect(await jobRow()).toEqual({ state: "waiting", conclusion: null });
      await harness.age(280);
      await harness.sweep();
      expect(asked()).toHaveLength(1);
      await harness.age(30);
      await harness.sweep();
      expect(asked()).toHaveLength(2);
      // Twice as long each time, half an hour at most.
      await harness.age(580);
      await harness.sweep();
      expect(asked()).toHaveLength(2);
      await harness.age(30);
      await harness.sweep();
      expect(asked()).toHaveLength(3);
    },
  );

  test("finds a holder that never came to work while a job waits: gone, and another is on its way", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await registerRunner(harness, "1:1");
    harness.github.reply = saying(["/actions/runners/101", { status: 404, body: {} }]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "gone", live: 0 });
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("leaves a holder that is online and idle in its time, and knows one at work for busy", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    harness.github.reply = saying(["/actions/runners/101", runnerSays(runner, false)]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect(await runnerRow()).toEqual({ state: "claimed", end_reason: null, live: 1 });
    harness.github.reply = saying(["/actions/runners/101", runnerSays(runner, true)]);
    await harness.age(AGED - OVERDUE);
    await harness.sweep();
    expect(await runnerRow()).toEqual({ state: "busy", end_reason: null, live: 1 });
    // It took a job that nobody told of, so the one that waits gets another.
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("removes a holder past its age, and requests another", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    harness.github.reply = saying(["/actions/runners/101", runnerSays(runner, false)]);
    await harness.age(AGED);
    await harness.sweep();
    await harness.sweep();
    expect(asked()).toContain("DELETE /repos/octo-org/example/actions/runners/101");
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "gone", live: 0 });
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("replaces a holder past its age where GitHub does not answer, and removes it when it does", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    harness.github.reply = () => "drop";
    await harness.age(AGED);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    expect(await runnerRow()).toEqual({ state: "removing", end_reason: null, live: 1 });
    expect((await readStatus(harness)).problems).toContainEqual(
      expect.objectContaining({ source: "github", kind: "unavailable" }),
    );
    harness.github.reply = saying(["/actions/runners/101", runnerSays(runner, false)]);
    await harness.age(700);
    await harness.sweep();
    expect(asked()).toContain("DELETE /repos/octo-org/example/actions/runners/101");
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "gone", live: 0 });
  });

  test("looks a runner up that is at work for longer than it may: gone, or still there and asked about later", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner }));
    await harness.age(21_600 + 590);
    await harness.sweep();
    expect(asked().filter((one) => one.includes("/runners/101"))).toEqual([]);
    harness.github.reply = saying(["/actions/runners/101", runnerSays(runner, true)]);
    await harness.age(20);
    await harness.sweep();
    await harness.sweep();
    expect(asked().filter((one) => one.includes("/runners/101"))).toHaveLength(1);
    expect(await runnerRow()).toEqual({ state: "busy", end_reason: null, live: 1 });
    harness.github.reply = saying(["/actions/runners/101", { status: 404, body: {} }]);
    await harness.age(601);
    await harness.sweep();
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "gone", live: 0 });
  });

  test("removes a registration that GitHub kept as busy, with back-off until it is gone", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const runner = await registerRunner(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner }));
    const busy: Reply = { status: 422, body: { message: "Runner is currently running a job" } };
    harness.github.reply = ({ method }) => (method === "DELETE" ? busy : runnerSays(runner, true));
    await harness.release(claimOf(harness, "1:1"), holderOf("1:1"));
    const deletes = (): number => asked().filter((one) => one.startsWith("DELETE")).length;
    expect(deletes()).toBe(1);
    await harness.sweep();
    expect(deletes()).toBe(1);
    for (const [wait, count] of [
      [61, 2],
      [61, 2],
      [61, 3],
      [61, 3],
    ] as const) {
      await harness.age(wait);
      await harness.sweep();
      expect(deletes()).toBe(count);
    }
    expect((await readStatus(harness)).problems).toEqual([]);
    harness.github.reply = ({ method }) =>
      method === "DELETE" ? { status: 204 } : runnerSays(runner, false);
    await harness.age(600);
    await harness.sweep();
    expect(await runnerRow()).toEqual({ state: "ended", end_reason: "gone", live: 0 });
  });

  test("is not repeated before GitHub's own word on when to come back", async () => {
    // A base of its own: a limit is remembered for the API that told of it.
    await harness.bind({ GITHUB_API_URL: `${harness.github.url}/limited-${runtime}` });
    await harness.deliver(workflowJob({ id: 1 }));
    harness.github.reply = saying([
      "/actions/jobs/1",
      { status: 403, body: { message: "secondary rate limit" }, headers: { "Retry-After": "1200" } },
    ]);
    await harness.age(OVERDUE);
    await harness.sweep();
    expect((await readStatus(harness)).problems).toContainEqual(
      expect.objectContaining({ source: "github", kind: "rate_limited" }),
    );
    const [row] = await harness.rows("SELECT next_look_at AS look FROM jobs");
    const seconds = (Number(row?.["look"]) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(1190);
    expect(seconds).toBeLessThanOrEqual(1200);
  });
});
