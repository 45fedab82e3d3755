import { ActionsRunnerGroup } from "@cdktf/provider-github/lib/actions-runner-group";
import { RunnerGroup, RunnerScope, type RunnersStackProps } from "../../index";
import { parsePolicy } from "../../contracts/parse-policy";
import { Template, problemsOf, removeOutputs } from "../support/template";
import { SETTINGS } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

type Json = Readonly<Record<string, unknown>>;
interface Condition {
  readonly condition: string;
  readonly error_message: string;
}

/** Settings without the single form. */
function scoped(...scopes: readonly RunnerScope[]): Partial<RunnersStackProps> {
  return { repositories: undefined, policy: undefined, scopes } as unknown as Partial<RunnersStackProps>;
}

function template(group: RunnerGroup, more: object = {}): Template {
  return new Template(stackWith(scoped(RunnerScope.organization("Octo-Org", { group, ...more }))));
}

function data(whole: Template, type: string): readonly Json[] {
  const all = (whole.json["data"] ?? {}) as Record<string, Record<string, Json> | undefined>;
  return Object.values(all[type] ?? {});
}

function postconditions(element: Json | undefined): readonly Condition[] {
  return (element?.["lifecycle"] as { postcondition?: Condition[] } | undefined)?.postcondition ?? [];
}

const CREATED = RunnerGroup.create({ name: "On ${demand}", repositories: ["octo-org/Tool", "octo-org/app"] });

describe("a runner group that the stack makes", () => {
  it("admits its repositories and none else, no public one, and any workflow", () => {
    const whole = template(CREATED);
    expect(whole.resource(ActionsRunnerGroup)).toMatchObject({
      // Nothing in a name is evaluated.
      name: "On $${demand}",
      visibility: "selected",
      allows_public_repositories: false,
      restricted_to_workflows: false,
      provider: "github.owner_octo-org",
    });
    const ids = String(whole.resource(ActionsRunnerGroup)["selected_repository_ids"]);
    expect(ids).toMatch(
      /^\$\{\[for index, name in (data\.github_repositories\.[\w-]+)\.full_names : \1\.repo_ids\[index\] if contains\(local\.[\w-]+, lower\(name\)\)\]\}$/,
    );
    const wanted = /contains\(local\.([\w-]+),/.exec(ids)?.[1] ?? "";
    expect(whole.block("locals")[wanted]).toEqual(["octo-org/tool", "octo-org/app"]);
  });

  it("admits public repositories where the scope lists some", () => {
    const whole = template(CREATED, { publicRepositories: ["octo-org/app"] });
    expect(whole.resource(ActionsRunnerGroup)).toMatchObject({ allows_public_repositories: true });
  });

  it("must be found whole: a plan fails and names what is missing", () => {
    const search = data(template(CREATED), "github_repositories").find(
      (one) => one["include_repo_id"] === true,
    );
    expect(search).toMatchObject({ query: "user:Octo-Org fork:true" });
    const [condition, ...more] = postconditions(search);
    expect(more).toEqual([]);
    expect(condition?.condition).toMatch(
      /^\$\{length\(setsubtract\(local\.[\w-]+, \[for name in self\.full_names : lower\(name\)\]\)\) == 0\}$/,
    );
    expect(condition?.error_message).toMatch(/there is no \$\{join\(", ", setsubtract\(/);
  });

  it("must be the organization's, whatever the environment says of the owner", () => {
    const [condition] = postconditions(template(CREATED).resource(ActionsRunnerGroup));
    expect(condition?.condition).toBe('${strcontains(lower(self.runners_url), "/orgs/octo-org/")}');
    expect(condition?.error_message).toMatch(/^This runner group must belong to Octo-Org, .*GITHUB_OWNER/);
  });

  it("gives its id to the Worker's policy, whose text is JSON when Terraform has put it in", () => {
    const text = bindingsOf(template(CREATED)).get("RUNNER_POLICY")?.["json"] ?? "";
    expect(text).toMatch(/"runnerGroupId":\$\{github_actions_runner_group\.[\w-]+\.id\},/);
    const parsed = parsePolicy(text.replace(/\$\{github_actions_runner_group\.[\w-]+\.id\}/, "42"));
    expect(parsed.ok && parsed.policy.scopes).toMatchObject([
      { scope: "organization", runnerGroupId: 42, repositories: ["octo-org/Tool", "octo-org/app"] },
    ]);
  });

  it("narrows the policy to its repositories, or to what the scope says", () => {
    const text = bindingsOf(template(CREATED, { repositories: ["octo-org/a*"] })).get("RUNNER_POLICY")?.[
      "json"
    ];
    expect(text).toContain('"repositories":["octo-org/a*"]');
  });

  it.each<[string, { readonly name: string; readonly repositories: readonly string[] }, RegExp]>([
    [
      "no name",
      { name: " ", repositories: ["octo-org/a"] },
      /scopes\[0\]\.group\.name: must not be empty, got " "/,
    ],
    [
      "no repository",
      { name: "g", repositories: [] },
      /scopes\[0\]\.group\.repositories: must name at least one repository, got an empty list/,
    ],
    [
      "a pattern",
      { name: "g", repositories: ["octo-org/*"] },
      /scopes\[0\]\.group\.repositories: must hold full names of Octo-Org's repositories, got "octo-org\/\*"/,
    ],
    [
      "another owner's repository",
      { name: "g", repositories: ["octo-org2/a"] },
      /must hold full names of Octo-Org's repositories, got "octo-org2\/a"/,
    ],
    [
      "a repository twice",
      { name: "g", repositories: ["octo-org/a", "Octo-Org/A"] },
      /must name a repository once, got "octo-org\/a" again/,
    ],
  ])("is refused with %s", (_what, props, problem) => {
    const whole = stackWith(
      scoped(RunnerScope.organization("Octo-Org", { group: RunnerGroup.create(props) })),
    );
    expect(problemsOf(whole)).toContainEqual(expect.stringMatching(problem));
  });
});

describe("the organization's plan", () => {
  const plans = (whole: Template): readonly Json[] => data(whole, "github_organization");

  it.each([
    ["that the stack makes", CREATED, '"On $${demand}"'],
    ["that somebody else made", RunnerGroup.existing(7), "7"],
  ])("is asked for in each plan of Terraform's for a group %s", (_what, group, shown) => {
    const [plan, ...more] = plans(template(group));
    expect(more).toEqual([]);
    expect(plan).toMatchObject({ name: "Octo-Org", summary_only: true, provider: "github.owner_octo-org" });
    const [condition] = postconditions(plan);
    expect(condition?.condition).toBe('${self.plan != "free"}');
    expect(condition?.error_message).toContain(
      `Octo-Org must have the plan GitHub Team or GitHub Enterprise for the runner group ${shown}, but its plan is "\${self.plan}"`,
    );
  });

  it("is asked for the group of the single form, too", () => {
    const policy = { scope: "organization", runnerGroupId: 7 } as const;
    expect(plans(new Template(stackWith({ policy })))).toHaveLength(1);
  });

  it.each<[string, Partial<RunnersStackProps>]>([
    ["the default group", scoped(RunnerScope.organization("octo-org"))],
    [
      "the default group by its id",
      scoped(RunnerScope.organization("octo-org", { group: RunnerGroup.existing(1) })),
    ],
    ["repository scope", { repositories: SETTINGS.repositories ?? [] }],
  ])("is nobody's business with %s", (_what, settings) => {
    const whole = stackWith(settings);
    expect(problemsOf(whole)).toEqual([]);
    expect(plans(new Template(whole))).toEqual([]);
    expect(new Template(whole).resources(ActionsRunnerGroup)).toEqual([]);
  });
});
