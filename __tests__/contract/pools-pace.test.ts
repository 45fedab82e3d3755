import { type Registry, claimOf, registrations, registry } from "../support/claims";
import { type Harness, LINUX, startHarness } from "../support/harness/harness";
import { POOL, bindPools, idle, leave, pools, refuseRegistrations, warm, warmTokens } from "./support/pools";

const PICKUP = LINUX.pickupDeadlineSeconds;
const ONE = [{ ...POOL, size: 1 }];

// On the sources in Node: what time does to the ledger's rows is the ledger's business, and the same SQL in workerd.
describe("the pace of a pool", () => {
  let harness: Harness;
  let github: Registry;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    github = registry();
    harness.github.reply = github.reply;
  });
  afterAll(async () => harness.close());

  const after = async (seconds: number): Promise<void> => {
    await harness.age(seconds);
    await harness.sweep();
  };
  const dispatched = (): number => warmTokens(harness).length;

  describe("after a runner that ended at once", () => {
    test.each([
      ["before it claimed", async () => leave(harness, 1)],
      [
        "because GitHub refused it",
        async () => {
          refuseRegistrations(harness);
          expect((await harness.claim(claimOf(harness, warm(1)), "alloc-1")).status).toBe(502);
          return leave(harness, 1);
        },
      ],
      [
        "within a minute of its claim",
        async () => {
          await idle(harness, 1);
          await harness.age(55);
          return leave(harness, 1);
        },
      ],
    ])("%s: the next comes 10 s later", async (_, end) => {
      await bindPools(harness, ONE);
      expect((await end()).status).toBe(204);
      await after(5);
      expect(dispatched()).toBe(1);
      await after(5);
      expect(dispatched()).toBe(2);
    });

    test("more than a minute after its claim: the next comes at once", async () => {
      await bindPools(harness, ONE);
      await idle(harness, 1);
      await harness.age(61);
      await leave(harness, 1);
      expect(dispatched()).toBe(2);
    });

    test("of another class's or scope's pool: the next comes at once", async () => {
      await bindPools(harness, [...ONE, { ...POOL, scope: "octo-org/other", size: 1 }]);
      await leave(harness, 1);
      await harness.age(1);
      await harness.release(claimOf(harness, warm(2, "octo-org/other")), "alloc-2");
      await after(10);
      expect(dispatched()).toBe(4);
    });

    test("and others before it: each makes the pause 10 s longer, for ten minutes", async () => {
      await bindPools(harness, ONE);
      for (let n = 1; n <= 4; n++) {
        await leave(harness, n);
        await after(10 * n - 2);
        expect(dispatched()).toBe(n);
        await after(3);
        expect(dispatched()).toBe(n + 1);
      }
      await harness.age(600);
      await leave(harness, 5);
      await after(8);
      expect(dispatched()).toBe(5);
      await after(3);
      expect(dispatched()).toBe(6);
    });

    test("after a job: the next comes at once", async () => {
      await bindPools(harness, ONE);
      await idle(harness, 1);
      await harness.rows("UPDATE runners SET state = 'busy', busy_at = claimed_at");
      await leave(harness, 1);
      expect(dispatched()).toBe(2);
    });
  });

  describe("in a cluster that is full", () => {
    test("runners not heard of by their deadline are replaced, each time after twice as long", async () => {
      await bindPools(harness, [POOL]);
      for (const [rounds, seconds] of [1, 2, 4].entries()) {
        await after(PICKUP * seconds - 10);
        expect(dispatched()).toBe(2 * (rounds + 1));
        await after(11);
        expect(dispatched()).toBe(Math.min(6, 2 * (rounds + 2)));
      }
    });

    test("three times the pool's size at most, then one more each three hours, until they are a day old", async () => {
      await bindPools(harness, [POOL]);
      for (const seconds of [1, 2, 4]) await after(PICKUP * seconds + 1);
      expect(dispatched()).toBe(6);
      expect(await pools(harness)).toMatchObject([{ idle: 0, starting: 0 }]);
      // The last two were sent 4 × 300 s ago.
      await after(10_800 - 4 * PICKUP - 60);
      expect(dispatched()).toBe(6);
      for (let n = 1; n <= 3; n++) {
        await after(n === 1 ? 60 : 10_801);
        expect(dispatched()).toBe(6 + n);
        await after(3_600);
        expect(dispatched()).toBe(6 + n);
        await harness.age(-3_600);
      }
      await after(86_400);
      const lost = await harness.rows("SELECT count(*) AS n FROM runners WHERE end_reason = 'lost'");
      expect(lost).toEqual([{ n: 9 }]);
      await harness.sweep();
      expect(dispatched()).toBeLessThanOrEqual(9 + 2 + 1);
      expect(await pools(harness)).toMatchObject([{ starting: 2 }]);
    });

    test("those that start late fill the pool, and what is too much leaves without a registration", async () => {
      await bindPools(harness, [POOL]);
      for (const seconds of [1, 2, 4]) await after(PICKUP * seconds + 1);
      const statuses: number[] = [];
      for (const ordinal of [1, 2, 3, 4, 5, 6])
        statuses.push(
          (await harness.claim(claimOf(harness, warm(ordinal)), `alloc-${String(ordinal)}`)).status,
        );
      expect(statuses).toEqual([201, 201, 410, 410, 410, 410]);
      expect(registrations(harness)).toBe(2);
      await after(30);
      expect(dispatched()).toBe(6);
    });
  });

  test("ordinals are never used twice, however long ago their runners ended", async () => {
    await bindPools(harness, [POOL]);
    const everythingEnded =
      "UPDATE runners SET live = 0, state = 'ended', end_reason = 'gone', ended_at = ordinal";
    await harness.rows(everythingEnded);
    // So that the sweep forgets and requests nothing.
    await harness.rows("INSERT INTO pauses (repo, since) VALUES ('*', 0)");
    await harness.sweep();
    await harness.rows("DELETE FROM pauses");
    expect(await harness.rows("SELECT ordinal FROM runners")).toEqual([{ ordinal: 2 }]);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([1, 2, 3, 4].map((ordinal) => warm(ordinal)));
    expect(await harness.rows("SELECT ordinal FROM runners ORDER BY ordinal")).toEqual([
      { ordinal: 3 },
      { ordinal: 4 },
    ]);
  });
});
