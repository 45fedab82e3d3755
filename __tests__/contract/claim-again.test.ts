import {
  JIT,
  type Registry,
  SCOPE,
  STACK,
  answer,
  asked,
  claimOf,
  granted,
  registrations,
  registry,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const NAME = `${STACK}-linux-1-1`;
const RUNNERS = `/repos/${SCOPE}/actions/runners`;
const ROW = "SELECT state, holder, registration_id FROM runners WHERE job_id = 1 AND ordinal = 1";

describe.each(RUNTIMES)("the same claim again (%s)", (runtime) => {
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

  test("by its holder within two minutes: the registration is deleted and made anew", async () => {
    const claim = await waiting(harness, 1);
    expect(await granted(harness, claim, "alloc-1")).toBe(NAME);
    await harness.age(115);
    expect(await granted(harness, claim, "alloc-1")).toBe(NAME);
    expect(asked(harness)).toEqual([JIT, `DELETE ${RUNNERS}/701`, JIT]);
    expect(github.runners.map((one) => one.id)).toEqual([702]);
    expect(await harness.rows(ROW)).toEqual([{ state: "claimed", holder: "alloc-1", registration_id: 702 }]);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
  });

  test("by its holder takes no second place: what waits for another is granted still", async () => {
    const claim = await waiting(harness, 1);
    const second = await waiting(harness, 2);
    await granted(harness, claim, "alloc-1");
    await granted(harness, claim, "alloc-1");
    await granted(harness, second, "alloc-2");
    expect(github.runners).toHaveLength(2);
  });

  test("by its holder does not make the two minutes longer", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await harness.age(100);
    await granted(harness, claim, "alloc-1");
    await harness.age(25);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    expect(registrations(harness)).toBe(2);
  });

  test("by its holder when the registration is gone at GitHub already", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    github.remove(701);
    await granted(harness, claim, "alloc-1");
    expect(github.runners.map((one) => one.id)).toEqual([702]);
  });

  test.each([
    ["by its holder after two minutes", 121, "alloc-1"],
    ["by another holder", 0, "alloc-2"],
    ["by nobody in particular", 0, undefined],
  ])("%s is 409, and the registration stays", async (_, age, holder) => {
    const claim = await waiting(harness, 1);
    await waiting(harness, 2);
    await granted(harness, claim, "alloc-1");
    await harness.age(age);
    expect((await harness.claim(claim, holder)).status).toBe(409);
    expect(asked(harness)).toEqual([JIT]);
    expect(await harness.rows(ROW)).toEqual([{ state: "claimed", holder: "alloc-1", registration_id: 701 }]);
  });

  test("by one who gave no name the first time is 409", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim);
    expect((await harness.claim(claim)).status).toBe(409);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
  });

  test("by its holder once a job was seen is 409", async () => {
    const claim = await waiting(harness, 1);
    await start(harness, 1, await granted(harness, claim, "alloc-1"));
    await waiting(harness, 2);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    expect(github.runners.map((one) => one.id)).toEqual([701]);
  });

  test("by its holder when GitHub says that the runner is at work: 409, and the ledger keeps what it knew", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    const response = await harness.claim(claim, "alloc-1");
    expect(response.status).toBe(409);
    expect(registrations(harness)).toBe(1);
    expect(await harness.rows(ROW)).toEqual([{ state: "claimed", holder: "alloc-1", registration_id: 701 }]);
    // Its delivery comes late.
    await start(harness, 1, NAME);
    expect(await harness.rows(ROW)).toEqual([{ state: "busy", holder: "alloc-1", registration_id: 701 }]);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("by its holder while GitHub fails is 503, and good when it answers again", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    answer(harness, () => ({ status: 500 }));
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    harness.github.reply = github.reply;
    await granted(harness, claim, "alloc-1");
    expect(github.runners.map((one) => one.id)).toEqual([702]);
  });

  describe("when the answer to it was lost with the Worker, so that no registration was recorded", () => {
    const lose = async () => {
      const claim = await waiting(harness, 1);
      await granted(harness, claim, "alloc-1");
      // What a Worker leaves that ends between GitHub's answer and its own.
      await harness.rows("UPDATE runners SET registration_id = NULL");
      return claim;
    };

    test("within a minute another holder is refused, and its own is granted by deleting the name's registration", async () => {
      const claim = await lose();
      await harness.age(55);
      expect((await harness.claim(claim, "alloc-2")).status).toBe(409);
      await granted(harness, claim, "alloc-1");
      expect(github.runners.map((one) => one.id)).toEqual([702]);
    });

    test("after a minute the claim is free again, for anybody who shows it", async () => {
      const claim = await lose();
      await harness.age(61);
      await granted(harness, claim, "alloc-2");
      expect(asked(harness)).toEqual([
        JIT,
        JIT,
        `GET ${RUNNERS}?name=${NAME}&per_page=100`,
        `DELETE ${RUNNERS}/701`,
        JIT,
      ]);
      expect(await harness.rows(ROW)).toEqual([
        { state: "claimed", holder: "alloc-2", registration_id: 702 },
      ]);
    });

    test("once it is free it is judged like any other: 410 when nothing waits, and the registration is removed", async () => {
      const claim = await lose();
      await start(harness, 1, "a-runner-of-somebody-else");
      await harness.age(121);
      expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
      expect((await harness.release(claim, "alloc-1")).status).toBe(204);
      expect(github.runners).toEqual([]);
    });

    test("the sweep removes the registration of a claim that got 410, where no release follows", async () => {
      const claim = await lose();
      await start(harness, 1, "a-runner-of-somebody-else");
      await harness.age(121);
      expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
      await harness.sweep();
      expect(github.runners).toEqual([]);
      expect(await harness.rows("SELECT live, end_reason FROM runners")).toEqual([
        { live: 0, end_reason: "gone" },
      ]);
    });

    test("its release finds the registration by name", async () => {
      const claim = await lose();
      github.add("000000-linux-1-1");
      github.add(`${NAME}0`);
      expect((await harness.release(claim, "alloc-1")).status).toBe(204);
      expect(github.runners.map((one) => one.name)).toEqual(["000000-linux-1-1", `${NAME}0`]);
      expect(tokens(harness)).toEqual(["1:1", "1:2"]);
      await granted(harness, claimOf(harness, "1:2"));
    });
  });
});
