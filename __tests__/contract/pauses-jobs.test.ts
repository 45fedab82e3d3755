import { workflowJob } from "../support/harness/deliveries";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { readSamples } from "../support/prometheus";
import { claimOf, holderOf, registerRunner, tokens, until } from "./support/dispatching";
import { OPERATOR, pauseCall } from "./support/pausing";

const A = "octo-org/a";
const B = "octo-org/b";

describe.each(RUNTIMES)("jobs of what is paused (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  async function queue(...jobs: readonly (readonly [id: number, repository: string])[]): Promise<void> {
    for (const [id, repository] of jobs) {
      expect((await harness.deliver(workflowJob({ id, repository }))).status).toBe(202);
      await harness.age(1);
    }
  }

  const waiting = async (): Promise<unknown[]> =>
    (await harness.rows("SELECT job_id FROM jobs WHERE state = 'waiting' ORDER BY job_id")).map(
      (row) => row["job_id"],
    );

  /** Resuming sends at once: no sweep is needed. */
  async function resumed(expected: readonly string[], repo?: string): Promise<void> {
    expect((await pauseCall(harness, "DELETE", repo)).status).toBe(204);
    await until("what waited was sent", () => tokens(harness).length >= expected.length);
    await harness.runtime.idle();
    expect([...tokens(harness)].sort()).toEqual([...expected].sort());
  }

  test("are recorded and wait, and are sent in order of arrival once it is resumed", async () => {
    await pauseCall(harness, "PUT", A);
    await queue(...[8, 7, 6, 5, 4, 3, 2, 1].map((id) => [id, A] as const));
    await harness.sweep();
    await harness.age(60);
    await harness.sweep();
    expect(tokens(harness)).toEqual([]);
    expect(await waiting()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await pauseCall(harness, "DELETE", A)).status).toBe(204);
    await until("what waited was sent", () => tokens(harness).length === 8);
    // Six are sent at a time, and arrive in any order.
    expect(tokens(harness).slice(0, 6).sort()).toEqual(["3:1", "4:1", "5:1", "6:1", "7:1", "8:1"]);
  });

  test("of one repository hold up no other", async () => {
    await pauseCall(harness, "PUT", A.toUpperCase().replace("OCTO-ORG", "Octo-Org"));
    await queue([1, A], [2, B], [3, A], [4, B]);
    expect(tokens(harness)).toEqual(["2:1", "4:1"]);
    await resumed(["2:1", "4:1", "1:1", "3:1"], A);
  });

  test("are those of every repository where everything is paused", async () => {
    await pauseCall(harness, "PUT");
    await pauseCall(harness, "PUT", B);
    await queue([1, A], [2, B]);
    await harness.sweep();
    expect(tokens(harness)).toEqual([]);
    await resumed(["1:1"]);
    await resumed(["1:1", "2:1"], B);
  });

  test("get 410 for a runner sent before, and another runner after the pause", async () => {
    await queue([1, A], [2, B]);
    await pauseCall(harness, "PUT", A);
    expect((await harness.claim(claimOf(harness, "1:1"), holderOf("1:1"))).status).toBe(410);
    expect((await harness.claim(claimOf(harness, "2:1"), holderOf("2:1"))).status).toBe(201);
    expect(harness.github.seen.filter(({ path }) => path.includes("/a/"))).toEqual([]);
    expect(await waiting()).toEqual([1, 2]);
    await harness.sweep();
    await harness.age(60);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    // It is asked for again, and waits.
    expect(await harness.rows("SELECT state, ordinal FROM runners WHERE job_id = 1 ORDER BY 2")).toEqual([
      { state: "ended", ordinal: 1 },
      { state: "requested", ordinal: 2 },
    ]);
    // The spent claim stays spent.
    expect((await harness.claim(claimOf(harness, "1:1"), "other")).status).toBe(409);
    await resumed(["1:1", "2:1", "1:2"], A);
    expect((await harness.claim(claimOf(harness, "1:2"), holderOf("1:2"))).status).toBe(201);
  });

  test("go on where a runner is at work or has its claim", async () => {
    await queue([1, A], [2, A]);
    const runner = await registerRunner(harness, "1:1");
    await harness.deliver(workflowJob({ id: 1, repository: A, action: "in_progress", runner }));
    await registerRunner(harness, "2:1");
    await pauseCall(harness, "PUT", A);
    // Its first answer was lost: it has the claim, so it is answered.
    expect((await harness.claim(claimOf(harness, "2:1"), holderOf("2:1"))).status).toBe(201);
    await harness.sweep();
    expect(await harness.rows("SELECT state FROM runners ORDER BY job_id")).toEqual([
      { state: "busy" },
      { state: "claimed" },
    ]);
    await harness.deliver(workflowJob({ id: 1, repository: A, action: "completed", runner }));
    expect(await harness.rows("SELECT state FROM jobs ORDER BY job_id")).toEqual([
      { state: "completed" },
      { state: "waiting" },
    ]);
  });

  test("that are cancelled meanwhile get no runner afterwards", async () => {
    await pauseCall(harness, "PUT", A);
    await queue([1, A], [2, A]);
    await harness.deliver(
      workflowJob({ id: 1, repository: A, action: "completed", conclusion: "cancelled", runner: null }),
    );
    await resumed(["2:1"], A);
  });

  test("show in /status and /metrics with the pause, and age as others do", async () => {
    await pauseCall(harness, "PUT", A);
    await pauseCall(harness, "PUT");
    await queue([1, A]);
    await harness.age(600);
    const read = async (path: string): Promise<Response> =>
      harness.runtime.fetch(path, { method: "GET", headers: OPERATOR });
    const status = (await (await read("/status")).json()) as {
      paused: readonly { repo: string; since: string }[];
      oldest_waiting_seconds: number;
    };
    expect(status.paused.map(({ repo }) => repo)).toEqual(["*", A]);
    expect(Date.now() - Date.parse(status.paused[1]?.since ?? "")).toBeGreaterThanOrEqual(600_000);
    expect(status.oldest_waiting_seconds).toBeGreaterThanOrEqual(600);
    const samples = readSamples(await (await read("/metrics")).text());
    expect(samples.get(`runners_paused_seconds{repo="${A}"}`)).toBeGreaterThanOrEqual(600);
    expect(samples.get('runners_paused_seconds{repo="*"}')).toBeGreaterThanOrEqual(600);
    await pauseCall(harness, "DELETE", A);
    await pauseCall(harness, "DELETE");
    expect([...readSamples(await (await read("/metrics")).text()).keys()].join()).not.toContain("paused");
  });
});
