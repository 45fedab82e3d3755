import { RepositorySelection, type RunnersStackProps } from "../../index";
import { Template, problemsOf, removeOutputs } from "../support/template";
import { LARGE, LINUX, SETTINGS } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

describe("a mistake of the settings is", () => {
  it.each<[string, Partial<RunnersStackProps>, readonly RegExp[]]>([
    [
      "no selection",
      { repositories: [] },
      [/^\[github-runners\/Runners\/Webhooks\] repositories: must hold at least one selection, got none/],
    ],
    [
      "a selection without a usable name",
      { repositories: [RepositorySelection.named(["no-owner"])] },
      [/^\[github-runners\/Runners\/Webhooks\] selection\.named: must hold owner\/name, got "no-owner"/],
    ],
    [
      "no selection, beside a policy of the user's own that is empty",
      { repositories: [], policy: { repositories: [] } },
      [
        /^\[github-runners\/Runners\/Worker\] policy\.repositories: must be a list of 1 to 100 .*, got \[\]$/,
        /^\[github-runners\/Runners\/Webhooks\] repositories: must hold at least one selection, got none/,
      ],
    ],
    [
      "two classes whose names GitHub could not show",
      {
        classes: [
          { ...LINUX, className: "Linux" },
          { ...LARGE, className: "Large" },
        ],
      },
      [
        /^\[github-runners\/Runners\/Classes\/Linux\] className: must be .*, got "Linux"$/,
        /^\[github-runners\/Runners\/Classes\/Large\] className: must be .*, got "Large"$/,
      ],
    ],
    [
      "classes without a label",
      {
        classes: [
          { ...LINUX, labels: [] },
          { ...LARGE, labels: [] },
        ],
      },
      [
        /^\[github-runners\/Runners\/Classes\/linux\] labels: must be a list of 1 to 100 labels, got \[\]$/,
        /^\[github-runners\/Runners\/Classes\/large\] labels: must be a list of 1 to 100 labels, got \[\]$/,
      ],
    ],
    [
      "a class's numbers out of bounds",
      { classes: [LINUX, { ...LARGE, maxRunners: -1, idleTimeoutSeconds: 0 }] },
      [
        /^\[github-runners\/Runners\/Classes\/large\] maxRunners: must be .*, got -1$/,
        /^\[github-runners\/Runners\/Classes\/large\] idleTimeoutSeconds: must be .*, got 0$/,
      ],
    ],
    [
      "a stack's name that nothing could have",
      { name: "GPU runners/", nomad: { apiAddress: SETTINGS.nomad.apiAddress } },
      [
        /^\[github-runners\/Runners\] name: must be lower-case letters, .*, got "GPU runners\/"; leave it out/,
      ],
    ],
    [
      "a policy that is too large",
      { policy: { repositories: Array.from({ length: 99 }, () => `octo-org/${"a".repeat(60)}*`) } },
      [
        /^\[github-runners\/Runners\/Worker\] policy: must be at most 5000 bytes of JSON, got \d+; use patterns/,
      ],
    ],
    [
      "a class that is too large alone",
      {
        classes: [
          {
            ...LINUX,
            labels: [
              "self-hosted",
              ...Array.from({ length: 90 }, (_, at) => `${"a".repeat(60)}${String(at)}`),
            ],
          },
        ],
      },
      [
        /^\[github-runners\/Runners\/Worker\] policy: must be at most 5000 bytes of JSON, got \d+; use patterns/,
      ],
    ],
  ])("told once: %s", (_what, overrides, expected) => {
    expect(problemsOf(stackWith(overrides))).toEqual(
      expected.map((line) => expect.stringMatching(line) as unknown),
    );
  });

  it.each<[string, readonly RepositorySelection[]]>([
    ["no selection", []],
    ["a selection without a usable name", [RepositorySelection.named(["no-owner"])]],
  ])("no opening of the policy where the checks are skipped: %s", (_what, repositories) => {
    const policy = bindingsOf(new Template(stackWith({ repositories }))).get("RUNNER_POLICY")?.["json"];
    expect(JSON.parse(String(policy))).toMatchObject({ repositories: [] });
  });
});
