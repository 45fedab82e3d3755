import { type DeliveryOptions, workflowJob } from "../support/harness/deliveries";
import { LINUX, POLICY } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  ignored,
  postSigned,
  tokens,
  useHarness,
} from "../support/webhook";

const ORGANIZATION = { ...POLICY, scope: "organization", repositories: ["Octo-Org/*"], runnerGroupId: 7 };

describe.each(RUNTIMES)("in organization scope (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: ORGANIZATION });
  });
  beforeEach(async () => forgetAll(harness()));

  const deliver = async (options: DeliveryOptions): Promise<Response> =>
    postSigned(harness(), workflowJob({ organization: "octo-org", ...options }));
  const claimed = async (token: string): Promise<string> => {
    const found = harness()
      .dispatches()
      .find((one) => one.token === token);
    const response = await harness().claim(found?.payload.claim ?? "", token.replace(":", "-"));
    expect(response.status).toBe(201);
    return ((await response.json()) as { runner_name: string }).runner_name;
  };

  test("a runner registers with the organization and in the runner group of the policy", async () => {
    expect((await deliver({ id: 1 })).status).toBe(202);
    expect(await harness().rows("SELECT scope, repo FROM jobs")).toEqual([
      { scope: "Octo-Org", repo: "octo-org/example" },
    ]);
    const runner = await claimed("1:1");
    const [jit] = harness().github.seen;
    expect(`${jit?.method ?? ""} ${jit?.path ?? ""}`).toBe(
      "POST /orgs/Octo-Org/actions/runners/generate-jitconfig",
    );
    expect(JSON.parse(jit?.body ?? "")).toEqual({
      name: runner,
      runner_group_id: 7,
      labels: LINUX.labels,
      work_folder: "_work",
    });
  });

  test("runners and jobs of all its repositories are counted together", async () => {
    await deliver({ id: 1, repository: "octo-org/a" });
    await deliver({ id: 2, repository: "octo-org/b" });
    const [first, second] = [await claimed("1:1"), await claimed("2:1")];
    await deliver({ id: 2, repository: "octo-org/b", action: "in_progress", runner: first });
    await deliver({ id: 1, repository: "octo-org/a", action: "in_progress", runner: second });
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
  });

  test("a personal delivery of the organization's repository names no organization and is taken", async () => {
    expect((await postSigned(harness(), workflowJob({ id: 1 }))).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test.each([
    ["of another owner", { repository: "stranger/example", organization: "stranger" }],
    ["of another owner that says it is of the organization", { repository: "stranger/example" }],
    ["of the organization that says it is of another", { organization: "stranger" }],
    [
      "of an owner whose name only begins like it",
      { repository: "octo-org-2/example", organization: "octo-org-2" },
    ],
  ])("a repository %s is ignored", async (_, options) => {
    expect(await answerOf(await deliver(options))).toEqual(ignored("other_owner"));
    await expectNothingHappened(harness());
  });
});

describe.each(RUNTIMES)(
  "in organization scope, with patterns that narrow it and no group (%s)",
  (runtime) => {
    const harness = useHarness(runtime);
    beforeAll(async () => {
      const { runnerGroupId: _, ...rest } = ORGANIZATION;
      await harness().bind({ RUNNER_POLICY: { ...rest, repositories: ["octo-org/app-*"] } });
    });
    beforeEach(async () => forgetAll(harness()));

    test("only what they name gets runners, in the default group", async () => {
      const other = await postSigned(harness(), workflowJob({ id: 1, organization: "octo-org" }));
      expect(await answerOf(other)).toEqual(ignored("repository_not_allowed"));
      await expectNothingHappened(harness());
      await postSigned(
        harness(),
        workflowJob({ id: 1, organization: "octo-org", repository: "octo-org/app-web" }),
      );
      const claim = harness().dispatches()[0]?.payload.claim ?? "";
      expect((await harness().claim(claim)).status).toBe(201);
      expect(JSON.parse(harness().github.seen[0]?.body ?? "")).toMatchObject({ runner_group_id: 1 });
    });
  },
);
