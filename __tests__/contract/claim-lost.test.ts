import { granted, waiting } from "../support/claims";
import { type Harness, acceptingGithub, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const STATES = "SELECT state, live, end_reason FROM runners";

describe.each(RUNTIMES)("a registration whose answer was lost (%s)", (runtime) => {
  let harness: Harness;
  let removed: string[];
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    removed = [];
  });
  afterAll(async () => harness.close());

  /** GitHub registers the first runner and its answer is lost; from then on it lists that one until it is deleted. */
  const loseAnswer = (): void => {
    const accept = acceptingGithub();
    let name: string | null = null;
    harness.github.reply = (request) => {
      if (request.path.endsWith("/generate-jitconfig") && name === null) {
        ({ name } = JSON.parse(request.body) as { name: string });
        return { status: 502 };
      }
      if (request.method === "DELETE") {
        removed.push(request.path);
        name = "";
        return { status: 204 };
      }
      if (!request.path.includes("/actions/runners?") || name === null || name === "") return accept(request);
      const runner = { id: 77, name, status: "offline", busy: false };
      return { status: 200, body: { total_count: 1, runners: [runner] } };
    };
  };

  test("is removed by its name when its runner never asks again: ten minutes after its deadline, and no sooner", async () => {
    loseAnswer();
    const claim = await waiting(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    await harness.age(300 + 590);
    await harness.sweep();
    expect([removed, (await harness.rows(STATES))[0]]).toEqual([
      [],
      { state: "dispatched", live: 1, end_reason: null },
    ]);
    await harness.age(20);
    await harness.sweep();
    expect(removed).toEqual(["/repos/octo-org/example/actions/runners/77"]);
    expect((await harness.rows(STATES))[0]).toEqual({ state: "ended", live: 0, end_reason: "gone" });
    // Only that one: its job has another runner on the way.
    expect((await harness.rows("SELECT name FROM runners WHERE live = 1")).length).toBe(1);
  });

  test("is that of the runner which asks again in time", async () => {
    loseAnswer();
    const claim = await waiting(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    await harness.age(400);
    await harness.sweep();
    await granted(harness, claim, "alloc-1");
    await harness.age(100);
    await harness.sweep();
    expect((await harness.rows(`${STATES} WHERE ordinal = 1`))[0]).toMatchObject({
      state: "claimed",
      live: 1,
    });
  });
});
