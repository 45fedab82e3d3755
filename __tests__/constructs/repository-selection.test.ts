import { Token } from "cdktf";
import { RepositorySelection } from "../../constructs/repository-selection";

describe("RepositorySelection", () => {
  test("named groups the names by owner, sorted, each once", () => {
    const selection = RepositorySelection.named([
      "me/tool",
      "Octo-Org/b",
      "octo-org/a",
      "me/tool",
      "octo-org/C",
    ]);
    expect(selection.targets).toEqual([
      { kind: "names", owner: "me", names: ["tool"] },
      { kind: "names", owner: "Octo-Org", names: ["C", "a", "b"] },
    ]);
    expect(selection.owners).toEqual(["me", "Octo-Org"]);
    expect(selection.patterns).toEqual(["me/*", "Octo-Org/*"]);
    expect(selection.problems()).toEqual([]);
  });

  test("named gives the same whatever the order of the settings", () => {
    const names = ["octo-org/b", "Octo-Org/a", "me/x", "octo-org/c"];
    const turned = [...names].reverse();
    expect(RepositorySelection.named(turned).targets).toEqual(RepositorySelection.named(names).targets);
  });

  test("named refuses an empty list", () => {
    const selection = RepositorySelection.named([]);
    expect(selection.problems()).toEqual([
      expect.stringMatching(/at least one repository, got an empty list/),
    ]);
    expect(selection.owners).toEqual([]);
  });

  test.each([
    ["a name without an owner", "tool", /must hold owner\/name, got "tool"; write it as it stands/],
    ["an address", "https://github.com/me/tool", /must hold owner\/name/],
    ["a third segment", "me/tool/x", /must hold owner\/name/],
    ["a pattern", "me/*", /got "me\/\*"; a pattern selects nothing: choose by RepositorySelection\.owner/],
    ["a name of dots", "me/..", /must hold owner\/name/],
    ["a text that Terraform would evaluate", 'me/${file("x")}', /must hold owner\/name/],
    ["a value known at apply only", Token.asString({ resolve: () => "me/a" }), /known only at apply/],
  ])("named refuses %s, and keeps the others", (_what, name, problem) => {
    const selection = RepositorySelection.named([name, "me/good"]);
    expect(selection.problems()).toEqual([expect.stringMatching(problem)]);
    expect(selection.targets).toEqual([{ kind: "names", owner: "me", names: ["good"] }]);
  });

  test("named refuses names that differ by their case only", () => {
    const selection = RepositorySelection.named(["me/tool", "Me/Tool"]);
    expect(selection.problems()).toEqual([expect.stringMatching(/once, got "Me\/Tool" and "me\/tool"/)]);
  });

  test("every mistake is told at once", () => {
    expect(RepositorySelection.named(["a", "me/*", "me/x", "me/X"]).problems()).toHaveLength(3);
  });

  test("owner asks for every repository that is not archived, without forks", () => {
    expect(RepositorySelection.owner({ owner: "me" }).targets).toEqual([
      { kind: "search", owner: "me", query: "user:me archived:false" },
    ]);
  });

  test("owner asks for forks when they are wanted", () => {
    const [target] = RepositorySelection.owner({ owner: "me", includeForks: true }).targets;
    expect(target).toMatchObject({ query: "user:me archived:false fork:true" });
  });

  test("topic asks for the repositories that carry it", () => {
    const selection = RepositorySelection.topic({ owner: "octo-org", topic: "ci-2", includeForks: true });
    expect(selection.targets).toEqual([
      { kind: "search", owner: "octo-org", query: "user:octo-org topic:ci-2 archived:false fork:true" },
    ]);
    expect(selection.patterns).toEqual(["octo-org/*"]);
  });

  test.each(["", "Runners", "with space", "x".repeat(51), "a:b"])("topic refuses the topic %j", (topic) => {
    const selection = RepositorySelection.topic({ owner: "octo-org", topic });
    expect(selection.problems()).toEqual([expect.stringMatching(/^selection\.topic: must be lower-case/)]);
    expect(selection.targets).toEqual([]);
  });

  test.each([
    ["owner", (login: string) => RepositorySelection.owner({ owner: login })],
    ["owner", (login: string) => RepositorySelection.topic({ owner: login, topic: "ci" })],
    ["organization", (login: string) => RepositorySelection.organization({ organization: login })],
  ])("a malformed %s is refused", (prop, select) => {
    for (const login of ["", "octo-org/x", "octo org", "octo-org is:public", "*"]) {
      const selection = select(login);
      expect(selection.problems()).toEqual([
        `selection.${prop}: must be the login of a GitHub account, got ${JSON.stringify(login)}; ` +
          "write it as in github.com/<login>",
      ]);
      expect(selection.targets).toEqual([]);
    }
  });

  test("organization is one target", () => {
    const selection = RepositorySelection.organization({ organization: "octo-org" });
    expect(selection.targets).toEqual([{ kind: "organization", owner: "octo-org" }]);
    expect(selection.problems()).toEqual([]);
  });
});
