import { poolRunnerName } from "../../contracts/runner-name";
import { SCOPE, STACK, claimOf, finish, granted, start, tokens } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { NO_LEADER, NO_SUCH_JOB } from "./support/dispatching";
import { POOL, bindPools, idle, leave, pools, warm, warmTokens } from "./support/pools";

describe.each(RUNTIMES)("a pool (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const counts = async () => {
    const [{ idle: still, starting, busy } = {}] = await pools(harness);
    return { idle: still, starting, busy };
  };

  test("is filled by the sweep, with dispatches of the class's own job that no workflow job stands behind", async () => {
    await bindPools(harness, [POOL]);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    const dispatch = harness.dispatches().find((one) => one.token === warm(1));
    expect(dispatch?.job).toBe("github-runner-linux");
    expect(dispatch?.body["IdPrefixTemplate"]).toBe("warm-1");
    expect(dispatch?.body["Meta"]).toEqual({
      REPO_FULL_NAME: SCOPE,
      REPO_SHORT_NAME: "example",
      WORKFLOW_RUN: "0",
      WORKFLOW_JOB: "0",
    });
    const { claim, ...payload } = dispatch?.payload ?? { claim: "" };
    expect(payload).toEqual({
      repo: SCOPE,
      fork: false,
      job: "warm",
      run_id: 0,
      job_id: 0,
      claim_url: "https://hooks.example.test/runners/claim",
    });
    const json = Buffer.from(claim.split(".")[0] ?? "", "base64url").toString("utf8");
    expect(JSON.parse(json)).toMatchObject({ scope: SCOPE, class: "linux", kind: "warm", ordinal: 1 });
  });

  test("is full as soon as its runners are on the way: another sweep adds none", async () => {
    await bindPools(harness, [POOL]);
    await harness.sweep();
    expect(await counts()).toEqual({ idle: 0, starting: 2, busy: 0 });
    await idle(harness, 1, 2);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    expect(await counts()).toEqual({ idle: 2, starting: 0, busy: 0 });
  });

  test("has names of its own at GitHub", async () => {
    await bindPools(harness, [POOL]);
    expect(await idle(harness, 2, 1)).toEqual([poolRunnerName(STACK, "linux", 2), `${STACK}-linux-warm-1`]);
  });

  test("replaces a runner as soon as a job takes it, and uses each once", async () => {
    await bindPools(harness, [POOL]);
    const [first = ""] = await idle(harness, 1, 2);
    await harness.deliver(workflowJob({ id: 7 }));
    expect(tokens(harness)).toHaveLength(2);
    await start(harness, 7, first);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2), warm(3)]);
    expect(tokens(harness)).toHaveLength(3);
    expect(await counts()).toEqual({ idle: 1, starting: 1, busy: 1 });
    await finish(harness, 7, first);
    expect((await leave(harness, 1)).status).toBe(204);
    expect((await harness.claim(claimOf(harness, warm(1)), "alloc-1")).status).toBe(409);
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(3);
  });

  test("replaces a runner that left idle at once when it had been there for a while", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1, 2);
    await harness.age(180);
    expect((await leave(harness, 1)).status).toBe(204);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2), warm(3)]);
  });

  test("replaces a holder that is past its time", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1, 2);
    await harness.age(LINUX.idleTimeoutSeconds + 61);
    await harness.sweep();
    expect(warmTokens(harness)).toEqual([1, 2, 3, 4].map((ordinal) => warm(ordinal)));
  });

  test("is sent when Nomad is there again, by the same ordinal", async () => {
    harness.nomad.reply = () => NO_LEADER;
    await bindPools(harness, [{ ...POOL, size: 1 }]);
    await harness.sweep();
    harness.nomad.reply = () => NO_SUCH_JOB;
    await harness.age(61);
    await harness.sweep();
    await harness.age(61);
    await harness.sweep();
    expect(new Set(warmTokens(harness))).toEqual(new Set([warm(1)]));
    expect(warmTokens(harness).length).toBeGreaterThan(1);
    const failed = harness.runtime.lines.filter((line) => line.includes('"dispatch_failed"'));
    expect(failed.at(-1)).toContain(`"scope":"${SCOPE}"`);
    expect(failed.at(-1)).toContain('"reason":"pool"');
    expect(failed.at(-1)).not.toContain("job_id");
  });

  test("of one class and scope is no business of another's", async () => {
    const other = { ...POOL, scope: "octo-org/other", size: 1 };
    await bindPools(harness, [POOL, other]);
    expect([...tokens(harness)].sort()).toEqual([warm(1), warm(3), warm(2, other.scope)].sort());
    await granted(harness, claimOf(harness, warm(2, other.scope)), "alloc-2");
    await idle(harness, 1, 3);
    expect(await pools(harness)).toMatchObject([
      { scope: SCOPE, idle: 2 },
      { scope: other.scope, idle: 1 },
    ]);
  });

  test("of a scope and class that another pool names, too, has the larger size, however the name is written", async () => {
    await bindPools(harness, [POOL, { ...POOL, scope: "Octo-Org/Example", size: 3 }, { ...POOL, size: 1 }]);
    expect(warmTokens(harness)).toHaveLength(3);
    await harness.sweep();
    expect(warmTokens(harness)).toHaveLength(3);
    expect(await pools(harness)).toMatchObject([{ size: 3, starting: 3 }]);
  });

  test("takes no more places than its class has", async () => {
    await bindPools(harness, [{ ...POOL, size: 4 }], { maxRunners: 3 });
    await harness.sweep();
    expect(warmTokens(harness)).toHaveLength(3);
    await idle(harness, 1, 2, 3);
    await harness.sweep();
    expect(warmTokens(harness)).toHaveLength(3);
  });

  test("shows in /status and /metrics", async () => {
    await bindPools(harness, [{ ...POOL, size: 3 }]);
    const [first = ""] = await idle(harness, 1, 2);
    await start(harness, 7, first);
    expect(await pools(harness)).toEqual([
      { scope: SCOPE, class: "linux", size: 3, open: true, idle: 1, starting: 2, busy: 1 },
    ]);
    const headers = { Authorization: "Bearer a-status-token-for-tests" };
    const text = await (await harness.runtime.fetch("/metrics", { headers })).text();
    const lines = text.split("\n").filter((line) => line.startsWith("runners_pool_"));
    const labels = `{scope="${SCOPE}",class="linux"}`;
    expect(lines).toEqual([
      `runners_pool_size${labels} 3`,
      `runners_pool_open${labels} 1`,
      `runners_pool_idle${labels} 1`,
      `runners_pool_starting${labels} 2`,
      `runners_pool_busy${labels} 1`,
    ]);
  });
});
