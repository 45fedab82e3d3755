import { RUNTIMES } from "../support/harness/runtimes";
import { SCOPE } from "../support/claims";
import { useHarness } from "../support/webhook";
import { type HookedGithub, REPEATING, begin, know, redeliveryStatus, repeated } from "./support/redelivery";

const HOUR = 3_600;

describe.each(RUNTIMES)("a delivery that failed (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: HookedGithub;
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: REPEATING });
  });
  beforeEach(async () => {
    github = await begin(harness());
  });

  test("is asked for in the sweep that finds it, and once only while nothing is heard of it", async () => {
    const hook = github.add(SCOPE);
    await know(harness(), hook);
    const failed = github.attempt(hook);
    for (let sweeps = 0; sweeps < 4; sweeps++) {
      await harness().sweep();
      await harness().age(HOUR);
    }
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({
      mode: "on",
      why: null,
      hooks: { ours: 1 },
      pending: 0,
      asked: 1,
    });
  });
});
