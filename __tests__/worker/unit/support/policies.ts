import type { RunnerClass, RunnerPolicy } from "../../../../contracts/policy";

export function runnerClass(name: string, labels: readonly string[]): RunnerClass {
  return {
    name,
    job: `github-runner-${name}`,
    labels,
    maxRunners: 0,
    pickupDeadlineSeconds: 300,
    idleTimeoutSeconds: 300,
    maxDurationSeconds: 21_600,
  };
}

export function policy(changes: Partial<RunnerPolicy> = {}): RunnerPolicy {
  return {
    scope: "repository",
    repositories: ["octo-org/*", "me/tool"],
    publicRepositories: [],
    forkPullRequests: "refuse",
    requireSelfHostedLabel: true,
    runnerGroupId: 1,
    classes: [runnerClass("linux", ["self-hosted", "linux", "x64"])],
    ...changes,
  };
}
