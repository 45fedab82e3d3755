import { DataGithubRepositories } from "@cdktf/provider-github/lib/data-github-repositories";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { type Postcondition, TerraformIterator, TerraformLocal, type TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { REPOSITORY_PATTERN, matches } from "../contracts/patterns";
import { OrganizationWebhook } from "./organization-webhook";
import { PublicRepositoriesCheck } from "./public-repositories-check";
import { MAX_SEARCH_RESULTS, type RepositorySelection, type WebhookTarget } from "./repository-selection";
import { landsAt } from "./webhook-owner";
import { WEBHOOK_EVENTS, type WebhookProps, webhookConfiguration, webhookProblems } from "./webhook-props";

/** Which webhooks, beside where they deliver. */
export interface RepositoryWebhooksProps extends WebhookProps {
  /** Which repositories. */
  readonly selection: RepositorySelection;
  /**
   * `owner/name` patterns of the public repositories that get runners, as in the Worker's policy. A plan warns of every
   * selected public repository that they leave out.
   * @default - none
   */
  readonly publicRepositories?: readonly string[];
  /**
   * Finds the GitHub provider of an owner; the provider takes the owner from its own configuration, so several owners
   * need one each.
   * @default - the stack's, for every owner
   */
  readonly provider?: (owner: string) => TerraformProvider | undefined;
}

type SearchTarget = Extract<WebhookTarget, { readonly kind: "search" }>;

/**
 * The webhooks by which the selected repositories tell the Worker of their workflow jobs: one for each repository, or
 * one for an organization.
 *
 * - One resource with `for_each` serves all repositories of an owner, so 10,000 names are one construct, and the address
 *   of a webhook is its name: `github_repository_webhook.<…>["name"]`. The construct's id is the owner's login in lower
 *   case, since the provider is the owner's, too; spelling the login differently moves nothing.
 * - The provider sends one write a second, and GitHub bears 500 new webhooks an hour
 *   (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api): for thousands of repositories of an
 *   organization choose {@link RepositorySelection.organization}.
 * - A search that finds nothing, or 1,000 results or more, is an error of the plan: 1,000 is where GitHub stops, and it
 *   cannot be told whether that was all.
 * - `GITHUB_OWNER` and `GITHUB_ORGANIZATION` in the environment win over the `owner` that a provider is given, so that
 *   all webhooks would land at one owner: leave both unset. A webhook that landed elsewhere fails the deploy.
 * - The secret lies in Terraform's state, and GitHub never shows it again, so a plan does not see that somebody changed
 *   it there.
 * @see https://docs.github.com/rest/repos/webhooks
 */
export class RepositoryWebhooks extends Construct {
  constructor(scope: Construct, id: string, props: RepositoryWebhooksProps) {
    super(scope, id);
    const { selection, publicRepositories = [], provider } = props;
    const checked = selection.targets.map((target) => ({
      target,
      names: this.#webhooks(target, props),
      provider: provider?.(target.owner),
    }));
    new PublicRepositoriesCheck(this, "PublicRepositories", {
      selected: checked,
      allowed: publicRepositories.filter(isPattern),
    });
    this.node.addValidation({
      validate: () => [
        ...selection.problems(),
        // OrganizationWebhook checks its own.
        ...(selection.targets.some(({ kind }) => kind === "organization") ? [] : webhookProblems(props)),
        ...publicRepositories.filter((it) => !isPattern(it)).map(patternProblem),
      ],
    });
  }

  /** @returns the list of the names in Terraform, for whoever has to know it; null for all of the owner's */
  #webhooks(target: WebhookTarget, props: RepositoryWebhooksProps): TerraformLocal | null {
    const provider = props.provider?.(target.owner);
    const owner = new Construct(this, target.owner.toLowerCase());
    if (target.kind === "organization") {
      const { url, secret, dependsOn = [] } = props;
      new OrganizationWebhook(owner, "Organization", {
        organization: target.owner,
        url,
        secret,
        dependsOn,
        ...(provider && { provider }),
      });
      return null;
    }
    const names = target.kind === "names" ? new TerraformLocal(owner, "Names", target.names) : null;
    // fromList() makes a set of it: a search gives its results in another order each time.
    const forEach = TerraformIterator.fromList(
      target.kind === "names" && names !== null
        ? names.asList
        : search(owner, target as SearchTarget, provider),
    );
    new RepositoryWebhook(owner, "Resource", {
      forEach,
      repository: forEach.value as string,
      events: WEBHOOK_EVENTS,
      configuration: webhookConfiguration(props),
      dependsOn: [...(props.dependsOn ?? [])],
      lifecycle: { postcondition: [landsAt("repos", target.owner)] },
      ...(provider && { provider }),
    });
    return names;
  }
}

/**
 * Asks GitHub for the names. It depends on nothing: Terraform would put the question off until what it depends on is
 * there, and could not plan a webhook for each name that it does not know yet.
 */
function search(
  owner: Construct,
  { query }: SearchTarget,
  provider: TerraformProvider | undefined,
): string[] {
  const found = new DataGithubRepositories(owner, "Search", {
    query,
    lifecycle: { postcondition: searchConditions(query) },
    ...(provider && { provider }),
  });
  return found.names;
}

function searchConditions(query: string): Postcondition[] {
  return [
    {
      condition: "${length(self.names) > 0}",
      errorMessage:
        `GitHub must find at least one repository for "${query}", but found none. Correct the selection, or give the ` +
        "provider a credential that sees these repositories; a new topic takes some minutes to be found.",
    },
    {
      condition: `\${length(self.names) < ${String(MAX_SEARCH_RESULTS)}}`,
      errorMessage:
        `GitHub must find fewer than ${String(MAX_SEARCH_RESULTS)} repositories for "${query}", but found that many, ` +
        "where its search stops: there may be more that would silently get no webhook. Choose by topic, name the " +
        "repositories, or take one webhook for the organization.",
    },
    {
      // The results come in pages, sorted by the last update: a push meanwhile moves a repository to the first page.
      condition: "${length(self.names) == length(distinct(self.names))}",
      errorMessage:
        `GitHub must name each repository once for "${query}", but the results changed while they were read, so one ` +
        "may be missing. Plan again.",
    },
  ];
}

function isPattern(text: string): boolean {
  return matches(REPOSITORY_PATTERN.pattern, text);
}

function patternProblem(text: string): string {
  return `publicRepositories: must be ${REPOSITORY_PATTERN.words}, got ${JSON.stringify(text)}`;
}
