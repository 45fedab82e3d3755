import { CLASS_BOUNDS } from "../../contracts/policy";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, holderOf, queueUnsent, registerRunner, tokens } from "./support/dispatching";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

describe.each(RUNTIMES)("ordinals of a job that still waits (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  /** Lets time pass in steps of at most `step` seconds, with a sweep after each. */
  async function pass(seconds: number, step = seconds): Promise<void> {
    for (let left = seconds; left > 0; left -= step) {
      await harness.age(Math.min(step, left));
      await harness.sweep();
    }
  }

  test("never heard of: three at once, each with twice the time of the one before", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await pass(295);
    expect(tokens(harness)).toEqual(["1:1"]);
    await pass(10);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await pass(590, 120);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await pass(15);
    expect(tokens(harness)).toEqual(["1:1", "1:2", "1:3"]);
    await pass(1190, 300);
    expect(tokens(harness)).toHaveLength(3);
    await pass(15);
    // Its time is over, but three are out: no fourth yet.
    expect(tokens(harness)).toHaveLength(3);
  });

  test("never heard of: from the fourth on one per three hours, until 24 hours are over", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await pass(305);
    await pass(605);
    expect(tokens(harness)).toHaveLength(3);
    await pass(3 * HOUR - 10, HOUR);
    expect(tokens(harness)).toHaveLength(3);
    await pass(15);
    expect(tokens(harness)).toHaveLength(4);
    await pass(3 * HOUR - 10, 30 * MINUTE);
    expect(tokens(harness)).toHaveLength(4);
    await pass(15);
    expect(tokens(harness)).toEqual(["1:1", "1:2", "1:3", "1:4", "1:5"]);
    await pass(24 * HOUR, HOUR);
    const all = tokens(harness);
    expect(all.length).toBeGreaterThanOrEqual(9);
    expect(all.length).toBeLessThanOrEqual(11);
    expect(new Set(all).size).toBe(all.length);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "expired" }]);
    await pass(24 * HOUR, 6 * HOUR);
    expect(tokens(harness)).toEqual(all);
    expect(await harness.rows("SELECT DISTINCT state, end_reason FROM runners")).toEqual([
      { state: "ended", end_reason: "lost" },
    ]);
  });

  test("never heard of: three hours at most, whatever the class's pickup deadline is", async () => {
    const pickupDeadlineSeconds = CLASS_BOUNDS.pickupDeadlineSeconds.max;
    await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, pickupDeadlineSeconds }] } });
    await harness.deliver(workflowJob({ id: 1 }));
    for (let count = 1; count <= 4; count++) {
      await pass(3 * HOUR - 10, HOUR);
      expect(tokens(harness)).toHaveLength(count);
      await pass(15);
      expect(tokens(harness)).toHaveLength(count + 1);
    }
  });

  test("end with the job: a late answer to a lost delivery asks for none", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await pass(305);
    await harness.deliver(workflowJob({ id: 1, action: "completed", conclusion: "cancelled" }));
    await pass(8 * HOUR, HOUR);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("whose end is known do not count: their replacements come after 0, 10, 20 … seconds", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    const delays: number[] = [];
    await registerRunner(harness, "1:1");
    await harness.release(claimOf(harness, "1:1"), holderOf("1:1"));
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    for (let ordinal = 2; ordinal <= 6; ordinal++) {
      const token = `1:${String(ordinal)}`;
      await registerRunner(harness, token);
      expect((await harness.release(claimOf(harness, token), holderOf(token))).status).toBe(204);
      const [row] = await harness.rows(
        `SELECT next_attempt_at - requested_at AS delay FROM runners WHERE ordinal = ${String(ordinal + 1)}`,
      );
      const delay = Number(row?.["delay"]) / 1000;
      delays.push(delay);
      await pass(delay - 5);
      expect(tokens(harness)).toHaveLength(ordinal);
      await pass(5);
      expect(tokens(harness)).toHaveLength(ordinal + 1);
    }
    expect(delays).toEqual([10, 20, 30, 40, 50]);
  });

  test("whose end is known wait ten minutes at most", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.runtime
      .db()
      .prepare(
        `INSERT INTO runners (name, job_id, ordinal, scope, class, state, live, until, requested_at, next_attempt_at,
          ended_at, end_reason, jit_tried, op)
        SELECT 'old-' || value, 1, value, 'octo-org/example', 'linux', 'ended', 0, 0, 0, 0, 0, 'released', 1, 'by hand'
        FROM (WITH RECURSIVE n(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < 100) SELECT value FROM n)`,
      )
      .run();
    await registerRunner(harness, "1:1");
    await harness.release(claimOf(harness, "1:1"), holderOf("1:1"));
    expect(
      await harness.rows(
        "SELECT ordinal, next_attempt_at - requested_at AS delay FROM runners WHERE live = 1",
      ),
    ).toEqual([{ ordinal: 101, delay: 600_000 }]);
  });

  test("not yet sent when a day is over are taken back, and the next delivery of the job begins anew", async () => {
    await queueUnsent(harness, [{ id: 1 }]);
    await pass(24 * HOUR);
    expect(await harness.rows("SELECT state, end_reason FROM runners")).toEqual([
      { state: "ended", end_reason: "unneeded" },
    ]);
    harness.nomad.reply = acceptingNomad;
    harness.nomad.seen.length = 0;
    await pass(HOUR);
    expect(tokens(harness)).toEqual([]);
    await harness.deliver(workflowJob({ id: 1 }), "another-guid");
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "waiting" }]);
    expect(tokens(harness)).toEqual(["1:2"]);
    await pass(23 * HOUR);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "waiting" }]);
  });

  test("are not begun anew by the same delivery come again", async () => {
    await harness.deliver(workflowJob({ id: 1 }), "one-guid");
    await pass(25 * HOUR);
    const response = await harness.deliver(workflowJob({ id: 1 }), "one-guid");
    expect(await response.json()).toMatchObject({ state: "expired", duplicate: true });
    await pass(HOUR);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "expired" }]);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("are not asked for by another delivery of a job that has its runner on the way", async () => {
    await harness.deliver(workflowJob({ id: 1 }), "one-guid");
    await harness.age(20 * HOUR);
    // The first is overdue by now: this delivery asks for what is short, and restarts the day.
    await harness.deliver(workflowJob({ id: 1 }), "another-guid");
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await harness.deliver(workflowJob({ id: 1 }), "a-third-guid");
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await pass(20 * HOUR);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "waiting" }]);
  });

  test("of many jobs are asked for one each, for the oldest jobs, as many as are short", async () => {
    await harness.deliver(workflowJob({ id: 30 }));
    await harness.age(10);
    await harness.deliver(workflowJob({ id: 20 }));
    await harness.age(100);
    await harness.deliver(workflowJob({ id: 10 }));
    await harness.deliver(workflowJob({ id: 40 }));
    expect(tokens(harness)).toEqual(["30:1", "20:1", "10:1", "40:1"]);
    // The runners of the two youngest jobs are no more; jobs and runners are counted, never paired.
    await harness.runtime.db().prepare("DELETE FROM runners WHERE job_id IN (10, 40)").run();
    await harness.sweep();
    expect(tokens(harness).slice(4).sort()).toEqual(["20:2", "30:2"]);
  });
});
