import { claimFor, claimOf, finish, granted, policyWith, tokens, waiting } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

describe.each(RUNTIMES)("what follows a release (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  /** Seconds between the request of an ordinal and its first attempt. */
  const pace = async (ordinal: number): Promise<number | null> => {
    const [row] = await harness.rows(
      `SELECT (next_attempt_at - requested_at) / 1000 AS s FROM runners WHERE ordinal = ${String(ordinal)}`,
    );
    return row === undefined ? null : Number(row["s"]);
  };

  /** The first so many runners of job 1 leave, one after the other: the pace of each one's replacement. The first is sent at
   *  once, which leases it for half a minute. */
  const pacesOfReleases = async (
    count: number,
    before: (claim: string) => Promise<unknown> = async () => Promise.resolve(),
  ): Promise<readonly (number | null)[]> => {
    const paces: (number | null)[] = [];
    for (let ordinal = 1; ordinal <= count; ordinal++) {
      const claim = claimFor({ ordinal });
      await before(claim);
      expect((await harness.release(claim)).status).toBe(204);
      paces.push(ordinal === 1 ? 0 : await pace(ordinal + 1));
    }
    return paces;
  };

  test("is the next ordinal for a job that waits, dispatched at once the first time", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await harness.release(claim, "alloc-1");
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await granted(harness, claimOf(harness, "1:2"), "alloc-2");
  });

  test("is nothing when no job waits, or enough runners are on the way", async () => {
    const claim = await waiting(harness, 1);
    const second = await waiting(harness, 2);
    await granted(harness, claim, "alloc-1");
    await granted(harness, second, "alloc-2");
    await finish(harness, 1);
    await harness.release(claim, "alloc-1");
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    await finish(harness, 2);
    await harness.release(second, "alloc-2");
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });

  test("is a runner for the oldest job that waits", async () => {
    const claims = [];
    for (const id of [3, 1, 2]) {
      claims.push(await waiting(harness, id));
      await harness.age(1);
    }
    await finish(harness, 3);
    // Two wait, and the runner of the third is over for them: two were on the way without it.
    await harness.release(claims[0] ?? "");
    expect(tokens(harness)).toEqual(["3:1", "1:1", "2:1"]);
    await harness.release(claims[2] ?? "");
    expect(tokens(harness).at(-1)).toBe("1:2");
  });

  test("comes at a slower pace each time: after 0, 10, 20, … s, and ten minutes at most", async () => {
    await waiting(harness, 1);
    const expected = Array.from({ length: 64 }, (_, turn) => Math.min(600, turn * 10));
    const claimed = async (claim: string): Promise<unknown> => granted(harness, claim);
    expect(await pacesOfReleases(64, claimed)).toEqual(expected);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("comes later and later where none was ever granted a claim: after 0, 10, 20 s, 10 min, 1 h, and two hours at most", async () => {
    await waiting(harness, 1);
    expect(await pacesOfReleases(8)).toEqual([0, 10, 20, 600, 3_600, 7_200, 7_200, 7_200]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("is sent when its time has come, and not before", async () => {
    const claim = await waiting(harness, 1);
    await harness.release(claim);
    await harness.release(claimOf(harness, "1:2"));
    expect(await pace(3)).toBe(10);
    await harness.sweep();
    await harness.age(5);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await harness.age(5);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2", "1:3"]);
  });

  test("is a place under maxRunners, for a job of another repository as well", async () => {
    await harness.bind({ RUNNER_POLICY: policyWith({ maxRunners: 1 }) });
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await harness.deliver(workflowJob({ id: 2, repository: "octo-org/other" }));
    expect(tokens(harness)).toEqual(["1:1"]);
    await finish(harness, 1);
    await harness.release(claim, "alloc-1");
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });
});
