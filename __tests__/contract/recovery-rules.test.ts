import { tokens } from "../support/claims";
import { LINUX } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { expectNothingThrown, states, useHarness } from "../support/webhook";
import {
  type ListingGithub,
  REPO,
  RECOVERING,
  active,
  begin,
  jobOf,
  listings,
  runOf,
  visit,
} from "./support/recovery";

const PUBLIC = "octo-org/public-site";

describe.each(RUNTIMES)("the rules for a job that GitHub was asked for (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeAll(async () => harness().bind({ RUNNER_POLICY: RECOVERING }));
  beforeEach(async () => {
    github = await begin(harness());
    await active(harness(), REPO);
  });
  const known = async () =>
    (await harness().rows("SELECT repo FROM repos ORDER BY repo")).map(({ repo }) => repo);

  test.each([
    ["none", []],
    ["no self-hosted", ["linux"]],
    ["one that no class has", ["self-hosted", "gpu"]],
    ["one that no label can be", ["self-hosted", "${{ x }}"]],
    ["a number", ["self-hosted", 5]],
  ])("its labels must fit a class: %s", async (_, labels) => {
    github.runs.push({
      id: 501,
      jobs: [
        { id: 1001, labels },
        { id: 1002, labels: ["LINUX", "self-hosted"] },
      ],
    });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1002: "waiting" });
  });

  test("a repository that the policy does not name is neither asked nor kept", async () => {
    await active(harness(), "somebody/else");
    github.runs.push({ id: 501, repo: "somebody/else", jobs: [{ id: 1001 }] });
    await visit(harness());
    expect(listings(harness()).filter((path) => path.includes("somebody"))).toEqual([]);
    expect(await states(harness())).toEqual({});
    expect(await known()).toEqual([REPO]);
  });

  test("a public repository that is not listed gets nothing, its runs are not read, and it is not kept", async () => {
    github.runs.push({ id: 501, private: false, jobs: [{ id: 1001 }] });
    await visit(harness(), 2);
    expect(listings(harness())).toEqual([`/repos/${REPO}/actions/runs?status=queued&page=1`]);
    expect(await states(harness())).toEqual({});
    expect(await known()).toEqual([]);
  });

  test.each([
    ["its own branch", undefined, "waiting", ["1001:1"]],
    ["a fork", "mallory/public-site", "refused", []],
    ["a fork that was deleted", null, "checking", []],
  ])("a listed public repository's run is looked up first: %s", async (_, head, state, sent) => {
    await active(harness(), PUBLIC);
    const origin = head === undefined ? {} : { head };
    github.runs.push({ id: 501, repo: PUBLIC, private: false, ...origin, jobs: [{ id: 1001 }] });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1001: "checking" });
    expect(tokens(harness())).toEqual([]);
    await harness().sweep();
    await harness().sweep();
    expect(await states(harness())).toEqual({ 1001: state });
    expect(tokens(harness())).toEqual(sent);
  });

  test("the dispatch says of a repository that is a fork itself that it is one", async () => {
    github.runs.push({ id: 501, fork: true, jobs: [{ id: 1001 }] });
    await visit(harness(), 2);
    expect(harness().dispatches()[0]?.payload).toMatchObject({ fork: true });
  });

  test.each([
    [
      "a listing of another repository's runs",
      { repository: { full_name: "octo-org/other", private: true } },
    ],
    ["a run without an id", { id: "501" }],
    ["a run without a repository", { repository: null }],
    ["a repository whose name is none", { repository: { full_name: "octo-org/../x", private: true } }],
    ["a run from no time", { created_at: "yesterday", run_started_at: null, updated_at: 5 }],
  ])("%s leads to nothing", async (_, change) => {
    const run = { id: 501, jobs: [{ id: 1001 }] };
    github.runs.push(run);
    github.instead = ({ path }) =>
      path.includes("/actions/runs?")
        ? { status: 200, body: { total_count: 1, workflow_runs: [{ ...runOf(run), ...change }] } }
        : null;
    await visit(harness());
    expect(await states(harness())).toEqual({});
    expect(listings(harness()).filter((path) => path.includes("/jobs"))).toEqual([]);
    await expectNothingThrown(harness());
  });

  test.each([
    ["another run's", { run_id: 502 }],
    ["one whose id is none", { id: -1 }],
    ["one from no time", { created_at: "2026-99-99T99:99:99Z" }],
    ["one without labels", { labels: "self-hosted" }],
    ["one with more labels than any job has", { labels: Array.from({ length: 101 }, () => "linux") }],
  ])("a job that cannot be read is passed over, and the one beside it is not: %s", async (_, change) => {
    const run = { id: 501, jobs: [{ id: 1001 }, { id: 1002 }] };
    github.runs.push(run);
    const [bad, good] = run.jobs.map((job) => jobOf(run, job));
    github.instead = ({ path }) =>
      path.includes("/jobs?")
        ? { status: 200, body: { total_count: 2, jobs: [{ ...bad, ...change }, good] } }
        : null;
    await visit(harness());
    expect(await states(harness())).toEqual({ 1002: "waiting" });
  });
});

describe.each(RUNTIMES)("in organization scope (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeEach(async () => {
    github = await begin(harness());
  });
  const policy = (repositories: readonly string[]) => ({
    ...RECOVERING,
    ...{ scope: "organization", repositories, runnerGroupId: 2, classes: [LINUX] },
  });

  test.each([
    ["the organization that the policy names", ["octo-org/*"], true, ["octo-org"]],
    ["the owner, where GitHub says that it is one", ["octo-*/*"], true, ["octo-org"]],
    ["nobody, where the owner is a person", ["octo-*/*"], false, []],
  ])(
    "the runner of a job that was found registers with %s",
    async (_, repositories, organization, scopes) => {
      await harness().bind({ RUNNER_POLICY: policy(repositories) });
      await active(harness(), REPO);
      github.runs.push({ id: 501, organization, jobs: [{ id: 1001 }] });
      await visit(harness(), 2);
      expect((await harness().rows("SELECT scope FROM jobs")).map(({ scope }) => scope)).toEqual(scopes);
      expect(tokens(harness())).toEqual(scopes.map(() => "1001:1"));
    },
  );
});
