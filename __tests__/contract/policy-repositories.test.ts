import { workflowJob } from "../support/harness/deliveries";
import { POLICY } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  ignored,
  postSigned,
  tokens,
  unusable,
  useHarness,
} from "../support/webhook";

const REPOSITORIES = ["octo-org/*", "me/tool", "Team-*/app-*-svc", "*/dot.files", "octo*corp/x*yz*z"];

const LISTED = [
  "octo-org/example",
  "OCTO-ORG/Example",
  "octo-org/.github",
  "octo-org/-_-",
  "me/tool",
  "Me/TOOL",
  "team-a/app-web-svc",
  "TEAM-/APP--SVC",
  "team-a-b/app-x-svc-svc",
  "anybody/dot.files",
  "anybody/DOT.Files",
  "octocorp/xyzz",
  "octo-and-corp/x1yz2z",
  "octo-corp/xyzyzz",
];

const NOT_LISTED = [
  "octo-org2/example",
  "xocto-org/example",
  "octo/org",
  "me/tool2",
  "me/atool",
  "me/too",
  "tool/me",
  "team/app-web-svc",
  "xteam-a/app-web-svc",
  "team-a/app-svc",
  "team-a/app-web-svcs",
  "team-a/xapp-web-svc",
  "anybody/dotxfiles",
  "anybody/dot.file",
  "anybody/mydot.files",
  "octocorps/xyzz",
  "octocorp/xyz",
  "octocorp/xz",
  "octocorp/xyzzy",
  "octocorp/yzxz",
];

describe.each(RUNTIMES)("the patterns of a policy (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: { ...POLICY, repositories: REPOSITORIES } });
  });
  beforeEach(async () => forgetAll(harness()));

  test.each(LISTED)("%s is listed, and gets a runner in its own scope", async (repository) => {
    expect((await postSigned(harness(), workflowJob({ id: 1, repository }))).status).toBe(202);
    expect(
      harness()
        .dispatches()
        .map((one) => one.payload["repo"]),
    ).toEqual([repository]);
    expect(await harness().rows("SELECT scope, repo FROM jobs")).toEqual([
      { scope: repository, repo: repository },
    ]);
  });

  test("what is not listed is ignored, and nothing happens", async () => {
    for (const repository of NOT_LISTED) {
      const response = await postSigned(harness(), workflowJob({ repository }));
      expect({ repository, ...(await answerOf(response)) }).toEqual({
        repository,
        ...ignored("repository_not_allowed"),
      });
    }
    await expectNothingHappened(harness());
  });

  test.each([
    "octo-org/a/b",
    "octo-org/",
    "/example",
    "octo-org",
    "octo-org//example",
    "octo-org/*",
    "*/dot.files",
  ])("%s is no repository's name, so that no * reaches over a slash", async (repository) => {
    const body = workflowJob();
    body.repository["full_name"] = repository;
    expect(await answerOf(await postSigned(harness(), body))).toEqual(unusable("bad_repository"));
    await expectNothingHappened(harness());
  });

  test("the name that is checked is the one that is used: another owner or short name beside it counts for nothing", async () => {
    const body = workflowJob({ repository: "stranger/example" });
    body.repository.owner["login"] = "octo-org";
    body.repository["name"] = "tool";
    expect(await answerOf(await postSigned(harness(), body))).toEqual(ignored("repository_not_allowed"));
    await expectNothingHappened(harness());
  });

  test("one repository spelt in two ways is one scope: its jobs and runners are counted together", async () => {
    await postSigned(harness(), workflowJob({ id: 1, repository: "octo-org/example" }));
    await harness().age(301);
    await postSigned(harness(), workflowJob({ id: 1, repository: "Octo-Org/Example" }));
    expect(tokens(harness())).toEqual(["1:1", "1:2"]);
    await postSigned(harness(), workflowJob({ id: 2, repository: "Octo-Org/Example" }));
    expect(tokens(harness())).toEqual(["1:1", "1:2", "2:1"]);
    await postSigned(harness(), workflowJob({ id: 2, repository: "octo-org/example" }));
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1", "1:2", "2:1"]);
  });

  test("a private repository's job is dispatched without a question to GitHub, and its fork flag goes along", async () => {
    await postSigned(harness(), workflowJob({ id: 1 }));
    await postSigned(harness(), workflowJob({ id: 2, fork: true }));
    await harness().sweep();
    expect(
      harness()
        .dispatches()
        .map(({ token, payload }) => [token, payload["fork"]]),
    ).toEqual([
      ["1:1", false],
      ["2:1", true],
    ]);
    expect(harness().github.seen).toEqual([]);
  });
});

describe.each(RUNTIMES)("public repositories (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    const repositories = ["octo-org/*"];
    const publicRepositories = ["Octo-Org/public-*", "stranger/*"];
    await harness().bind({
      RUNNER_POLICY: { ...POLICY, repositories, publicRepositories, forkPullRequests: "allow" },
    });
  });
  beforeEach(async () => forgetAll(harness()));

  test.each([
    ["that says it is", { private: false, visibility: "public" }],
    ["that does not say that it is private", { private: undefined, visibility: undefined }],
    ["that says both", { private: true, visibility: "public" }],
    ["whose privacy is no truth value", { private: "true", visibility: "private" }],
    ["whose privacy is 1", { private: 1, visibility: "private" }],
  ])("one %s gets nothing unless it is listed as public", async (_, changes) => {
    const unlisted = workflowJob({ id: 1 });
    Object.assign(unlisted.repository, changes);
    expect(await answerOf(await postSigned(harness(), unlisted))).toEqual(ignored("public_repository"));
    await expectNothingHappened(harness());
    const listed = workflowJob({ id: 1, repository: "octo-org/PUBLIC-site" });
    Object.assign(listed.repository, changes);
    expect((await postSigned(harness(), listed)).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("an internal repository is private", async () => {
    const body = workflowJob({ id: 1 });
    body.repository["visibility"] = "internal";
    expect((await postSigned(harness(), body)).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("being listed as public does not list a repository", async () => {
    const body = workflowJob({ id: 1, repository: "stranger/repo", private: false });
    expect(await answerOf(await postSigned(harness(), body))).toEqual(ignored("repository_not_allowed"));
    await expectNothingHappened(harness());
  });

  test("where forks' pull requests are allowed, nothing is asked of GitHub", async () => {
    const body = workflowJob({ id: 1, repository: "octo-org/public-site", private: false });
    expect((await answerOf(await postSigned(harness(), body))).body).toMatchObject({ state: "waiting" });
    expect(tokens(harness())).toEqual(["1:1"]);
    expect(harness().github.seen).toEqual([]);
  });
});
