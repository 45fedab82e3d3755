import * as fc from "fast-check";
import type { RunnerScope } from "../../../contracts/policy";
import { matchesRepository } from "../../../contracts/repository-pattern";
import { decide, groupOf, organizationOf, rulesOf } from "../../../worker/policy";
import { policy, rules } from "./support/policies";

const ask = (
  changes: Partial<RunnerScope>,
  fullName: string,
  { isPrivate = true, organization = null as string | null } = {},
) =>
  decide(rules(changes), {
    organization,
    repository: { fullName, owner: fullName.split("/")[0] ?? "", private: isPrivate, fork: false },
  });

const allowed = (scope: string, forkCheck = false) => ({ allowed: true, scope, forkCheck });
const refused = (reason: string) => ({ allowed: false, reason });

describe("in repository scope", () => {
  test("a private repository that a pattern names gets a runner of its own scope", () => {
    expect(ask({}, "octo-org/example")).toEqual(allowed("octo-org/example"));
    expect(ask({}, "Octo-Org/Example")).toEqual(allowed("Octo-Org/Example"));
    expect(ask({}, "me/tool")).toEqual(allowed("me/tool"));
  });

  test("one that no pattern names gets none", () => {
    for (const name of ["me/other", "octo-org2/example", "octo/example", "me/tool2", "tool/me"]) {
      expect(ask({}, name)).toEqual(refused("repository_not_allowed"));
    }
  });

  test("a public repository gets none unless it is listed as public", () => {
    const listed = { publicRepositories: ["octo-org/site"] };
    expect(ask({}, "octo-org/site", { isPrivate: false })).toEqual(refused("public_repository"));
    expect(ask(listed, "octo-org/site", { isPrivate: false })).toEqual(allowed("octo-org/site", true));
    expect(ask(listed, "octo-org/other", { isPrivate: false })).toEqual(refused("public_repository"));
  });

  test("a listing as public does not replace the listing as a repository", () => {
    const only = { repositories: ["me/tool"], publicRepositories: ["*/*"] };
    expect(ask(only, "octo-org/site", { isPrivate: false })).toEqual(refused("repository_not_allowed"));
  });

  test("runs are looked up only where a fork can have made them and is to be refused", () => {
    const listed = { publicRepositories: ["octo-org/site"], forkPullRequests: "allow" } as const;
    expect(ask(listed, "octo-org/site", { isPrivate: false })).toEqual(allowed("octo-org/site", false));
    expect(ask({ ...listed, forkPullRequests: "refuse" }, "octo-org/site")).toEqual(allowed("octo-org/site"));
  });
});

describe("in organization scope", () => {
  const scope = "organization" as const;

  test("the first pattern's owner is the organization and the scope", () => {
    const given = { scope, repositories: ["Octo-Org/*"] };
    expect(ask(given, "octo-org/example", { organization: "octo-org" })).toEqual(allowed("Octo-Org"));
    expect(ask(given, "octo-org/example")).toEqual(allowed("Octo-Org"));
  });

  test("a repository of another owner is ignored even where a pattern names it", () => {
    const given = { scope, repositories: ["octo-org/*", "me/tool"] };
    expect(ask(given, "me/tool")).toEqual(refused("other_owner"));
    expect(ask(given, "me/tool", { organization: "octo-org" })).toEqual(refused("other_owner"));
  });

  test("a delivery of another organization than the repository's owner is ignored", () => {
    const given = { scope, repositories: ["octo-org/*"] };
    expect(ask(given, "octo-org/example", { organization: "other" })).toEqual(refused("other_owner"));
  });

  test("where the owner is a pattern, the delivery must say which organization it is", () => {
    const given = { scope, repositories: ["octo-*/*"] };
    expect(ask(given, "octo-org/example", { organization: "octo-org" })).toEqual(allowed("octo-org"));
    expect(ask(given, "octo-org/example")).toEqual(refused("other_owner"));
    expect(ask(given, "octo-org/example", { organization: "other" })).toEqual(refused("other_owner"));
  });

  test("patterns and publicity count as in repository scope", () => {
    const given = { scope, repositories: ["octo-org/api-*"], publicRepositories: ["octo-org/api-site"] };
    expect(ask(given, "octo-org/web")).toEqual(refused("repository_not_allowed"));
    expect(ask(given, "octo-org/api-x", { isPrivate: false })).toEqual(refused("public_repository"));
    expect(ask(given, "octo-org/api-site", { isPrivate: false })).toEqual(allowed("octo-org", true));
  });

  test("a policy without repositories names no organization", () => {
    expect(organizationOf(rules({ repositories: [] }))).toBeNull();
    expect(organizationOf(rules({ repositories: ["*/*"] }))).toBeNull();
    expect(organizationOf(rules({ repositories: ["me/*"] }))).toBe("me");
  });
});

describe("of several scopes", () => {
  const organization = (repositories: readonly string[], runnerGroupId: number) =>
    rules({ scope: "organization", repositories, runnerGroupId });
  const one = organization(["One-Org/*"], 3);
  const two = organization(["two-org/api-*"], 4);
  const site = rules({ repositories: ["one-org/site"] });
  const mine = rules({ repositories: ["me/*"] });

  test.each([
    ["one-org/tool", one],
    ["ONE-ORG/Tool", one],
    ["two-org/api-x", two],
    ["Me/tool", mine],
  ])("%s is ruled by the one whose patterns name it, in any case", (name, expected) => {
    expect(rulesOf(policy({ scopes: [one, two, mine] }), name)).toBe(expected);
  });

  test("the first that names a repository rules it, so an exception stands before its rule", () => {
    expect(rulesOf(policy({ scopes: [site, one] }), "one-org/site")).toBe(site);
    expect(rulesOf(policy({ scopes: [one, site] }), "one-org/site")).toBe(one);
  });

  test("a repository that none names is refused by the first", () => {
    for (const name of ["two-org/web", "stranger/tool"]) {
      const found = rulesOf(policy({ scopes: [mine, two] }), name);
      expect(found).toBe(mine);
      expect(ask(found, name)).toEqual(refused("repository_not_allowed"));
    }
    expect(() => rulesOf(policy({ scopes: [] }), "me/tool")).toThrow(/at least one scope/);
  });

  test("each organization has its own runner group, in any case; a repository has the default one", () => {
    const several = policy({ scopes: [mine, one, two] });
    expect(groupOf(several, "one-org")).toBe(3);
    expect(groupOf(several, "TWO-ORG")).toBe(4);
    expect(groupOf(several, "one-org/tool")).toBe(1);
  });

  test("an organization that none names has no group, not even the default one", () => {
    const several = policy({ scopes: [mine, one] });
    for (const login of ["two-org", "one-org2", "one", "me"]) expect(groupOf(several, login)).toBeNull();
  });

  test("a pattern for organizations gives its group to those that it fits, and to no other", () => {
    const wide = policy({ scopes: [organization(["octo-*/*"], 5)] });
    expect(groupOf(wide, "Octo-Org")).toBe(5);
    expect(groupOf(wide, "other")).toBeNull();
  });
});

describe("a repository pattern", () => {
  test.each([
    ["octo-org/*", "octo-org/example", true],
    ["OCTO-org/*", "octo-ORG/Example", true],
    ["*/*", "a/b", true],
    ["*/tool", "me/tool", true],
    ["*/tool", "me/tools", false],
    ["octo-*/api-*-svc", "octo-org/api-user-svc", true],
    ["octo-*/api-*-svc", "octo-org/api--svc", true],
    ["octo-*/api-*-svc", "octo-org/api-svc", false],
    ["me/a*a", "me/a", false],
    ["me/a*a", "me/aa", true],
    ["me/a**a", "me/aa", true],
    ["me/*b*b*", "me/b", false],
    ["me/*b*b*", "me/xbyb", true],
    ["me/*ab*b", "me/ab", false],
    ["me/*ab*b", "me/abb", true],
    ["me/x*yz*z", "me/xyz", false],
    ["me/tool", "me/tool", true],
    ["me/tool", "me/tool2", false],
    ["me/tool", "ame/tool", false],
    ["me/t.ol", "me/tool", false],
    ["me/t.ol", "me/t.ol", true],
    ["me/to[ol]+", "me/too", false],
    ["me/tool", "me/tool/more", false],
    ["*", "me/tool", false],
    ["me*/tool", "me/tool", true],
    ["*/*", "me/a/b", false],
    ["me*", "me/tool", false],
  ])("%s on %s: %p", (pattern, name, expected) => {
    expect(matchesRepository(pattern, name)).toBe(expected);
  });

  test("matches as the same pattern written as a regular expression does", () => {
    const segment = fc.string({ unit: fc.constantFrom("a", "b", "A", ".", "*"), minLength: 1, maxLength: 7 });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "B", "."), minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(segment, segment, text, text, (owner, name, givenOwner, givenName) => {
        const source = `${owner}/${name}`.replaceAll(".", "\\.").replaceAll("*", "[^/]*");
        const given = `${givenOwner}/${givenName}`;
        expect(matchesRepository(`${owner}/${name}`, given)).toBe(new RegExp(`^${source}$`, "i").test(given));
      }),
      { numRuns: 2_000 },
    );
  });

  test("of fifty stars against the longest name takes steps, not an eternity", () => {
    const hostile = `me/${"*a".repeat(50)}`;
    expect(matchesRepository(hostile, `me/${"a".repeat(49)}${"b".repeat(51)}`)).toBe(false);
    expect(matchesRepository(hostile, `me/${"a".repeat(100)}`)).toBe(true);
  });
});
