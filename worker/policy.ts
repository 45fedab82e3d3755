import type { RunnerPolicy, RunnerScope } from "../contracts/policy";
import { isListed, matchesRepository } from "../contracts/repository-pattern";
import type { WorkflowJobEvent } from "./event";

export type PolicyDecision =
  | {
      readonly allowed: true;
      /** Where the runner registers: `owner/name` as GitHub sent it, or the organization's login. */
      readonly scope: string;
      /** Whether the run must be looked up before a dispatch: a listed public repository whose forks are refused. */
      readonly forkCheck: boolean;
    }
  | {
      readonly allowed: false;
      readonly reason: "repository_not_allowed" | "other_owner" | "public_repository";
    };

/**
 * Decides whether a repository gets runners. Of public repositories only those listed do: whoever opens a pull request
 * there runs code on the cluster.
 * @see https://docs.github.com/actions/reference/security/secure-use#hardening-for-self-hosted-runners
 */
export function decide(
  rules: RunnerScope,
  event: Pick<WorkflowJobEvent, "repository" | "organization">,
): PolicyDecision {
  const { fullName, owner } = event.repository;
  let scope = fullName;
  if (rules.scope === "organization") {
    const organization = organizationOf(rules) ?? event.organization;
    if (organization === null || !sameName(organization, owner))
      return { allowed: false, reason: "other_owner" };
    if (event.organization !== null && !sameName(event.organization, owner)) {
      return { allowed: false, reason: "other_owner" };
    }
    scope = organization;
  }
  if (!isListed(rules.repositories, fullName)) return { allowed: false, reason: "repository_not_allowed" };
  if (event.repository.private) return { allowed: true, scope, forkCheck: false };
  if (!isListed(rules.publicRepositories, fullName)) return { allowed: false, reason: "public_repository" };
  return { allowed: true, scope, forkCheck: rules.forkPullRequests === "refuse" };
}

/** The scope that rules a repository: the first whose patterns name it, and the first of all where none does. */
export function rulesOf(policy: RunnerPolicy, fullName: string): RunnerScope {
  const found = policy.scopes.find(({ repositories }) => isListed(repositories, fullName));
  const rules = found ?? policy.scopes[0];
  if (rules === undefined) throw new TypeError("a policy has at least one scope");
  return rules;
}

/**
 * The runner group to register in. The policy is read when the claim is taken, so a changed group holds at once.
 * @param scope a claim's: `owner/name`, or an organization's login
 * @returns null for an organization that no scope names any more: the default group would give its runners to every
 * repository there
 */
export function groupOf(policy: RunnerPolicy, scope: string): number | null {
  // Repositories have no groups of their own.
  if (scope.includes("/")) return 1;
  const rules = policy.scopes.find((one) => one.scope === "organization" && namesOrganization(one, scope));
  return rules?.runnerGroupId ?? null;
}

function namesOrganization(rules: RunnerScope, login: string): boolean {
  const organization = organizationOf(rules);
  if (organization !== null) return sameName(organization, login);
  return isOwnerListed(rules.repositories, login);
}

/** The organization that an organization's scope names: the owner of its first pattern. @returns null when that
 *  has a `*`; the delivery then says which organization it is */
export function organizationOf(rules: RunnerScope): string | null {
  const owner = rules.repositories[0]?.split("/", 1)[0] ?? "*";
  return owner.includes("*") ? null : owner;
}

/** Whether the policy has a say about a repository, or about an organization's repositories.
 *  @param target `owner/name`, or an organization's login */
export function isConcerned({ scopes }: RunnerPolicy, target: string): boolean {
  return scopes.some(({ repositories }) =>
    target.includes("/") ? isListed(repositories, target) : isOwnerListed(repositories, target),
  );
}

function isOwnerListed(patterns: readonly string[], login: string): boolean {
  return patterns.some((pattern) => matchesRepository(`${pattern.split("/", 1)[0] ?? ""}/*`, `${login}/x`));
}

function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
