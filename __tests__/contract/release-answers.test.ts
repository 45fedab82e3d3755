import {
  type Registry,
  SCOPE,
  STACK,
  answer,
  asked,
  claimFor,
  finish,
  granted,
  inSeconds,
  registry,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { type Harness, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";

const DAY = 24 * 3600;
const NAME = `${STACK}-linux-1-1`;
const RUNNERS = `/repos/${SCOPE}/actions/runners`;
const FIRST = "SELECT state, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";
const CLAIMED = [{ state: "claimed", end_reason: null }];
const RELEASED = [{ state: "ended", end_reason: "released" }];

describe.each(RUNTIMES)("DELETE /runners/claim (%s)", (runtime) => {
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

  /** A runner of job 1 that is registered. */
  const hold = async (holder?: string) => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, holder);
    harness.github.seen.length = 0;
    return claim;
  };

  test("removes the registration by its id and says 204 with nothing to read", async () => {
    const claim = await hold("alloc-1");
    github.add("000000-linux-1-1");
    const response = await harness.release(claim, "alloc-1");
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(asked(harness)).toEqual([`DELETE ${RUNNERS}/701`]);
    expect(github.runners.map((one) => one.name)).toEqual(["000000-linux-1-1"]);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
  });

  test("said again is 204 again and asks nobody", async () => {
    const claim = await hold("alloc-1");
    for (let turn = 0; turn < 3; turn++) expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)).toEqual([`DELETE ${RUNNERS}/701`]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("said twice at once is 204 both times, with one runner more", async () => {
    const claim = await hold("alloc-1");
    const answers = await Promise.all([harness.release(claim, "alloc-1"), harness.release(claim, "alloc-1")]);
    expect(answers.map((one) => one.status)).toEqual([204, 204]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("of a registration that is gone already is 204", async () => {
    const claim = await hold("alloc-1");
    github.remove(701);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
  });

  test("of a registration whose id nobody knows removes the one of that very name", async () => {
    const claim = await hold("alloc-1");
    await harness.rows("UPDATE runners SET registration_id = NULL");
    for (const name of [`${NAME}1`, "000000-linux-1-1", "linux-1-1"]) github.add(name);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)).toEqual([`GET ${RUNNERS}?name=${NAME}&per_page=100`, `DELETE ${RUNNERS}/701`]);
    expect(github.runners).toHaveLength(3);
  });

  test("spends a claim that was never used, and asks GitHub nothing", async () => {
    const claim = await waiting(harness, 1);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
  });

  test("of a runner that nobody has heard of, and of one that is over, is 204 and does nothing", async () => {
    expect((await harness.release(claimFor({ job: 77 }))).status).toBe(204);
    const claim = await hold("alloc-1");
    await start(harness, 1, NAME);
    await finish(harness, 1, NAME);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", end_reason: "done" }]);
  });

  test("of a claim for another scope or class than the runner's does nothing", async () => {
    await hold("alloc-1");
    for (const changes of [{ scope: "octo-org/other" }, { class: "gpu" }]) {
      expect((await harness.release(claimFor(changes), "alloc-1")).status).toBe(204);
    }
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(CLAIMED);
  });

  test("takes a claim for five days after its end, which POST does not, and then it is 401", async () => {
    await hold("alloc-1");
    const late = claimFor({ exp: inSeconds(-5 * DAY) });
    expect((await harness.release(late, "alloc-1")).status).toBe(401);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(CLAIMED);
    const inTime = claimFor({ exp: inSeconds(-5 * DAY + 60) });
    expect((await harness.claim(inTime, "alloc-1")).status).toBe(401);
    expect((await harness.release(inTime, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
  });

  test("spends an expired claim that was never used", async () => {
    const claim = await waiting(harness, 1);
    expect((await harness.release(claimFor({ exp: inSeconds(-1) }))).status).toBe(204);
    expect((await harness.claim(claim)).status).toBe(409);
  });

  test("by another holder than the one that claimed is 204 and does nothing", async () => {
    const claim = await hold("alloc-1");
    expect((await harness.release(claim, "alloc-2")).status).toBe(204);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(CLAIMED);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
  });

  test.each([
    ["nobody in particular, of a runner with a holder", "alloc-1", undefined],
    ["what is no holder's name, of a runner with a holder", "alloc-1", "no name"],
    ["anybody, of a runner whose holder is not known", undefined, "alloc-2"],
  ])("by %s acts", async (_, claimer, releaser) => {
    const claim = await hold(claimer);
    expect((await harness.release(claim, releaser)).status).toBe(204);
    expect(github.runners).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
  });

  test("of a runner at work that GitHub lets go of ends it, and its job is GitHub's to end", async () => {
    const claim = await hold("alloc-1");
    await start(harness, 1, NAME);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "in_progress" }]);
    await finish(harness, 1, NAME);
    expect(await harness.rows(FIRST)).toEqual(RELEASED);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("while GitHub fails is 503 with a time to come back, and nothing is forgotten", async () => {
    const claim = await hold("alloc-1");
    const failures: readonly (readonly [Reply, string])[] = [
      [{ status: 500 }, "10"],
      [{ status: 503, headers: { "Retry-After": "7" } }, "7"],
      [{ status: 401 }, "10"],
      [{ status: 403, body: { message: "Resource not accessible" } }, "10"],
      ["drop", "10"],
    ];
    for (const [reply, seconds] of failures) {
      answer(harness, () => reply);
      const response = await harness.release(claim, "alloc-1");
      expect([response.status, response.headers.get("Retry-After")]).toEqual([503, seconds]);
      expect(await harness.rows(FIRST)).toEqual(CLAIMED);
    }
    expect(tokens(harness)).toEqual(["1:1"]);
    harness.github.reply = github.reply;
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("by name while GitHub cannot list is 503, and removes it when it can", async () => {
    const claim = await hold("alloc-1");
    await harness.rows("UPDATE runners SET registration_id = NULL");
    answer(harness, ({ path }) => (path.includes("?name=") ? { status: 502 } : null));
    expect((await harness.release(claim, "alloc-1")).status).toBe(503);
    harness.github.reply = github.reply;
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
  });
});
