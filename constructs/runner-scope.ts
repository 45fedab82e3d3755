import { CombinedSelection } from "./combined-selection";
import { RepositorySelection } from "./repository-selection";
import { RunnerGroup } from "./runner-group";
import type { ScopePolicyProps } from "./worker-policy";

/** Who gets a runner within a scope. */
export type RepositoryScopeProps = Omit<ScopePolicyProps, "scope" | "repositories" | "runnerGroupId"> & {
  /**
   * `owner/name` patterns, `*` within a segment, case-insensitive. They narrow what GitHub's webhooks send.
   * @default - every repository of the selected owners; in a group that the stack makes, the group's
   */
  readonly repositories?: readonly string[];
};

/** Who gets a runner of an organization, and where it registers. */
export type OrganizationScopeProps = RepositoryScopeProps & {
  /**
   * The runner group. One that is not the default group needs GitHub Team or GitHub Enterprise.
   * @default RunnerGroup.default()
   */
  readonly group?: RunnerGroup;
};

/**
 * A kind of place where runners register, and whose jobs they take there. A stack has one or several, all served by one
 * Worker and the same runner classes; each owner belongs to one of them.
 */
export class RunnerScope {
  /**
   * Runners that register at the repository whose job caused them, which needs no plan and no group, and serve it alone.
   * @param selections which repositories tell of their jobs, of any number of owners
   */
  static repositories(
    selections: readonly RepositorySelection[],
    props: RepositoryScopeProps = {},
  ): RunnerScope {
    return new RunnerScope(undefined, selections, props, RunnerGroup.default());
  }

  /**
   * Runners that register at an organization and serve all repositories of their group; one webhook tells of all jobs.
   * @param organization its login
   */
  static organization(organization: string, props: OrganizationScopeProps = {}): RunnerScope {
    const { group = RunnerGroup.default(), ...settings } = props;
    return new RunnerScope(
      "organization",
      [RepositorySelection.organization({ organization })],
      settings,
      group,
      organization,
    );
  }

  /**
   * @param kind where runners register; undefined is at each repository
   * @param selections which repositories tell of their jobs
   * @param settings who gets a runner
   * @param group in which group, in organization scope
   * @param organization its login, in organization scope
   */
  constructor(
    readonly kind: ScopePolicyProps["scope"],
    readonly selections: readonly RepositorySelection[],
    readonly settings: RepositoryScopeProps,
    readonly group: RunnerGroup,
    readonly organization?: string,
  ) {}

  /** The patterns of its repositories. */
  get patterns(): readonly string[] {
    return (
      this.settings.repositories ?? this.group.repositories ?? new CombinedSelection(this.selections).patterns
    );
  }

  /** The scope as the Worker's policy has it. @param runnerGroupId id of its group, or a reference; undefined is 1 */
  policy(runnerGroupId: number | string | undefined): ScopePolicyProps {
    return {
      ...this.settings,
      ...(this.kind !== undefined && { scope: this.kind }),
      repositories: this.patterns,
      ...(runnerGroupId !== undefined && { runnerGroupId }),
    };
  }

  /** What is wrong with its group, a sentence each; all else is told by those who use it. */
  problems(): string[] {
    return this.organization === undefined ? [] : this.group.problems(this.organization);
  }
}
