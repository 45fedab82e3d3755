import { parsePolicy } from "../../contracts/parse-policy";
import { MAX_POOL_RUNNERS } from "../../contracts/policy";

const CLASS = { name: "linux", job: "github-runner-linux", labels: ["self-hosted"] };
const TEXT = { repositories: ["octo-org/*"], classes: [CLASS] };

function problemsOf(value: unknown): readonly string[] {
  const parsed = parsePolicy(value);
  return parsed.ok ? [] : parsed.problems;
}

describe("the scopes of a policy", () => {
  it("are one at the top level, or several in a list, in their order and with the same defaults", () => {
    const parsed = parsePolicy({
      scopes: [
        { scope: "organization", repositories: ["octo-org/*"], runnerGroupId: 3 },
        { repositories: ["me/tool"] },
      ],
      classes: [CLASS],
    });
    expect(parsed.ok && parsed.policy.scopes).toEqual([
      {
        scope: "organization",
        repositories: ["octo-org/*"],
        publicRepositories: [],
        forkPullRequests: "refuse",
        requireSelfHostedLabel: true,
        runnerGroupId: 3,
      },
      {
        scope: "repository",
        repositories: ["me/tool"],
        publicRepositories: [],
        forkPullRequests: "refuse",
        requireSelfHostedLabel: true,
        runnerGroupId: 1,
      },
    ]);
  });

  it("are not both: one of the two would be read and the other not", () => {
    const both = { ...TEXT, scopes: [{ repositories: ["me/tool"] }], runnerGroupId: 2 };
    expect(problemsOf(both)).toEqual([
      'repositories, runnerGroupId: must stand in each of "scopes" when there is that list, got both',
    ]);
  });

  it("say which of them is wrong", () => {
    const wrong = [{ repositories: ["me/tool"] }, { repositories: [], scope: "enterprise" }, 5];
    expect(problemsOf({ scopes: wrong, classes: [CLASS] })).toEqual([
      'scopes[1].scope: must be repository or organization, got "enterprise"',
      "scopes[1].repositories: must be a list of 1 to 100 owner/name patterns, got []",
      "scopes[2].repositories: must be a list of 1 to 100 owner/name patterns, got nothing",
    ]);
    expect(problemsOf({ scopes: [], classes: [CLASS] })).toEqual([
      "scopes: must be a list of 1 to 100 scopes, got []",
    ]);
  });
});

describe("the organizations of a policy", () => {
  const organization = (...repositories: string[]) => ({ scope: "organization", repositories });
  const problemsOfScopes = (...scopes: unknown[]) => problemsOf({ scopes, classes: [CLASS] });

  it("stand in one scope each, beside any number of repository scopes", () => {
    const both = [organization("one-org/*"), organization("two-org/a", "two-org/b")];
    expect(problemsOfScopes(...both, { repositories: ["one-org/site"] }, { repositories: ["*/*"] })).toEqual(
      [],
    );
    expect(problemsOfScopes(organization("octo-*/*"), { repositories: ["me/*"] })).toEqual([]);
  });

  it.each([
    ["in any case", "One-Org/a", "one-org"],
    ["behind a pattern", "one-*/*", "one-*"],
    ["behind another pattern, which might not mean it", "two-*/*", "two-*"],
  ])("are refused in two scopes, %s: a claim could not tell whose group it is", (_, pattern, shown) => {
    expect(problemsOfScopes(organization("one-org/*"), organization(pattern))).toEqual([
      `scopes[1].repositories: must name an organization that no other scope may mean, got "${shown}"`,
    ]);
  });
});

it("an organization's scope without a usable pattern is told of once", () => {
  const scopes = [
    { scope: "organization", repositories: [] },
    { scope: "organization", repositories: ["no-owner"] },
  ];
  expect(problemsOf({ scopes, classes: [CLASS] })).toEqual([
    expect.stringMatching(/^scopes\[0\]\.repositories: must be a list/),
    expect.stringMatching(/^scopes\[1\]\.repositories\[0\]: must be owner\/name/),
  ]);
});

describe("the pools of a policy", () => {
  const withPools = (...pools: unknown[]) => ({ ...TEXT, pools });

  it("have one runner, always, unless they say otherwise", () => {
    const parsed = parsePolicy(withPools({ scope: "octo-org/tool", class: "linux" }));
    expect(parsed.ok && parsed.policy.pools).toEqual([
      { scope: "octo-org/tool", class: "linux", size: 1, window: null, timeZone: "UTC" },
    ]);
  });

  it.each([
    [
      { class: "linux" },
      /^pools\[0\]\.scope: must be owner\/name of a repository, or an organization's login, got nothing/,
    ],
    [{ scope: "octo org", class: "linux" }, /^pools\[0\]\.scope: .* got "octo org"/],
    [
      { scope: "octo-org", class: "macos" },
      /^pools\[0\]\.class: must be the name of one of the classes, got "macos"/,
    ],
    [
      { scope: "octo-org", class: "linux", size: 0 },
      /^pools\[0\]\.size: must be a whole number from 1 to 100, got 0/,
    ],
    [
      { scope: "octo-org", class: "linux", window: "8-17" },
      /^pools\[0\]\.window: must be five cron fields .* got "8-17"/,
    ],
    [{ scope: "octo-org", class: "linux", window: 8 }, /^pools\[0\]\.window: /],
    [
      { scope: "octo-org", class: "linux", timeZone: "Europe Berlin" },
      /^pools\[0\]\.timeZone: must name a time zone/,
    ],
  ])("refuse %j", (pool, words) => {
    expect(problemsOf(withPools(pool))).toEqual([expect.stringMatching(words)]);
  });

  it("keep a bounded number of runners together", () => {
    const half = { scope: "octo-org", class: "linux", size: MAX_POOL_RUNNERS / 2 };
    expect(problemsOf(withPools(half, half))).toEqual([]);
    expect(problemsOf(withPools(half, half, { ...half, size: 1 }))).toEqual([
      "pools: must keep at most 100 runners together, got 101",
    ]);
  });
});
