import {
  type Registered,
  type Registry,
  SCOPE,
  STACK,
  answer,
  asked,
  claimOf,
  finish,
  granted,
  registry,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { type Harness, LINUX, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const PICKUP = LINUX.pickupDeadlineSeconds;
const AGE = LINUX.idleTimeoutSeconds + 60;
const NAME = `${STACK}-linux-1-1`;
const RUNNER = `/repos/${SCOPE}/actions/runners/701`;
const FIRST = "SELECT state, live, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";
const CLAIMED = [{ state: "claimed", live: 1, end_reason: null }];
const BUSY = [{ state: "busy", live: 1, end_reason: null }];
const REMOVING = [{ state: "removing", live: 1, end_reason: null }];
const GONE = [{ state: "ended", live: 0, end_reason: "gone" }];

describe.each(RUNTIMES)("a holder that does not come to work (%s)", (runtime) => {
  let harness: Harness;
  let github: Registry;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    github = registry();
    harness.github.reply = github.reply;
  });
  afterAll(async () => harness.close());

  /** A runner of job 1 that is registered, and what GitHub then says of it. */
  const hold = async (state: Partial<Registered> = {}): Promise<string> => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    Object.assign(github.runners[0] ?? {}, state);
    harness.github.seen.length = 0;
    return claim;
  };
  const after = async (seconds: number): Promise<void> => {
    await harness.age(seconds);
    await harness.sweep();
  };
  /** What was asked about runners, not about jobs. */
  const lookups = () => asked(harness).filter((one) => one.includes("/runners"));

  describe("past its class's pickup deadline, while a job waits", () => {
    test("is not looked up a moment before", async () => {
      await hold();
      await after(PICKUP - 5);
      expect(asked(harness)).toEqual([]);
    });

    test("is looked up by its id; one at work is busy, and what waits gets another", async () => {
      await hold({ status: "online", busy: true });
      await after(PICKUP + 1);
      expect(lookups()).toEqual([`GET ${RUNNER}`]);
      expect(await harness.rows(FIRST)).toEqual(BUSY);
      expect(tokens(harness)).toEqual(["1:1", "1:2"]);
      // The delivery was late; the second runner's claim finds nothing to do.
      await start(harness, 1, NAME);
      expect((await harness.claim(claimOf(harness, "1:2"))).status).toBe(410);
      await finish(harness, 1, NAME);
      expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "done" }]);
    });

    test("one that GitHub no longer has is gone, and replaced at once", async () => {
      await hold();
      github.remove(701);
      await after(PICKUP + 1);
      expect(await harness.rows(FIRST)).toEqual(GONE);
      expect(tokens(harness)).toEqual(["1:1", "1:2"]);
      await granted(harness, claimOf(harness, "1:2"), "alloc-2");
    });

    test.each(["online", "offline"] as const)("one that is idle and %s stays a holder", async (status) => {
      await hold({ status });
      await after(PICKUP + 1);
      await after(1);
      expect(lookups()).toEqual([`GET ${RUNNER}`]);
      expect(await harness.rows(FIRST)).toEqual(CLAIMED);
      expect(tokens(harness)).toEqual(["1:1"]);
    });

    test("one of which GitHub says nothing stays a holder, and is looked up again a minute later", async () => {
      await hold();
      answer(harness, () => ({ status: 500 }));
      await after(1);
      await harness.rows("UPDATE runners SET next_look_at = 0");
      await after(1);
      expect(await harness.rows(FIRST)).toEqual(CLAIMED);
      expect(tokens(harness)).toEqual(["1:1"]);
      const [row] = await harness.rows("SELECT next_look_at FROM runners");
      const pause = (Number(row?.["next_look_at"]) - Date.now()) / 1000;
      expect(pause).toBeGreaterThan(50);
      expect(pause).toBeLessThan(70);
    });

    test("is looked up by name when its id is not known", async () => {
      await hold({ status: "online", busy: true });
      await harness.rows("UPDATE runners SET registration_id = NULL");
      await after(PICKUP + 1);
      expect(lookups()).toEqual([`GET /repos/${SCOPE}/actions/runners?name=${NAME}&per_page=100`]);
      expect(await harness.rows(FIRST)).toEqual(BUSY);
    });
  });

  test("past the deadline while no job waits is left in peace until it is too old", async () => {
    await hold({ status: "online" });
    await finish(harness, 1);
    await after(PICKUP + 1);
    expect(lookups()).toEqual([]);
    await after(AGE - PICKUP);
    expect(lookups()).toEqual([`GET ${RUNNER}`]);
  });

  describe("past its idle timeout and a minute", () => {
    test("and idle is removed, at GitHub by the next sweep, and replaced at once", async () => {
      await hold({ status: "online" });
      const others = ["000000-linux-1-1", `${NAME}1`];
      for (const name of others) github.add(name, { status: "online" });
      await after(AGE + 1);
      expect(await harness.rows(FIRST)).toEqual(REMOVING);
      expect(tokens(harness)).toEqual(["1:1", "1:2"]);
      await harness.sweep();
      expect(lookups()).toEqual([`GET ${RUNNER}`, `GET ${RUNNER}`, `DELETE ${RUNNER}`]);
      expect(await harness.rows(FIRST)).toEqual(GONE);
      expect(github.runners.map((one) => one.name)).toEqual(others);
      await granted(harness, claimOf(harness, "1:2"), "alloc-2");
    });

    test("and at work is busy", async () => {
      await hold({ status: "online", busy: true });
      await after(AGE + 1);
      expect(await harness.rows(FIRST)).toEqual(BUSY);
    });

    test("and no longer at GitHub is gone, also when no job waits", async () => {
      await hold();
      await finish(harness, 1);
      github.remove(701);
      await after(AGE + 1);
      expect(await harness.rows(FIRST)).toEqual(GONE);
      expect(tokens(harness)).toEqual(["1:1"]);
    });

    test("and then found at work when it was to be removed stays until GitHub lets go", async () => {
      await hold({ status: "online" });
      await after(AGE + 1);
      Object.assign(github.runners[0] ?? {}, { busy: true });
      await harness.sweep();
      expect(await harness.rows(FIRST)).toEqual(REMOVING);
      await start(harness, 1, NAME);
      expect(await harness.rows(FIRST)).toEqual(BUSY);
      await finish(harness, 1, NAME);
      expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "done" }]);
    });

    describe.each([
      ["with an id", "SELECT 1"],
      ["whose id is not known", "UPDATE runners SET registration_id = NULL"],
    ])("%s, while GitHub says nothing", (_, forget) => {
      const silent = async () => {
        const claim = await hold({ status: "online" });
        await harness.rows(forget);
        answer(harness, () => "drop");
        await after(AGE + 1);
        return claim;
      };

      test("counts no more and is replaced", async () => {
        await silent();
        expect(tokens(harness)).toEqual(["1:1", "1:2"]);
        harness.github.reply = github.reply;
        await granted(harness, claimOf(harness, "1:2"), "alloc-2");
      });

      test("is removed when GitHub answers again", async () => {
        await silent();
        harness.github.reply = github.reply;
        await after(61);
        expect(github.runners).toEqual([]);
        expect(await harness.rows(FIRST)).toEqual(GONE);
      });

      test("is removed by its node's release", async () => {
        const claim = await silent();
        harness.github.reply = github.reply;
        expect((await harness.release(claim, "alloc-1")).status).toBe(204);
        expect(github.runners).toEqual([]);
      });

      test("is busy after all when a delivery names it", async () => {
        await silent();
        await start(harness, 1, NAME);
        expect(await harness.rows(FIRST)).toEqual(BUSY);
      });
    });
  });
});
