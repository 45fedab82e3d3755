import {
  GithubCredentials,
  NomadRoute,
  RepositorySelection,
  type RunnerClassProps,
  RunnersStack,
  type RunnersStackProps,
} from "../../index";
import { problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";
import { LARGE, LINUX, SETTINGS, TUNNEL } from "./settings";
import { stackWith } from "./support";

afterAll(removeOutputs);

describe("mistakes of the settings", () => {
  it("are told all at once, each with the path of its construct", () => {
    const wrong = stackWith({
      hostname: "https://runners.example.com",
      policy: { repositories: ["no-owner"] },
      repositories: [],
      classes: [
        { ...LINUX, className: "Linux" },
        { ...LARGE, memoryMib: 1 },
      ],
    });
    const found = problemsOf(wrong);
    for (const problem of [
      /^\[github-runners\/Runners\/Classes\/Linux\] className: must be .*, got "Linux"$/,
      /^\[github-runners\/Runners\/Classes\/large\] memoryMib: must be a whole number from 256 to 16777216, got 1$/,
      /^\[github-runners\/Runners\/Worker\] policy\.repositories\[0\]: .*, got "no-owner"$/,
      /^\[github-runners\/Runners\/Worker\] hostname: .*, got "https:\/\/runners\.example\.com"$/,
      /^\[github-runners\/Runners\/Webhooks\] repositories: must hold at least one selection, got none/,
    ]) {
      expect(found).toContainEqual(expect.stringMatching(problem));
    }
  });

  it.each([
    [
      "the Worker's hostname outside the zone",
      { hostname: "runners.example.org" },
      /hostname: must lie in the zone/,
    ],
    [
      "Nomad's hostname outside the zone",
      { route: NomadRoute.tunnel({ ...TUNNEL, hostname: "nomad.example.org" }) },
      /route: hostname: must lie in the zone/,
    ],
    [
      "one hostname for both",
      { hostname: "nomad.example.com" },
      /hostname: must not be Nomad's own, got "nomad\.example\.com" for both/,
    ],
    ["no class at all", { classes: [] }, /classes: must hold at least one runner class, got none/],
    [
      "a class that would take the connectors' place in Nomad",
      {
        classes: [{ ...LINUX, jobId: "github-runners-connector" }],
        nomad: { ...SETTINGS.nomad, namespace: "default" },
      },
      /classes: must not have the connectors' Nomad job id, got "github-runners-connector" in the namespace "default"/,
    ],
    [
      "an owner in two selections",
      {
        repositories: [
          RepositorySelection.named(["octo-org/example"]),
          RepositorySelection.owner({ owner: "Octo-Org" }),
        ],
      },
      /repositories: must hold each owner in one selection, got "octo-org" in several/,
    ],
    [
      "the Worker's hostname as a way to Nomad of the user's own",
      { route: NomadRoute.existing({ address: "https://RUNNERS.example.com:443" }) },
      /hostname: must not be Nomad's own, got "runners\.example\.com" for both/,
    ],
    [
      "a class's name twice",
      { classes: [LINUX, { ...LARGE, className: LINUX.className }] },
      /policy\.classes\[1\]\.name: must be unique, got "linux" again/,
    ],
    ["a class without a name", { classes: [{ ...LINUX, className: "" }] }, /className: must be .*, got ""$/],
    [
      "an account's name for its id",
      { cloudflare: { ...SETTINGS.cloudflare, accountId: "${var.account}" } },
      /cloudflare\.accountId: must be 32 hexadecimal digits, got "\$\{var\.account\}"/,
    ],
    [
      "a script's name with blanks",
      { worker: { scriptName: "my runners" } },
      /worker\.scriptName: must be .*, got "my runners"/,
    ],
    [
      "a stored secret without a name",
      { github: GithubCredentials.secretsStore({ appId: "1", storeId: "s", secretName: "" }) },
      /github\.secretName: must be .*, got ""/,
    ],
    [
      "a scheme within Consul's address",
      { consul: { ...SETTINGS.consul, address: "https://consul.example.com:8501" } },
      /consul\.address: must be host and port alone, got "https:/,
    ],
    [
      "a state's path that begins with a slash",
      { consul: { ...SETTINGS.consul, path: "/terraform" } },
      /consul\.path: must be a key .*, got "\/terraform"/,
    ],
    [
      "Nomad's address without a scheme",
      { nomad: { apiAddress: "nomad.example.com:4646" } },
      /nomad\.apiAddress: must be .*, got "nomad\.example\.com:4646"/,
    ],
    [
      "a login within Vault's address",
      { vault: { address: "https://me:secret@vault.example.com" } },
      /vault\.address: must be .* without login, got "…@vault\.example\.com"/,
    ],
    [
      "a lease of no time",
      { vault: { address: "http://127.0.0.1:8200", maxLeaseTtlSeconds: 0 } },
      /vault\.maxLeaseTtlSeconds: must be .*, got 0/,
    ],
    [
      "a GitHub server that is github.com",
      { githubServerUrl: "https://github.com" },
      /githubServerUrl: must be a GitHub Enterprise Server, got "https:\/\/github\.com"/,
    ],
    [
      "a GitHub server's API for the server",
      { githubServerUrl: "https://github.example.com/api/v3" },
      /githubServerUrl: must be an origin without path, got/,
    ],
    [
      "organization scope over two owners",
      {
        repositories: ["one-org", "two-org"].map((organization) =>
          RepositorySelection.organization({ organization }),
        ),
        policy: { scope: "organization" as const },
      },
      /policy\.scope: must be "repository" for several owners, got "organization" for "one-org", "two-org"/,
    ],
    [
      "named repositories with runners of the whole organization",
      { policy: { scope: "organization" as const } },
      /policy\.runnerGroupId: must name a group that holds only the selected repositories of "octo-org", got 1/,
    ],
    [
      "a topic's repositories with runners of the whole organization",
      {
        repositories: [RepositorySelection.topic({ owner: "octo-org", topic: "ci" })],
        policy: { scope: "organization" as const, runnerGroupId: 1 },
      },
      /policy\.runnerGroupId: must name a group/,
    ],
  ])("such as %s are refused", (_what, overrides: Partial<RunnersStackProps>, problem) => {
    expect(problemsOf(stackWith(overrides))).toContainEqual(expect.stringMatching(problem));
  });

  it("such as a missing Vault are told with what needs it", () => {
    // cdktf tells of it as well, and names the provider's class.
    const { vault: _, ...withoutVault } = SETTINGS;
    const stack = new RunnersStack(testApp(), "github-runners", withoutVault);
    expect(problemsOf(stack)).toContainEqual(
      expect.stringMatching(/vault: must be given for github-runners\/Runners\/ConnectorSecrets, got none/),
    );
  });

  it.each<[string, Partial<RunnersStackProps>]>([
    ["a selection in organization scope", { policy: { scope: "organization", runnerGroupId: 7 } }],
    [
      "an organization in organization scope",
      {
        repositories: [RepositorySelection.organization({ organization: "octo-org" })],
        policy: { scope: "organization" },
      },
    ],
    ["a GitHub server", { githubServerUrl: "https://github.example.com:8443/" }],
    ["a Nomad behind a proxy", { nomad: { apiAddress: "https://proxy.example.com/nomad/" } }],
    ["an address by number", { consul: { address: "[::1]:8500", path: "runners" } }],
    ["another way to Nomad", { route: NomadRoute.existing({ address: "https://nomad.example.net" }) }],
  ])("are not found in %s that is right", (_what, overrides) => {
    expect(problemsOf(stackWith(overrides))).toEqual([]);
  });

  const classMistakes: readonly (readonly [string, Partial<RunnerClassProps>, RegExp])[] = [
    ["labels that another class has", { labels: LARGE.labels }, /have the same labels/],
    ["a label that GitHub refuses", { labels: ["self-hosted", "a,b"] }, /labels\[1\]: must be .*, got "a,b"/],
    ["a job longer than GitHub's five days", { maxDurationSeconds: 432_001 }, /maxDurationSeconds: .*432001/],
    ["the Nomad job of another class", { jobId: "github-runner-large" }, /have the same Nomad job id/],
  ];
  it.each(classMistakes)("such as a class with %s are refused", (_what, overrides, problem) => {
    const found = problemsOf(stackWith({ classes: [{ ...LINUX, ...overrides }, LARGE] }));
    expect(found).toContainEqual(expect.stringMatching(problem));
  });

  it("that are legal are warned of: a class that takes the jobs of another", () => {
    const github = GithubCredentials.secretsStore({ appId: "1", storeId: "s", secretName: "k" });
    expect(warningsOf(stackWith({ github, classes: [LARGE, LINUX] }))).toEqual([
      expect.stringMatching(/^Class "large" shadows class "linux"/),
    ]);
  });

  it("that are legal are warned of: a policy that leaves out what is selected", () => {
    const leftOut = (
      patterns: readonly string[],
      ...repositories: RepositorySelection[]
    ): readonly string[] =>
      warningsOf(stackWith({ repositories, policy: { repositories: patterns } })).filter((text) =>
        text.startsWith("policy.repositories"),
      );
    const named = RepositorySelection.named(["octo-org/api", "octo-org/api.v2", "Me/Tool"]);
    expect(leftOut(["octo-org/api*", "me/*"], named)).toEqual([]);
    expect(leftOut(["OCTO-ORG/API", "me/tools"], named)).toEqual([
      expect.stringMatching(
        /^policy\.repositories leaves out "Me\/Tool", "octo-org\/api\.v2": GitHub delivers/,
      ),
    ]);
    const owner = RepositorySelection.owner({ owner: "octo-org" });
    expect(leftOut(["octo-*/x"], owner)).toEqual([]);
    expect(leftOut(["octo/*"], owner)).toEqual([expect.stringContaining('leaves out "octo-org/*": ')]);
    const many = RepositorySelection.named(Array.from({ length: 7 }, (_, index) => `a/r${String(index)}`));
    expect(leftOut(["b/*"], many)).toEqual([expect.stringContaining('"a/r4" and 2 more: ')]);
  });
});
