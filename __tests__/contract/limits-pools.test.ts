import { SCOPE, granted } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, tokens } from "./support/dispatching";
import { pauseCall } from "./support/pausing";
import { POOL, bindPools, idle, warm, warmTokens } from "./support/pools";

describe.each(RUNTIMES)("limits and pools (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const ofJobs = (): string[] => tokens(harness).filter((token) => !token.startsWith("pool:"));

  test("a pool's runner counts for its repository, idle and on the way", async () => {
    await bindPools(harness, [POOL], { maxRunnersPerRepository: 2 });
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    for (const id of [1, 2, 3]) await harness.deliver(workflowJob({ id }));
    await idle(harness, 1, 2);
    await harness.sweep();
    expect(ofJobs()).toEqual([]);
    // Another repository of the class has its own share.
    await harness.deliver(workflowJob({ id: 4, repository: "octo-org/other" }));
    expect(ofJobs()).toEqual(["4:1"]);
  });

  test("a pool is not dispatched above its repository's share", async () => {
    await bindPools(harness, [POOL], { maxRunnersPerRepository: 1 });
    await harness.age(60);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([warm(1)]);
  });

  test("a pool of a repository that is paused is not kept, and what was sent is refused", async () => {
    await bindPools(harness, [POOL]);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    const [name] = await idle(harness, 1);
    await pauseCall(harness, "PUT", SCOPE);
    expect((await harness.claim(claimOf(harness, warm(2)), "two")).status).toBe(410);
    await harness.age(120);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    // The one that is idle goes on, and may take a job.
    expect(await harness.rows("SELECT name FROM runners WHERE state = 'claimed'")).toEqual([{ name }]);
    await pauseCall(harness, "DELETE", SCOPE);
    await harness.age(120);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([warm(1), warm(2), warm(3)]);
  });

  test("an organization's counts for nobody until it takes a job, then for that job's repository", async () => {
    const pool = { scope: "octo-org", class: "linux", size: 2 };
    const classes = [{ ...LINUX, maxRunnersPerRepository: 1 }];
    await harness.bind({
      RUNNER_POLICY: {
        ...POLICY,
        scope: "organization",
        repositories: ["octo-org/*"],
        classes,
        pools: [pool],
      },
    });
    await harness.sweep();
    const sent = [1, 2].map((ordinal) => warm(ordinal, "octo-org"));
    expect(warmTokens(harness)).toEqual(sent);
    const deliver = async (id: number, more: object = {}): Promise<void> => {
      await harness.deliver(workflowJob({ id, repository: "octo-org/a", organization: "octo-org", ...more }));
    };
    const first = await granted(harness, claimOf(harness, sent[0] ?? ""), "one");
    await granted(harness, claimOf(harness, sent[1] ?? ""), "two");
    await deliver(1, { action: "in_progress", runner: first });
    for (const id of [2, 3, 4]) await deliver(id);
    await harness.sweep();
    expect(ofJobs()).toEqual([]);
    await deliver(1, { action: "completed", runner: first });
    expect(ofJobs()).toHaveLength(1);
  });
});
