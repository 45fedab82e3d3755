import type { RunnerClass, RunnerScope } from "../contracts/policy";

export type ClassDecision =
  | { readonly fits: true; readonly runnerClass: RunnerClass }
  | { readonly fits: false; readonly reason: "no_labels" | "no_self_hosted_label" | "no_class_fits" };

/**
 * Picks the class whose labels cover all of the job's, as GitHub does when it routes a job to a runner: ignoring case
 * and order. A class with exactly the job's labels goes before a larger one, then declaration order decides.
 * @param labels `workflow_job.labels`
 * @see https://docs.github.com/actions/reference/runners/self-hosted-runners (routing precedence)
 */
export function selectClass(
  rules: Pick<RunnerScope, "requireSelfHostedLabel">,
  classes: readonly RunnerClass[],
  labels: readonly string[],
): ClassDecision {
  const wanted = lowerCaseSet(labels);
  if (wanted.size === 0) return { fits: false, reason: "no_labels" };
  if (rules.requireSelfHostedLabel && !wanted.has("self-hosted")) {
    return { fits: false, reason: "no_self_hosted_label" };
  }
  let larger: RunnerClass | undefined;
  for (const runnerClass of classes) {
    const offered = lowerCaseSet(runnerClass.labels);
    if (![...wanted].every((label) => offered.has(label))) continue;
    if (offered.size === wanted.size) return { fits: true, runnerClass };
    larger ??= runnerClass;
  }
  return larger === undefined
    ? { fits: false, reason: "no_class_fits" }
    : { fits: true, runnerClass: larger };
}

function lowerCaseSet(labels: readonly string[]): ReadonlySet<string> {
  return new Set(labels.map((label) => label.toLowerCase()));
}
