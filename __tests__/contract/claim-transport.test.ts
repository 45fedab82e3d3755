import { type Registry, asked, finish, granted, registry, tokens, waiting } from "../support/claims";
import { type Harness, startHarness } from "../support/harness/harness";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

describe("when the ledger's answer to a batch is lost after it was done, the batch is sent again, and", () => {
  let harness: Harness;
  let ledger: WatchedLedger;
  let github: Registry;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    github = registry();
    harness.github.reply = github.reply;
    // Only on the sources in Node: workerd's own D1 cannot be made to fail.
    ledger = watchLedger(harness.runtime.db());
    ledger.fate = (batch) => (batch % 2 === 1 ? "after" : "commit");
    await harness.bind({ LEDGER: ledger.database });
  });
  afterEach(() => {
    expect(ledger.batches.length).toBeGreaterThanOrEqual(4);
  });
  afterAll(async () => harness.close());

  const rows = async () => harness.rows("SELECT ordinal, state, end_reason FROM runners ORDER BY ordinal");

  test("a delivery is accepted once and dispatched once", async () => {
    await waiting(harness, 1);
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await rows()).toEqual([{ ordinal: 1, state: "dispatched", end_reason: null }]);
  });

  test.each(["alloc-1", undefined])("a claim of holder %s is granted once", async (holder) => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, holder);
    expect(github.runners).toHaveLength(1);
    expect(asked(harness)).toHaveLength(1);
    expect((await harness.claim(claim, "alloc-2")).status).toBe(409);
  });

  test("a claim that finds nothing waiting is 410 and spent", async () => {
    const claim = await waiting(harness, 1);
    await finish(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
    expect(await rows()).toEqual([{ ordinal: 1, state: "ended", end_reason: "refused" }]);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
  });

  test("a claim that GitHub did not take is given back", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = () => ({ status: 500 });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    expect(await rows()).toEqual([{ ordinal: 1, state: "dispatched", end_reason: null }]);
    harness.github.reply = github.reply;
    await granted(harness, claim, "alloc-2");
  });

  test("a release is 204, with one runner more", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    expect(await rows()).toEqual([
      { ordinal: 1, state: "ended", end_reason: "released" },
      { ordinal: 2, state: "dispatched", end_reason: null },
    ]);
  });

  test("a sweep ends a holder that is gone once, with one runner more", async () => {
    await granted(harness, await waiting(harness, 1), "alloc-1");
    github.remove(701);
    await harness.age(361);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    expect(await rows()).toEqual([
      { ordinal: 1, state: "ended", end_reason: "gone" },
      { ordinal: 2, state: "dispatched", end_reason: null },
    ]);
  });
});
