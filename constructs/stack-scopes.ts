import { CombinedSelection } from "./combined-selection";
import type { OnDemandRunnersProps } from "./on-demand-runners-props";
import { RunnerGroup } from "./runner-group";
import { RunnerScope } from "./runner-scope";

type Forms = Pick<OnDemandRunnersProps, "repositories" | "policy" | "scopes">;

/** The scopes that the settings ask for, in either form. */
export function scopesOf({ repositories = [], policy = {}, scopes }: Forms): readonly RunnerScope[] {
  if (scopes !== undefined) return scopes;
  const { scope, runnerGroupId, ...settings } = policy;
  const [organization] = new CombinedSelection(repositories).owners;
  const isOrganization = scope === "organization" && organization !== undefined;
  const group =
    isOrganization && runnerGroupId !== undefined
      ? RunnerGroup.existing(runnerGroupId)
      : RunnerGroup.default();
  return [new RunnerScope(scope, repositories, settings, group, isOrganization ? organization : undefined)];
}

/** All selections as one. */
export function selectionOf(props: Forms): CombinedSelection {
  return new CombinedSelection(
    scopesOf(props).flatMap(({ selections }) => selections),
    props.scopes === undefined ? "repositories" : "scopes",
  );
}

/** Whether runners may run code of forks: a class has one answer, whatever scope its runners register in. */
export function allowsForks(scopes: readonly RunnerScope[]): boolean {
  return scopes.length > 0 && scopes.every(({ settings }) => settings.forkPullRequests === "allow");
}

/** What is wrong between the scopes, and with the way in which they are given, one sentence each. */
export function stackScopeProblems(props: Forms): string[] {
  const { repositories, policy, scopes } = props;
  if (scopes === undefined) return [];
  const found = scopes.flatMap((scope, index) =>
    scope.problems().map((problem) => `scopes[${String(index)}].${problem}`),
  );
  const others = Object.entries({ repositories, policy }).flatMap(([at, value]) => (value ? [at] : []));
  if (others.length > 0) {
    found.push(
      `scopes: must stand without repositories and policy, got ${others.join(" and ")} as well; move them into ` +
        "RunnerScope.repositories([…], { … })",
    );
  }
  const answers = new Set(scopes.map(({ settings }) => settings.forkPullRequests ?? "refuse"));
  if (answers.size > 1) {
    found.push(
      'scopes: forkPullRequests must be the same in all scopes, got "allow" and "refuse"; the runners of a class either ' +
        "take code of forks or they do not, and every scope has every class. Make a stack for those that allow it.",
    );
  }
  return found;
}
