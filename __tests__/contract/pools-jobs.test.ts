import { OTHER_SCOPE, STACK, claimOf, finish, granted, start, tokens, waiting } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { NO_SUCH_JOB } from "./support/dispatching";
import { POOL, bindPools, idle, leave, warm, warmTokens } from "./support/pools";

describe.each(RUNTIMES)("jobs where there is a pool (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  /** Dispatches made for jobs, in order. */
  const forJobs = (): string[] => tokens(harness).filter((token) => !token.startsWith("pool:"));
  const queue = async (...ids: number[]): Promise<void> => {
    for (const id of ids) {
      expect((await harness.deliver(workflowJob({ id }))).status).toBe(202);
      await harness.age(1);
    }
  };

  test.each([
    ["idle", [1, 2]],
    ["starting", []],
  ])("that runners cover which are %s ask for none", async (_, claimed) => {
    await bindPools(harness, [POOL]);
    await idle(harness, ...claimed);
    await queue(11, 12);
    await harness.sweep();
    expect(forJobs()).toEqual([]);
    expect(await harness.rows("SELECT count(*) AS n FROM jobs WHERE state = 'waiting'")).toEqual([{ n: 2 }]);
  });

  test("beyond what the pool covers ask for one each", async () => {
    await bindPools(harness, [POOL]);
    await queue(11, 12, 13, 14);
    expect(forJobs()).toEqual(["13:1", "14:1"]);
    await harness.sweep();
    expect(forJobs()).toEqual(["13:1", "14:1"]);
  });

  test("of another scope or class are not covered", async () => {
    await bindPools(harness, [POOL]);
    await waiting(harness, 11, OTHER_SCOPE);
    expect(forJobs()).toEqual(["11:1"]);
  });

  test("taken at once by the pool, ten of them, cost ten refills and no dispatch of their own", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1, 2);
    for (let id = 1; id <= 10; id++) {
      await queue(100 + id);
      const runner = `${STACK}-linux-warm-${String(id)}`;
      await start(harness, 100 + id, runner);
      await idle(harness, id + 2);
      await finish(harness, 100 + id, runner);
      await leave(harness, id);
    }
    await harness.sweep();
    expect(forJobs()).toEqual([]);
    expect(warmTokens(harness)).toEqual(Array.from({ length: 12 }, (_, index) => warm(index + 1)));
    const ran = await harness.rows("SELECT DISTINCT runner_name FROM jobs WHERE state = 'completed'");
    expect(ran).toHaveLength(10);
  });

  test("get runners of their own when the pool's runners go with no other on the way", async () => {
    await bindPools(harness, [{ ...POOL, size: 1 }]);
    await idle(harness, 1);
    await queue(11);
    expect(forJobs()).toEqual([]);
    await harness.age(180);
    await leave(harness, 1);
    expect(forJobs()).toEqual(["11:1"]);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    // Whichever comes first has the job; the pool keeps its one.
    const name = await granted(harness, claimOf(harness, "11:1"), "alloc-j");
    expect((await harness.claim(claimOf(harness, warm(2)), "alloc-2")).status).toBe(201);
    await start(harness, 11, name);
    expect(warmTokens(harness)).toHaveLength(2);
  });

  test("get runners of their own when a pool's dispatch is not heard of by its deadline", async () => {
    await bindPools(harness, [{ ...POOL, size: 1 }]);
    await queue(11);
    await harness.age(301);
    await harness.sweep();
    // The pool's next one covers it, as any on the way does.
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    expect(forJobs()).toEqual([]);
    await queue(12);
    expect(forJobs()).toEqual(["12:1"]);
  });

  test("whose own request was not sent yet need it no more once the pool covers them", async () => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    await queue(11, 12, 13);
    const insert = (columns: string, values: string) =>
      harness.rows(`INSERT INTO runners (${columns}) VALUES (${values})`);
    // A pool's runner that came from elsewhere: another Worker's sweep, at the same time.
    await insert(
      "name, job_id, ordinal, scope, class, state, until, requested_at, next_attempt_at, next_look_at, warm, op",
      `'${STACK}-linux-warm-1', 0, 1, 'octo-org/example', 'linux', 'claimed', 9e15, 0, 0, 9e15, 1, 'x'`,
    );
    await harness.rows("UPDATE runners SET leased_until = 0, next_attempt_at = 9e15");
    await harness.sweep();
    expect(await harness.rows("SELECT job_id, state, end_reason FROM runners ORDER BY job_id")).toEqual([
      { job_id: 0, state: "claimed", end_reason: null },
      { job_id: 11, state: "requested", end_reason: null },
      { job_id: 12, state: "requested", end_reason: null },
      { job_id: 13, state: "ended", end_reason: "unneeded" },
    ]);
  });

  test("never take a pool's request back, however few of them wait", async () => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    await bindPools(harness, [POOL]);
    await harness.rows("UPDATE runners SET leased_until = 0");
    await queue(11);
    await finish(harness, 11);
    await harness.sweep();
    expect(await harness.rows("SELECT ordinal, state FROM runners ORDER BY ordinal")).toEqual([
      { ordinal: 1, state: "requested" },
      { ordinal: 2, state: "requested" },
    ]);
    harness.nomad.reply = acceptingNomad;
    await harness.age(61);
    await harness.sweep();
    expect(new Set(warmTokens(harness))).toEqual(new Set([warm(1), warm(2)]));
  });

  test("that another stack's runner takes leave the pool as it is", async () => {
    await bindPools(harness, [POOL]);
    await queue(11);
    await start(harness, 11, "000000-linux-warm-1");
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(2);
  });

  test("that begin on a pool's runner before they are known to wait are covered by the next", async () => {
    await bindPools(harness, [{ ...POOL, size: 1 }]);
    const [name = ""] = await idle(harness, 1);
    await start(harness, 11, name);
    await queue(11);
    expect(forJobs()).toEqual([]);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
  });

  test("that wait when their maximum is reached are served by the pool's next runner", async () => {
    await bindPools(harness, [POOL], { maxRunners: 2 });
    const [first = "", second = ""] = await idle(harness, 1, 2);
    await start(harness, 11, first);
    await start(harness, 12, second);
    await queue(13);
    expect(tokens(harness)).toHaveLength(2);
    await finish(harness, 11, first);
    expect(forJobs()).toEqual([]);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2), warm(3)]);
    expect((await harness.claim(claimOf(harness, warm(3)), "alloc-3")).status).toBe(201);
  });
});
