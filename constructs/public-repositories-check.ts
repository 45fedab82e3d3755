import { DataGithubRepositories } from "@cdktf/provider-github/lib/data-github-repositories";
import { TerraformLocal, type TerraformProvider, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { patternExpression } from "./repository-pattern";
import { MAX_SEARCH_RESULTS, type WebhookTarget } from "./repository-selection";

/** As many names as a person reads in a warning. */
const SHOWN_NAMES = 20;

/** One owner's part of a selection. */
export interface SelectedRepositories {
  /** The owner and what of the owner's is selected. */
  readonly target: WebhookTarget;
  /** The names that are selected, for a target that names them; null for one that takes what GitHub finds. */
  readonly names: TerraformLocal | null;
  /** The owner's GitHub provider; undefined is the stack's. */
  readonly provider: TerraformProvider | undefined;
}

/** What is compared with what. */
export interface PublicRepositoriesCheckProps {
  /** What is selected. */
  readonly selected: readonly SelectedRepositories[];
  /** `owner/name` patterns of the public repositories that get runners; each fits its pattern. */
  readonly allowed: readonly string[];
}

/**
 * Warns, at every plan, of selected public repositories that no pattern lists: the Worker ignores their jobs, and they
 * would wait without a word. Whether a repository is public is known to GitHub only, so this is a Terraform `check`
 * block (Terraform 1.5 or newer), fed by one search for each owner; it never stops a deploy. The search stands outside
 * of the block: inside, Terraform would plan to read it again at every apply, and no plan would be empty.
 * @see https://developer.hashicorp.com/terraform/language/block/check
 */
export class PublicRepositoriesCheck extends Construct {
  constructor(scope: Construct, id: string, props: PublicRepositoriesCheckProps) {
    super(scope, id);
    const { selected, allowed } = props;
    const asked = selected.filter(({ target }) => !listsEvery(allowed, target.owner));
    if (asked.length === 0) return;
    const searches = asked.map((it) => ({ ...it, found: this.#search(it) }));
    const selectedOnes = searches.map(({ target, names, found }) => publicNames(target, names, found));
    const unlisted = new TerraformLocal(this, "Unlisted", unlistedNames(selectedOnes, allowed));
    // The binding has no class for checks, and the block belongs to the stack.
    TerraformStack.of(this).addOverride(`check.${unlisted.friendlyUniqueId}`, {
      assert: [
        {
          condition: `\${length(local.${unlisted.friendlyUniqueId}) == 0}`,
          error_message: warning(unlisted, allowed),
        },
        ...searches.map(({ target, found }) => ({
          condition: `\${length(${found}) < ${String(MAX_SEARCH_RESULTS)}}`,
          error_message:
            `${target.owner} has ${String(MAX_SEARCH_RESULTS)} public repositories or more, where GitHub's search ` +
            "stops: not all of them were compared with publicRepositories.",
        })),
      ],
    });
  }

  /** @returns the expression of the full names of the public repositories */
  #search({ target, provider }: SelectedRepositories): string {
    // Whoever names a fork, or takes an organization, has its forks selected, too.
    const query = target.kind === "search" ? target.query : `user:${target.owner} archived:false fork:true`;
    const found = new DataGithubRepositories(this, target.owner.toLowerCase(), {
      query: `${query} is:public`,
      ...(provider && { provider }),
    });
    return `data.${found.terraformResourceType}.${found.friendlyUniqueId}.full_names`;
  }
}

/** Whether one of the patterns is for all of an owner's repositories, so that none can be left out. */
function listsEvery(allowed: readonly string[], owner: string): boolean {
  return allowed.some((pattern) => {
    const [owners = "", names = ""] = pattern.split("/");
    return /^\*+$/.test(names) && new RegExp(`^${patternExpression(owners)}$`).test(owner.toLowerCase());
  });
}

/** The selected ones among an owner's public repositories, in lower case: GitHub reads names without regard to it. */
function publicNames(target: WebhookTarget, names: TerraformLocal | null, found: string): string {
  const all = `[for name in ${found} : lower(name)]`;
  if (names === null) return all;
  const selected = `[for name in local.${names.friendlyUniqueId} : lower("${target.owner}/\${name}")]`;
  return `tolist(setintersection(${all}, ${selected}))`;
}

function unlistedNames(lists: readonly string[], allowed: readonly string[]): string {
  const all = `sort(concat(${lists.join(", ")}))`;
  if (allowed.length === 0) return `\${${all}}`;
  const listed = `^(?:${allowed.map(patternExpression).join("|")})$`;
  return `\${[for name in ${all} : name if !can(regex("${listed}", name))]}`;
}

function warning(unlisted: TerraformLocal, allowed: readonly string[]): string {
  const all = `local.${unlisted.friendlyUniqueId}`;
  const shown = `slice(${all}, 0, min(${String(SHOWN_NAMES)}, length(${all})))`;
  const listed = allowed.map((pattern) => JSON.stringify(pattern)).join(", ");
  const more = `length(${all}) > ${String(SHOWN_NAMES)}`;
  return (
    `Public repositories are selected that publicRepositories does not list, so their jobs get no runner: ` +
    `\${join(", ", ${shown})}\${${more} ? " and \${length(${all}) - ${String(SHOWN_NAMES)}} more" : ""}. ` +
    "Anybody can open a pull request there. If they are to have runners all the same, write " +
    `publicRepositories: \${jsonencode(concat([${listed}], ${shown}))}` +
    `\${${more} ? "; a pattern such as owner/* takes several" : ""}`
  );
}
