import { ActionsRunnerGroup } from "@cdktf/provider-github/lib/actions-runner-group";
import { DataGithubOrganization } from "@cdktf/provider-github/lib/data-github-organization";
import { DataGithubRepositories } from "@cdktf/provider-github/lib/data-github-repositories";
import { TerraformLocal, type TerraformProvider, Token } from "cdktf";
import type { Construct } from "constructs";
import { REPOSITORY_FULL_NAME, matches } from "../contracts/patterns";
import { literalText } from "./literal-text";
import { MAX_SEARCH_RESULTS } from "./repository-selection";
import { landsAt } from "./webhook-owner";

/** A group that the stack makes. */
export interface CreatedGroupProps {
  /** Name of the group, as the organization's settings show it. */
  readonly name: string;
  /** Full names, `owner/name`, of the repositories that get its runners; all of the organization. */
  readonly repositories: readonly string[];
}

/** Where a group is. */
export interface RunnerGroupContext {
  /** Login of the organization. */
  readonly organization: string;
  /** Whether public repositories of the group get its runners. */
  readonly publicRepositories: boolean;
  /** The GitHub provider whose owner is the organization; undefined is the stack's. */
  readonly provider: TerraformProvider | undefined;
}

/**
 * In which group of an organization runners register. The group is the fence: GitHub gives a runner to every repository
 * that its group admits, whatever the Worker's policy says.
 *
 * On GitHub Free an organization has the default group alone. A plan that asks for another one there fails and names the
 * organization's plan; where GitHub does not tell the plan to the provider's credential, GitHub's own refusal is what
 * fails.
 * @see https://docs.github.com/actions/concepts/runners/runner-groups
 */
export abstract class RunnerGroup {
  /** The organization's default group, id 1, as it is. It admits every repository, so it fits a scope for all of them. */
  static default(): RunnerGroup {
    return new DefaultGroup();
  }

  /**
   * A group that somebody else made and keeps, with the repositories that it admits.
   * @param id the number at the end of the group's address in the organization's settings
   */
  static existing(id: number): RunnerGroup {
    return new ExistingGroup(id);
  }

  /**
   * A group of the stack's own, for these repositories and none else, public ones only where the scope lists some. It goes
   * with the stack, and GitHub then moves what is still registered in it to the default group: drain before a destroy.
   *
   * The repositories' ids come from one search of the organization, so it works below 1,000 repositories; above, make a
   * group by hand and take {@link RunnerGroup.existing}. What a plan does not see (provider 6.9.0): a group that was
   * deleted outside, and repositories that were added to it there.
   * @see https://registry.terraform.io/providers/integrations/github/6.9.0/docs/resources/actions_runner_group
   */
  static create(props: CreatedGroupProps): RunnerGroup {
    return new CreatedGroup(props);
  }

  /** The repositories that it admits, where the settings say so. */
  readonly repositories: readonly string[] | undefined = undefined;

  /** Declares in `scope` what the group needs. @returns its id, or a reference to it; undefined for the default group */
  abstract bind(scope: Construct, context: RunnerGroupContext): number | string | undefined;

  /** What is wrong with the group, a sentence each. */
  problems(_organization: string): string[] {
    return [];
  }
}

class DefaultGroup extends RunnerGroup {
  override bind(): undefined {
    return undefined;
  }
}

class ExistingGroup extends RunnerGroup {
  constructor(private readonly id: number) {
    super();
  }

  override bind(scope: Construct, context: RunnerGroupContext): number {
    if (this.id !== 1) requirePlan(scope, context, String(this.id));
    return this.id;
  }
}

class CreatedGroup extends RunnerGroup {
  override readonly repositories: readonly string[];

  constructor(private readonly props: CreatedGroupProps) {
    super();
    this.repositories = [...props.repositories].sort((a, b) => (a < b ? -1 : 1));
  }

  override bind(scope: Construct, context: RunnerGroupContext): string {
    const { organization, publicRepositories, provider } = context;
    requirePlan(scope, context, `"${this.props.name}"`);
    const group = new ActionsRunnerGroup(scope, "Resource", {
      name: literalText(this.props.name),
      visibility: "selected",
      selectedRepositoryIds: Token.asNumberList(this.#repositoryIds(scope, context)),
      allowsPublicRepositories: publicRepositories,
      restrictedToWorkflows: false,
      lifecycle: { postcondition: [landsAt("orgs", organization, "runner group", "runners_url")] },
      ...(provider && { provider }),
    });
    return group.id;
  }

  override problems(organization: string): string[] {
    const found: string[] = [];
    const { name } = this.props;
    if (name.trim() === "") found.push(`group.name: must not be empty, got ${JSON.stringify(name)}`);
    if (this.repositories.length === 0) {
      found.push(
        "group.repositories: must name at least one repository, got an empty list; write owner/name",
      );
    }
    const seen = new Set<string>();
    for (const fullName of this.repositories) {
      const key = fullName.toLowerCase();
      if (!matches(REPOSITORY_FULL_NAME, fullName) || !key.startsWith(`${organization.toLowerCase()}/`)) {
        found.push(
          `group.repositories: must hold full names of ${organization}'s repositories, got ${JSON.stringify(fullName)}; ` +
            `write ${organization}/name, a pattern is none`,
        );
      }
      if (seen.has(key)) {
        found.push(`group.repositories: must name a repository once, got "${fullName}" again; remove one`);
      }
      seen.add(key);
    }
    return found;
  }

  /** By a search, since the provider's look-up of one repository (6.9.0) panics where there is none. */
  #repositoryIds(scope: Construct, { organization, provider }: RunnerGroupContext): string {
    const names = this.repositories.map((name) => name.toLowerCase());
    const wanted = `local.${new TerraformLocal(scope, "Wanted", names).friendlyUniqueId}`;
    const missing = (all: string): string => `setsubtract(${wanted}, [for name in ${all} : lower(name)])`;
    const found = new DataGithubRepositories(scope, "Repositories", {
      query: `user:${organization} fork:true`,
      includeRepoId: true,
      lifecycle: {
        postcondition: [
          {
            condition: `\${length(${missing("self.full_names")}) == 0}`,
            errorMessage:
              `RunnerGroup.create: GitHub must find each repository of the group ${JSON.stringify(literalText(this.props.name))}, but ` +
              `among \${length(self.full_names)} of ${organization} there is no \${join(", ", ${missing("self.full_names")})}. ` +
              "Correct the names, or give the provider a credential that sees these repositories. A new one takes some " +
              `minutes to be found, and the search stops at ${String(MAX_SEARCH_RESULTS)}: then make the group by hand, ` +
              "and take RunnerGroup.existing.",
          },
        ],
      },
      ...(provider && { provider }),
    });
    const search = `data.${found.terraformResourceType}.${found.friendlyUniqueId}`;
    return `\${[for index, name in ${search}.full_names : ${search}.repo_ids[index] if contains(${wanted}, lower(name))]}`;
  }
}

/** Asks GitHub for the organization's plan, in each plan of Terraform's, and ends it where that has no groups. */
function requirePlan(scope: Construct, { organization, provider }: RunnerGroupContext, group: string): void {
  new DataGithubOrganization(scope, "Plan", {
    name: organization,
    // Else it would list all members, for which it needs more than a token that makes webhooks may do.
    summaryOnly: true,
    lifecycle: {
      postcondition: [
        {
          // Empty where the credential may not see it.
          condition: '${self.plan != "free"}',
          errorMessage:
            `RunnerGroup: ${organization} must have the plan GitHub Team or GitHub Enterprise for the runner group ` +
            `${literalText(group)}, but its plan is "\${self.plan}", which has the default group alone. Take ` +
            "RunnerGroup.default(), or repository scope, which needs no group.",
        },
      ],
    },
    ...(provider && { provider }),
  });
}
