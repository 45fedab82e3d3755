import type { SelectionPolicyProps } from "./on-demand-runners-props";
import type { RepositorySelection, WebhookTarget } from "./repository-selection";

/** The runner group that admits every repository of its organization. */
const DEFAULT_GROUP = 1;

/**
 * What is wrong between organization scope and the selection, one sentence each: what neither sees of itself. Runners
 * register at one organization, and GitHub gives them to every repository that their group admits.
 */
export function scopeProblems(
  policy: SelectionPolicyProps | undefined,
  selection: RepositorySelection,
): string[] {
  if (policy?.scope !== "organization") return [];
  const found: string[] = [];
  const { owners, targets } = selection;
  if (owners.length > 1) {
    found.push(
      `policy.scope: must be "repository" for several owners, got "organization" for "${owners.join('", "')}"; runners ` +
        "register at one organization, so jobs of the others would get none: make a stack for each organization",
    );
  }
  const parts = targets.filter(isPart).map(({ owner }) => owner);
  if (parts.length > 0 && (policy.runnerGroupId ?? DEFAULT_GROUP) === DEFAULT_GROUP) {
    found.push(
      `policy.runnerGroupId: must name a group that holds only the selected repositories of "${parts.join('", "')}", got ` +
        `${String(DEFAULT_GROUP)}; the default group gives every repository of the organization these runners. Make a ` +
        "runner group for the selection, or select by RepositorySelection.organization.",
    );
  }
  return found;
}

/** Whether it leaves out repositories on purpose. */
function isPart(target: WebhookTarget): boolean {
  return target.kind === "names" || (target.kind === "search" && target.query.includes(" topic:"));
}
