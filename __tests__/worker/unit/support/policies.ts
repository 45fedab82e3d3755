import type { RunnerClass, RunnerPolicy, RunnerScope } from "../../../../contracts/policy";

export function runnerClass(name: string, labels: readonly string[]): RunnerClass {
  return {
    name,
    job: `github-runner-${name}`,
    labels,
    maxRunners: 0,
    maxRunnersPerRepository: 0,
    pickupDeadlineSeconds: 300,
    idleTimeoutSeconds: 300,
    maxDurationSeconds: 21_600,
  };
}

export function rules(changes: Partial<RunnerScope> = {}): RunnerScope {
  return {
    scope: "repository",
    repositories: ["octo-org/*", "me/tool"],
    publicRepositories: [],
    forkPullRequests: "refuse",
    requireSelfHostedLabel: true,
    runnerGroupId: 1,
    ...changes,
  };
}

export function policy(changes: Partial<RunnerPolicy> = {}): RunnerPolicy {
  return {
    scopes: [rules()],
    classes: [runnerClass("linux", ["self-hosted", "linux", "x64"])],
    pools: [],
    cleanUp: "delete",
    recovery: "on",
    redelivery: "on",
    ...changes,
  };
}
