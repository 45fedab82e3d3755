import { GithubCredentials, NomadRoute, RepositorySelection, type RunnerClassProps } from "../../index";
import { problemsOf, removeOutputs, warningsOf } from "../support/template";
import { LARGE, LINUX, TUNNEL } from "./settings";
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
      /^\[github-runners\/Runners\/Classes\/Linux\] class\.name: must be .*, got "Linux"$/,
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
      "an owner in two selections",
      {
        repositories: [
          RepositorySelection.named(["octo-org/example"]),
          RepositorySelection.owner({ owner: "Octo-Org" }),
        ],
      },
      /repositories: must hold each owner in one selection, got "octo-org" in several/,
    ],
  ])("such as %s are refused", (_what, overrides, problem) => {
    expect(problemsOf(stackWith(overrides))).toContainEqual(expect.stringMatching(problem));
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
});
