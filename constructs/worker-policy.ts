import { parsePolicy } from "../contracts/parse-policy";
import type { RunnerClass, RunnerScope } from "../contracts/policy";

/** Who gets a runner. Each default is the closed choice. */
export interface RunnerPolicyProps {
  /**
   * Where runners register: at each repository, or at the organization that owns it.
   * @default "repository"
   */
  readonly scope?: RunnerScope["scope"];
  /** `owner/name` patterns, `*` within a segment, case-insensitive. They narrow what GitHub's webhooks send. */
  readonly repositories: readonly string[];
  /**
   * Public repositories that get runners all the same; same patterns. Anybody can open a pull request there.
   * @default - none
   */
  readonly publicRepositories?: readonly string[];
  /**
   * Whether a public repository's pull request from a fork gets a runner.
   * @default "refuse"
   */
  readonly forkPullRequests?: RunnerScope["forkPullRequests"];
  /**
   * Whether a workflow job must name the label `self-hosted`.
   * @default true
   */
  readonly requireSelfHostedLabel?: boolean;
  /**
   * Runner group of the organization.
   * @default 1, the default group; then `repositories` must be `<organization>/*`
   */
  readonly runnerGroupId?: number;
}

/** The text of `RUNNER_POLICY`; keys in a fixed order, defaults left out. */
export function policyText(props: RunnerPolicyProps, classes: readonly RunnerClass[]): string {
  const { scope, repositories, publicRepositories, forkPullRequests } = props;
  const { requireSelfHostedLabel, runnerGroupId } = props;
  return JSON.stringify({
    scope,
    repositories,
    publicRepositories,
    forkPullRequests,
    requireSelfHostedLabel,
    runnerGroupId,
    classes,
  });
}

/**
 * Everything wrong with the policy at once, as the Worker will read it and beyond.
 * @param told paths within it whose faults are told elsewhere
 */
export function policyProblems(text: string, told: readonly string[] = []): string[] {
  const parsed = parsePolicy(text);
  if (parsed.ok) return parsed.policy.scopes.flatMap(groupProblems);
  return parsed.problems
    .filter((problem) => !told.includes(problem.slice(0, problem.indexOf(":"))))
    .map((problem) => `policy.${problem}`.replace(/^policy\.policy:/, "policy:"));
}

/**
 * In organization scope GitHub may give a runner to any repository that its group admits, whatever the policy says: the
 * group is the fence. The default group admits all repositories, so it fits only a policy that does too.
 * @see https://docs.github.com/actions/how-tos/manage-runners/self-hosted-runners/manage-access
 */
function groupProblems({ scope, runnerGroupId, repositories }: RunnerScope): string[] {
  if (scope !== "organization" || runnerGroupId !== 1) return [];
  if (repositories.every((pattern) => /^[^*]+\/\*$/.test(pattern))) return [];
  return [
    `policy.runnerGroupId: must name a group that holds only ${JSON.stringify(repositories)}, got 1; ` +
      "the default group gives every repository of the organization these runners. " +
      "Make a runner group for these repositories, or write repositories as <organization>/*.",
  ];
}
