import { Token } from "cdktf";
import { parsePolicy } from "../contracts/parse-policy";
import {
  CLASS_BOUNDS,
  type CleanUp,
  type Recovery,
  type Redelivery,
  type RunnerClass,
  type RunnerScope,
} from "../contracts/policy";
import { literalText } from "./literal-text";
import type { WarmPool } from "./warm-pool";

/** Who gets a runner in one scope. Each default is the closed choice. */
export interface ScopePolicyProps {
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
   * Runner group of the organization: its id, or a reference to the id of one that is made with the stack.
   * @default 1, the default group; then `repositories` must be `<organization>/*`
   */
  readonly runnerGroupId?: number | string;
}

/** What holds for all scopes of a policy. */
export interface PolicyWideProps {
  /**
   * Runners that are kept ready.
   * @default - none
   */
  readonly pools?: readonly WarmPool[];
  /**
   * What the Worker does about registrations at GitHub that its ledger does not know, and about runners that GitHub has
   * forgotten: `report` shows them in `/status` and leaves them alone.
   * @default "delete"
   */
  readonly cleanUp?: CleanUp;
  /**
   * Whether the Worker asks GitHub for queued jobs of which no delivery ever told, in repositories that were active lately.
   * It needs "Actions: read" there.
   * @default "on"
   */
  readonly recovery?: Recovery;
  /**
   * Whether the Worker asks GitHub to repeat deliveries that failed. Its credential needs "Webhooks: write" for it; without
   * that it stays off, and `/status` says so.
   * @default "on"
   */
  readonly redelivery?: Redelivery;
}

/** Who gets a runner, in one scope. */
export interface RunnerPolicyProps extends ScopePolicyProps, PolicyWideProps {}

/** Who gets a runner, in several scopes. */
export interface SeveralScopesProps extends PolicyWideProps {
  /** The first whose patterns name a repository rules it. */
  readonly scopes: readonly ScopePolicyProps[];
}

/** What stands for a group's id in the JSON until the reference takes its place: no pattern lets an `@` through. */
const GROUP_MARK = "@group@";

/** Stands for an id that is known at apply only, where the policy is checked: as long as one may get. */
const SOME_GROUP_ID = 999_999_999;

/** The text of `RUNNER_POLICY`; keys in a fixed order, defaults left out. */
export function policyText(
  props: RunnerPolicyProps | SeveralScopesProps,
  classes: readonly RunnerClass[],
): string {
  const groups: string[] = [];
  const json = policyJson(props, classes, (id) => {
    groups.push(id);
    return GROUP_MARK;
  });
  if (groups.length === 0) return json;
  // Terraform takes a text with a reference for a template, so the rest of it is escaped here.
  const parts = json.split(JSON.stringify(GROUP_MARK));
  return parts.map((part, index) => literalText(part) + (groups[index] ?? "")).join("");
}

function policyJson(
  props: RunnerPolicyProps | SeveralScopesProps,
  classes: readonly RunnerClass[],
  groupOf: (reference: string) => unknown,
): string {
  const rest = {
    classes: classes.map(writtenClass),
    pools: props.pools?.map(({ written }) => written),
    cleanUp: props.cleanUp,
    recovery: props.recovery,
    redelivery: props.redelivery,
  };
  const written = scopesOf(props).map((scope) => writtenScope(scope, groupOf));
  return JSON.stringify(written.length === 1 ? { ...written[0], ...rest } : { scopes: written, ...rest });
}

function scopesOf(props: RunnerPolicyProps | SeveralScopesProps): readonly ScopePolicyProps[] {
  return "scopes" in props ? props.scopes : [props];
}

function writtenScope(props: ScopePolicyProps, groupOf: (reference: string) => unknown): object {
  const { scope, repositories, publicRepositories, forkPullRequests } = props;
  const { requireSelfHostedLabel, runnerGroupId: id } = props;
  const runnerGroupId = typeof id === "string" && Token.isUnresolved(id) ? groupOf(id) : id;
  return {
    ...{ scope, repositories, publicRepositories, forkPullRequests },
    ...{ requireSelfHostedLabel, runnerGroupId },
  };
}

/** A Worker's variable holds 5 KB, and the numbers that are nobody's choice would take a third of a class. */
function writtenClass(runnerClass: RunnerClass): object {
  const isDefault = (key: string, value: unknown): boolean =>
    key in CLASS_BOUNDS && CLASS_BOUNDS[key as keyof typeof CLASS_BOUNDS].default === value;
  return Object.fromEntries(Object.entries(runnerClass).filter(([key, value]) => !isDefault(key, value)));
}

/**
 * Everything wrong with the policy at once, as the Worker will read it and beyond.
 * @param told paths within it whose faults are told elsewhere
 */
export function policyProblems(
  props: RunnerPolicyProps | SeveralScopesProps,
  classes: readonly RunnerClass[],
  told: readonly string[] = [],
): string[] {
  const parsed = parsePolicy(policyJson(props, classes, () => SOME_GROUP_ID));
  const isList = "scopes" in props;
  const one = isList && props.scopes.length === 1;
  if (parsed.ok) {
    return parsed.policy.scopes.flatMap((scope, index) =>
      groupProblems(scope, isList ? `scopes[${String(index)}].group` : "policy.runnerGroupId"),
    );
  }
  return parsed.problems
    .map((problem) => (one ? problem.replace(SCOPE_PATH, "scopes[0].$&") : problem))
    .filter((problem) => !told.includes(problem.slice(0, problem.indexOf(":"))))
    .map(asWritten);
}

/** A path within a scope, where it stands at the top level. */
const SCOPE_PATH =
  /^(?:scope|repositories|publicRepositories|forkPullRequests|requireSelfHostedLabel|runnerGroupId)\b/;

/** A problem under the name of the prop that the user wrote. */
function asWritten(problem: string): string {
  if (problem.startsWith("policy:") || /^(?:scopes|cleanUp|recovery|redelivery)\b/.test(problem))
    return problem;
  if (/^pools\b/.test(problem)) return problem.replace(/^(pools\[\d+\]\.)class:/, "$1className:");
  return `policy.${problem}`;
}

/**
 * In organization scope GitHub may give a runner to any repository that its group admits, whatever the policy says: the
 * group is the fence. The default group admits all repositories, so it fits only a policy that does too.
 * @see https://docs.github.com/actions/how-tos/manage-runners/self-hosted-runners/manage-access
 */
function groupProblems({ scope, runnerGroupId, repositories }: RunnerScope, at: string): string[] {
  if (scope !== "organization" || runnerGroupId !== 1) return [];
  if (repositories.every((pattern) => /^[^*]+\/\*$/.test(pattern))) return [];
  return [
    `${at}: must name a group that holds only ${JSON.stringify(repositories)}, got 1; ` +
      "the default group gives every repository of the organization these runners. " +
      "Make a runner group for these repositories, or write repositories as <organization>/*.",
  ];
}
