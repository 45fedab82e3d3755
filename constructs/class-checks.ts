import type { RunnerClass } from "../contracts/policy";

/** The label by which GitHub's own documentation asks for a self-hosted runner. */
const SELF_HOSTED = "self-hosted";

/**
 * What is wrong between runner classes, one sentence each: what a single class cannot see of itself.
 * @param classes in the order in which they are tried
 * @param requireSelfHosted whether a workflow job must name `self-hosted`
 */
export function classProblems(classes: readonly RunnerClass[], requireSelfHosted: boolean): string[] {
  const found: string[] = [];
  for (const [index, later] of classes.entries()) {
    const labels = lowerCase(later);
    const twice = later.labels.filter((label, at) => labels.indexOf(label.toLowerCase()) !== at);
    if (twice.length > 0) {
      found.push(
        `class "${later.name}": names the label "${twice.join('", "')}" twice; name each label once`,
      );
    }
    // A class without labels is told of by itself.
    if (requireSelfHosted && labels.length > 0 && !labels.includes(SELF_HOSTED)) {
      found.push(
        `class "${later.name}": has no label "${SELF_HOSTED}", got ${quoted(later.labels)}, so no job could ever reach it; ` +
          `add the label, or set policy.requireSelfHostedLabel to false`,
      );
    }
    for (const earlier of classes.slice(0, index)) {
      if (sameLabels(earlier, later)) {
        found.push(
          `classes "${earlier.name}" and "${later.name}": have the same labels ${quoted(later.labels)}, so "${later.name}" ` +
            "would never get a job; give one of them a label of its own",
        );
      }
      if (earlier.job === later.job) {
        found.push(
          `classes "${earlier.name}" and "${later.name}": have the same Nomad job id "${later.job}"; leave jobId out, or give each its own`,
        );
      }
    }
  }
  return found;
}

/** What is legal between classes and seldom meant, one sentence each. */
export function classWarnings(classes: readonly RunnerClass[]): string[] {
  const found: string[] = [];
  for (const [index, later] of classes.entries()) {
    for (const earlier of classes.slice(0, index)) {
      if (sameLabels(earlier, later) || !covers(earlier, later)) continue;
      found.push(
        `Class "${earlier.name}" shadows class "${later.name}": it is tried first and its labels ${quoted(earlier.labels)} cover ` +
          `all of ${quoted(later.labels)}, so "${later.name}" gets only jobs that name exactly its labels. ` +
          `Declare "${later.name}" before "${earlier.name}".`,
      );
    }
  }
  return found;
}

function lowerCase({ labels }: RunnerClass): string[] {
  return labels.map((label) => label.toLowerCase());
}

function covers(larger: RunnerClass, smaller: RunnerClass): boolean {
  const offered = new Set(lowerCase(larger));
  return lowerCase(smaller).every((label) => offered.has(label));
}

function sameLabels(one: RunnerClass, other: RunnerClass): boolean {
  return one.labels.length > 0 && covers(one, other) && covers(other, one);
}

function quoted(labels: readonly string[]): string {
  return JSON.stringify(labels);
}
