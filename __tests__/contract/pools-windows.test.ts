import { SCOPE, claimOf, tokens } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { NO_SUCH_JOB, readStatus } from "./support/dispatching";
import { POOL, bindPools, idle, pools, warm, warmTokens, windows, withPools } from "./support/pools";

const { open, closed } = windows();

describe.each(RUNTIMES)("a pool's window and scope (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const problems = async () =>
    (await readStatus(harness)).problems.filter(({ source }) => source === "pools");

  test("open: the pool is kept", async () => {
    await bindPools(harness, [{ ...POOL, window: open, timeZone: "America/St_Johns" }]);
    expect(warmTokens(harness)).toHaveLength(2);
    expect(await pools(harness)).toMatchObject([{ size: 2, open: true }]);
  });

  test("closed: no runner is started, and that is no problem", async () => {
    await bindPools(harness, [{ ...POOL, window: closed }]);
    expect(tokens(harness)).toEqual([]);
    expect(await pools(harness)).toMatchObject([{ size: 2, open: false, idle: 0, starting: 0 }]);
    expect(await problems()).toEqual([]);
  });

  test("of several pools of one scope and class, the largest of those that are open counts", async () => {
    await bindPools(harness, [
      { ...POOL, size: 5, window: closed },
      { ...POOL, size: 1 },
      { ...POOL, size: 3, window: open },
    ]);
    expect(warmTokens(harness)).toHaveLength(3);
    expect(await pools(harness)).toMatchObject([{ size: 3, open: true }]);
  });

  test("in a time zone that the runtime does not know: closed, and told", async () => {
    await bindPools(harness, [{ ...POOL, window: open, timeZone: "Middle/Earth" }]);
    expect(tokens(harness)).toEqual([]);
    expect(await problems()).toMatchObject([
      {
        kind: "time_zone",
        detail: `${SCOPE}, class linux: this runtime does not know the time zone Middle/Earth; the pool is closed`,
      },
    ]);
  });

  const organization = { ...POLICY, scope: "organization", publicRepositories: [] };
  test.each([
    ["a repository that no pattern names", POLICY, "octo-other/tool"],
    ["an organization, where runners are a repository's", POLICY, "octo-org"],
    [
      "a repository, where runners are an organization's",
      { ...organization, repositories: ["octo-org/*"] },
      SCOPE,
    ],
    ["another organization than the policy's", { ...organization, repositories: ["octo-org/*"] }, "me"],
    ["an organization that no pattern fits", { ...organization, repositories: ["octo-*/*"] }, "me"],
  ])("of %s: closed, and told", async (_, policy, scope) => {
    await harness.bind({ RUNNER_POLICY: { ...policy, pools: [{ ...POOL, scope }] } });
    await harness.sweep();
    expect(tokens(harness)).toEqual([]);
    expect(await problems()).toMatchObject([{ kind: "scope" }]);
    expect(await pools(harness)).toMatchObject([{ scope, open: false }]);
  });

  test.each([
    ["by its name", ["octo-org/*"]],
    ["by a pattern", ["octo-*/*"]],
  ])(
    "of an organization that the policy names %s: kept, with no repository in its meta",
    async (_, repositories) => {
      await harness.bind({
        RUNNER_POLICY: { ...organization, repositories, pools: [{ ...POOL, scope: "octo-org", size: 1 }] },
      });
      await harness.sweep();
      expect(tokens(harness)).toEqual([warm(1, "octo-org")]);
      expect(harness.dispatches()[0]?.body["Meta"]).toMatchObject({
        REPO_FULL_NAME: "octo-org",
        REPO_SHORT_NAME: "octo-org",
      });
      expect((await harness.claim(claimOf(harness, warm(1, "octo-org")), "alloc-1")).status).toBe(201);
      const paths = harness.github.seen.map(({ path }) => path);
      expect(paths).toContain("/orgs/octo-org/actions/runners/generate-jitconfig");
      // It covers the jobs of all its repositories.
      await harness.deliver(workflowJob({ id: 1, repository: "octo-org/other", organization: "octo-org" }));
      expect(tokens(harness)).toHaveLength(1);
    },
  );
});

describe("a pool that changes while its runners are there", () => {
  // On the sources in Node, where the ledger outlives a change of bindings.
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const requests = async () =>
    harness.rows("SELECT ordinal, state, end_reason FROM runners ORDER BY ordinal");

  test("takes back what was not sent when it shrinks, the newest first, and what just is being sent never", async () => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    await bindPools(harness, [{ ...POOL, size: 4 }]);
    await harness.rows("UPDATE runners SET leased_until = iif(ordinal = 4, 9e15, 0)");
    await bindPools(harness, [{ ...POOL, size: 2 }]);
    expect(await requests()).toEqual([
      { ordinal: 1, state: "requested", end_reason: null },
      { ordinal: 2, state: "ended", end_reason: "unneeded" },
      { ordinal: 3, state: "ended", end_reason: "unneeded" },
      { ordinal: 4, state: "requested", end_reason: null },
    ]);
  });

  test.each([
    ["closes", [{ ...POOL, window: closed }]],
    ["is no more", []],
    ["loses its scope", [{ ...POOL, scope: "octo-other/tool" }]],
  ])("takes all of it back when it %s; jobs that relied on it get their own", async (_, changed) => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    await bindPools(harness, [POOL]);
    await harness.deliver(workflowJob({ id: 11 }));
    await harness.rows("UPDATE runners SET leased_until = 0");
    await harness.bind(withPools(changed));
    const rows = await requests();
    expect(rows.filter(({ state }) => state === "ended")).toEqual([
      { ordinal: 1, state: "ended", end_reason: "unneeded" },
      { ordinal: 2, state: "ended", end_reason: "unneeded" },
    ]);
    expect(await harness.rows("SELECT job_id FROM runners WHERE live = 1")).toEqual([{ job_id: 11 }]);
  });

  test("leaves idle runners to their time when it closes, and refuses those that still start", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1);
    await harness.bind(withPools([{ ...POOL, window: closed }]));
    expect((await harness.claim(claimOf(harness, warm(2)), "alloc-2")).status).toBe(410);
    // The idle one still takes a job.
    await harness.deliver(workflowJob({ id: 11 }));
    expect(tokens(harness)).toHaveLength(2);
    await harness.age(LINUX.idleTimeoutSeconds + 61);
    await harness.sweep();
    expect(warmTokens(harness)).toHaveLength(2);
  });

  test("grants a claim that comes after it closed all the same when a job waits for it", async () => {
    await bindPools(harness, [POOL]);
    await harness.deliver(workflowJob({ id: 11 }));
    await harness.bind(withPools([{ ...POOL, window: closed }]));
    expect((await harness.claim(claimOf(harness, warm(2)), "alloc-2")).status).toBe(201);
    expect((await harness.claim(claimOf(harness, warm(1)), "alloc-1")).status).toBe(410);
    expect(tokens(harness)).toHaveLength(2);
  });
});
