import { type DeliveryOptions, workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  ignored,
  postSigned,
  states,
  tokens,
  useHarness,
} from "../support/webhook";
import { claimOf, holderOf, registerRunner } from "./support/dispatching";

// Requests to GitHub are counted here, so nothing but what is tested may ask.
const { classes, recovery, redelivery } = POLICY;
const RULES = { forkPullRequests: "refuse", requireSelfHostedLabel: true };

/** Two organizations, one of which keeps a repository apart, and a person. */
const SCOPES = [
  { ...RULES, repositories: ["one-org/site"] },
  { ...RULES, scope: "organization", repositories: ["One-Org/*"], runnerGroupId: 3 },
  { ...RULES, scope: "organization", repositories: ["two-org/api-*"], runnerGroupId: 4 },
  { ...RULES, repositories: ["me/*"] },
];
const SEVERAL = { scopes: SCOPES, classes, recovery, redelivery };

function shown(harness: Harness): unknown[] {
  return harness.github.seen
    .filter(({ path }) => path.endsWith("/generate-jitconfig"))
    .map(({ path, body }) => [path, (JSON.parse(body) as Record<string, unknown>)["runner_group_id"]]);
}

describe.each(RUNTIMES)("several scopes in one Worker (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: SEVERAL });
  });
  beforeEach(async () => forgetAll(harness()));

  const deliver = async (options: DeliveryOptions): Promise<Response> => {
    const owner = options.repository?.split("/", 1)[0] ?? "";
    const organization = owner.endsWith("-org") ? { organization: owner } : {};
    return postSigned(harness(), workflowJob({ ...organization, ...options }));
  };

  test("each job's runner registers in the scope of its repository, and in that scope's group", async () => {
    await deliver({ id: 1, repository: "one-org/tool" });
    await deliver({ id: 2, repository: "Two-Org/API-x" });
    await deliver({ id: 3, repository: "me/tool" });
    // The delivery of an organization's webhook, for a repository that has a scope of its own.
    await deliver({ id: 4, repository: "one-org/site" });
    expect(await harness().rows("SELECT job_id, scope FROM jobs ORDER BY job_id")).toEqual([
      { job_id: 1, scope: "One-Org" },
      { job_id: 2, scope: "two-org" },
      { job_id: 3, scope: "me/tool" },
      { job_id: 4, scope: "one-org/site" },
    ]);
    for (const token of ["1:1", "2:1", "3:1", "4:1"]) await registerRunner(harness(), token);
    expect(shown(harness())).toEqual([
      ["/orgs/One-Org/actions/runners/generate-jitconfig", 3],
      ["/orgs/two-org/actions/runners/generate-jitconfig", 4],
      ["/repos/me/tool/actions/runners/generate-jitconfig", 1],
      ["/repos/one-org/site/actions/runners/generate-jitconfig", 1],
    ]);
  });

  test.each([
    ["of an owner that no scope names", { repository: "stranger/tool" }, "repository_not_allowed"],
    ["that an organization's scope leaves out", { repository: "two-org/web" }, "repository_not_allowed"],
    [
      "of an organization that says it is another's",
      { repository: "two-org/api-x", organization: "one-org" },
      "other_owner",
    ],
    ["that is public", { repository: "one-org/tool", private: false }, "public_repository"],
  ])("a repository %s gets no runner of any scope", async (_, options, reason) => {
    expect(await answerOf(await deliver(options))).toEqual(ignored(reason));
    await expectNothingHappened(harness());
  });

  test("what a runner of any scope does reaches the ledger", async () => {
    for (const [id, repository] of [
      [1, "one-org/tool"],
      [2, "two-org/api-x"],
      [3, "me/tool"],
    ] as const) {
      await deliver({ id, repository });
      const runner = await registerRunner(harness(), `${String(id)}:1`);
      await deliver({ id, repository, action: "in_progress", runner });
      expect(await states(harness())).toMatchObject({ [id]: "in_progress" });
      await deliver({ id, repository, action: "completed", runner });
      expect(await states(harness())).toMatchObject({ [id]: "completed" });
    }
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1", "2:1", "3:1"]);
  });

  test("a shortage is counted in each scope: an idle runner of one is none of the other", async () => {
    await deliver({ id: 1, repository: "one-org/a" });
    const runner = await registerRunner(harness(), "1:1");
    await deliver({ id: 2, repository: "two-org/api-x" });
    // One-Org's runner takes a job of another of its repositories, which had no delivery; its own job is short of one.
    await deliver({ id: 9, repository: "one-org/b", action: "in_progress", runner });
    expect(tokens(harness())).toEqual(["1:1", "2:1", "1:2"]);
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1", "2:1", "1:2"]);
  });

  test("a claim buys a registration in its own scope only, whoever else waits", async () => {
    await deliver({ id: 1, repository: "one-org/a" });
    await deliver({ id: 2, repository: "two-org/api-x" });
    await deliver({ id: 1, repository: "one-org/a", action: "completed", conclusion: "cancelled" });
    expect((await harness().claim(claimOf(harness(), "1:1"), holderOf("1:1"))).status).toBe(410);
    await registerRunner(harness(), "2:1");
    expect(shown(harness())).toEqual([["/orgs/two-org/actions/runners/generate-jitconfig", 4]]);
  });
});

describe.each(RUNTIMES)("a class's maximum over several scopes (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: { scopes: SCOPES, classes: [{ ...LINUX, maxRunners: 2 }] } });
  });
  beforeEach(async () => forgetAll(harness()));

  test("counts the runners of all, and a place freed in one goes to the oldest job of any", async () => {
    const repositories = ["one-org/a", "two-org/api-x", "me/tool", "one-org/a"];
    for (const [index, repository] of repositories.entries()) {
      await harness().deliver(workflowJob({ id: index + 1, repository }));
      await harness().age(1);
    }
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
    const runner = await registerRunner(harness(), "2:1");
    const done = { id: 2, repository: "two-org/api-x", runner };
    await harness().deliver(workflowJob({ ...done, action: "in_progress" }));
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
    await harness().deliver(workflowJob({ ...done, action: "completed" }));
    expect(tokens(harness())).toEqual(["1:1", "2:1", "3:1"]);
  });
});

describe.each(RUNTIMES)("an organization whose scope changed after the dispatch (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => harness().reset());

  /** Dispatches under the policy, and takes the claim under that with other scopes. */
  async function claimAfter(scopes: readonly object[]): Promise<number> {
    await harness().bind({ RUNNER_POLICY: SEVERAL });
    await harness().deliver(workflowJob({ id: 1, repository: "two-org/api-x" }));
    await harness().bind({ RUNNER_POLICY: { scopes, classes } });
    return (await harness().claim(claimOf(harness(), "1:1"), holderOf("1:1"))).status;
  }

  test("to another group has its runner in the new one", async () => {
    const scopes = SCOPES.map((scope) => ({
      ...scope,
      ...("runnerGroupId" in scope && { runnerGroupId: 9 }),
    }));
    expect(await claimAfter(scopes)).toBe(201);
    expect(shown(harness())).toEqual([["/orgs/two-org/actions/runners/generate-jitconfig", 9]]);
  });

  test("and that no scope names any more gets no registration, least of all in the default group", async () => {
    const scopes = SCOPES.filter(({ repositories }) => !repositories.includes("two-org/api-*"));
    expect(await claimAfter(scopes)).toBe(410);
    expect(shown(harness())).toEqual([]);
  });
});
