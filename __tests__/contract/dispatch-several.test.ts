import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { NO_LEADER, jobs, postJob, queueUnsent, tokens, until } from "./support/dispatching";

describe.each(RUNTIMES)("several requests to Nomad after one answer (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterEach(async () => {
    harness.nomad.reply = acceptingNomad;
    await harness.runtime.idle();
  });
  afterAll(async () => harness.close());

  const areDispatched = (count: number) => async (): Promise<boolean> =>
    (await harness.rows("SELECT 1 FROM runners WHERE state = 'dispatched'")).length === count;

  /** Nomad refuses the first so many dispatches, as it does during an election. */
  const refuseFirst = (count: number): void => {
    let asked = 0;
    harness.nomad.reply = () => ((asked += 1) <= count ? NO_LEADER : acceptingNomad());
  };

  test("are each tried again in their own time, also after another one's retry got through", async () => {
    // The older request has failed once, so it waits longer than the new one after both are refused.
    await queueUnsent(harness, [{ id: 1 }]);
    refuseFirst(2);
    expect((await postJob(harness, { id: 2 })).status).toBe(202);
    await until("both got through without a sweep", areDispatched(2), 8);
    expect(tokens(harness).slice(0, 2).sort()).toEqual(["1:1", "2:1"]);
    expect(tokens(harness).slice(2)).toEqual(["2:1", "1:1"]);
  });

  test("are tried again also when there were as many as are sent at once, and all were refused", async () => {
    await queueUnsent(harness, jobs(5));
    refuseFirst(6);
    expect((await postJob(harness, { id: 6 })).status).toBe(202);
    await until("all got through without a sweep", areDispatched(6), 8);
    expect(tokens(harness)).toHaveLength(12);
  });
});
