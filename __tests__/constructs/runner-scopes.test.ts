import { OrganizationWebhook } from "@cdktf/provider-github/lib/organization-webhook";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import {
  ProviderCredentials,
  RepositorySelection,
  RunnerGroup,
  RunnerScope,
  type RunnersStackProps,
} from "../../index";
import { Template, problemsOf, removeOutputs, warningsOf } from "../support/template";
import { LINUX, SETTINGS } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

const { repositories: _repositories, ...WITHOUT } = SETTINGS;

const ME = RunnerScope.repositories([RepositorySelection.named(["me/tool"])]);
const ONE = RunnerScope.organization("one-org");
const TWO = RunnerScope.organization("two-org", {
  group: RunnerGroup.create({ name: "on demand", repositories: ["two-org/api"] }),
});
const APP = ProviderCredentials.environment({
  githubApp: { appId: "1", installations: { "one-org": "11", "two-org": "12", me: "13" } },
});

/** A stack with these scopes, and what it says of itself. */
function scoped(scopes: readonly RunnerScope[], more: Partial<RunnersStackProps> = {}) {
  return stackWith({
    ...WITHOUT,
    repositories: undefined,
    providers: APP,
    scopes,
    ...more,
  } as RunnersStackProps);
}

function policyOf(whole: ReturnType<typeof scoped>): string {
  return bindingsOf(new Template(whole)).get("RUNNER_POLICY")?.["json"] ?? "";
}

describe("several scopes in one stack", () => {
  it("are one policy, in their order", () => {
    expect(policyOf(scoped([ME, ONE, TWO]))).toMatch(
      new RegExp(
        String.raw`^\{"scopes":\[\{"repositories":\["me/\*"\]\},` +
          String.raw`\{"scope":"organization","repositories":\["one-org/\*"\]\},` +
          String.raw`\{"scope":"organization","repositories":\["two-org/api"\],"runnerGroupId":\$\{github_actions_runner_group\.[\w-]+\.id\}\}\],` +
          String.raw`"classes":\[`,
      ),
    );
  });

  it("have one webhook for each organization and each named repository, of one URL and one secret", () => {
    const template = new Template(scoped([ME, ONE, TWO]));
    const hooks = [...template.resources(OrganizationWebhook), ...template.resources(RepositoryWebhook)];
    expect(hooks.map(({ provider }) => provider).toSorted()).toEqual([
      "github.owner_me",
      "github.owner_one-org",
      "github.owner_two-org",
    ]);
    for (const hook of hooks) {
      expect(hook).toMatchObject({ events: ["workflow_job"], configuration: hooks[0]?.["configuration"] });
    }
    expect(hooks[0]).toMatchObject({ configuration: { url: "https://runners.example.com/webhook" } });
  });

  it("keep the webhooks' addresses when they change places", () => {
    const addresses = (scopes: readonly RunnerScope[]): readonly string[] =>
      Object.keys(
        (new Template(scoped(scopes)).json["resource"] as Record<string, object>)[
          "github_organization_webhook"
        ] ?? {},
      ).toSorted();
    expect(addresses([TWO, ME, ONE])).toEqual(addresses([ME, ONE, TWO]));
  });

  it("are one scope at the top level of the policy where there is one", () => {
    const settings = { publicRepositories: ["me/site"], requireSelfHostedLabel: false };
    const selections = [RepositorySelection.named(["me/tool", "me/site"])];
    const list = policyOf(scoped([RunnerScope.repositories(selections, settings)]));
    expect(list).toBe(policyOf(stackWith({ repositories: selections, policy: settings })));
    expect(list).toMatch(/^\{"repositories":\["me\/\*"\],"publicRepositories":/);
    expect(policyOf(scoped([ONE]))).toBe(
      policyOf(
        stackWith({
          repositories: [RepositorySelection.organization({ organization: "one-org" })],
          policy: { scope: "organization" },
        }),
      ),
    );
  });

  it("are right: nothing is found in them", () => {
    expect(problemsOf(scoped([ME, ONE, TWO]))).toEqual([]);
  });

  it("are serviced by one clean-up, as the stack says", () => {
    expect(policyOf(scoped([ME, ONE]))).not.toContain("cleanUp");
    expect(policyOf(scoped([ME, ONE], { cleanUp: "report" }))).toMatch(/,"cleanUp":"report"\}$/);
    expect(policyOf(stackWith({ cleanUp: "off" }))).toMatch(/,"cleanUp":"off"\}$/);
  });

  it("are recovered by one search, as the stack says", () => {
    expect(policyOf(scoped([ME, ONE]))).not.toContain("recovery");
    expect(policyOf(scoped([ME, ONE], { recovery: "off" }))).toMatch(/,"recovery":"off"\}$/);
  });

  it("have failed deliveries repeated, or not, as the stack says", () => {
    expect(policyOf(scoped([ME, ONE]))).not.toContain("redelivery");
    expect(policyOf(scoped([ME, ONE], { redelivery: "off" }))).toMatch(/,"redelivery":"off"\}$/);
  });

  const allow = { forkPullRequests: "allow" } as const;

  it("run code of forks where all of them let it", () => {
    const mine = (settings: object): RunnerScope =>
      RunnerScope.repositories([RepositorySelection.named(["me/tool"])], settings);
    const allowing = scoped([mine(allow), RunnerScope.organization("one-org", allow)]);
    expect(problemsOf(allowing)).toEqual([]);
    expect(allowing.runners.jobs.map(({ allowForks }) => allowForks)).toEqual([true, true]);
    const mixed = scoped([mine(allow), ONE]);
    expect(mixed.runners.jobs.map(({ allowForks }) => allowForks)).toEqual([false, false]);
    expect(problemsOf(mixed)).toEqual([
      expect.stringMatching(
        /scopes: forkPullRequests must be the same in all scopes, got "allow" and "refuse"/,
      ),
    ]);
  });

  it("need a label self-hosted only where each of them asks for it", () => {
    const classes = [{ ...LINUX, labels: ["linux"] }];
    const open = RunnerScope.organization("one-org", { requireSelfHostedLabel: false });
    expect(problemsOf(scoped([ME, open], { classes }))).toEqual([]);
    expect(problemsOf(scoped([ME, ONE], { classes }))).toEqual([
      expect.stringMatching(/class "linux": has no label "self-hosted"/),
    ]);
  });

  it("warn of what one of them leaves out", () => {
    const named = RunnerScope.repositories([RepositorySelection.named(["me/tool", "me/site"])], {
      repositories: ["me/tool"],
    });
    expect(warningsOf(scoped([ONE, named]))).toContainEqual(
      expect.stringMatching(/^scopes\[1\]\.repositories leaves out "me\/site": /),
    );
  });

  it.each<[string, readonly RunnerScope[], Partial<RunnersStackProps>, readonly RegExp[]]>([
    ["none", [], {}, [/Runners\/Webhooks\] scopes: must hold at least one scope, got none/]],
    [
      "an owner in two of them",
      [ONE, RunnerScope.repositories([RepositorySelection.named(["One-Org/tool"])])],
      {},
      [/Runners\/Webhooks\] scopes: must hold each owner in one scope, got "one-org" in several/],
    ],
    [
      "an organization in two of them",
      [ONE, RunnerScope.organization("ONE-ORG")],
      {},
      [
        /Worker\] scopes\[1\]\.repositories: must name an organization that no other scope may mean, got "one-org"/,
        /Webhooks\] scopes: must hold each owner in one scope/,
      ],
    ],
    [
      "a login that is none",
      [ME, RunnerScope.organization("one org")],
      {},
      [/Webhooks\] selection\.organization: must be the login of a GitHub account, got "one org"/],
    ],
    [
      "a policy beside them",
      [ME],
      { repositories: [RepositorySelection.named(["me/x"])], policy: {} },
      [/scopes: must stand without repositories and policy, got repositories and policy as well/],
    ],
    [
      "a pattern that is none",
      [RunnerScope.organization("one-org", { repositories: ["no-owner"] })],
      {},
      [
        /Worker\] scopes\[0\]\.repositories\[0\]: must be owner\/name, \* allowed within either, got "no-owner"/,
      ],
    ],
    [
      "a part of an organization in its default group",
      [ME, RunnerScope.organization("one-org", { repositories: ["one-org/app-*"] })],
      {},
      [/Worker\] scopes\[1\]\.group: must name a group that holds only \["one-org\/app-\*"\], got 1/],
    ],
    [
      "a group's number that is none",
      [ME, RunnerScope.organization("one-org", { group: RunnerGroup.existing(0) })],
      {},
      [/Worker\] scopes\[1\]\.runnerGroupId: must be a whole number from 1 to \d+, got 0/],
    ],
  ])("are refused, each mistake told once: %s", (_what, scopes, more, expected) => {
    expect(problemsOf(scoped(scopes, more))).toEqual(
      expected.map((line) => expect.stringMatching(line) as unknown),
    );
  });

  it("ask for what several owners need", () => {
    const providers = ProviderCredentials.environment();
    expect(problemsOf(scoped([ONE, TWO], { providers }))).toContainEqual(
      expect.stringMatching(/providers: must be a GitHub App for several owners/),
    );
  });
});

it("a stack without repositories and scopes is refused", () => {
  expect(
    problemsOf(stackWith({ ...WITHOUT, repositories: undefined } as unknown as RunnersStackProps)),
  ).toEqual([expect.stringMatching(/repositories: must hold at least one selection, got none/)]);
});
