import { ARCHITECTURE_ATTRIBUTE, NODE_ARCHITECTURES } from "./placement";
import type { ResolvedRunnerJob } from "./runner-job-props";
import type { RunnerArchitecture } from "./runner-release";

const LABELS = Object.keys(NODE_ARCHITECTURES) as RunnerArchitecture[];

/** What is wrong between a class's architecture, its labels and its archive, one sentence each. */
export function architectureProblems({ architecture, driver, labels }: ResolvedRunnerJob): string[] {
  if (architecture === undefined) return [];
  const found: string[] = [];
  const other = LABELS.find((label) => label !== architecture && has(labels, label));
  if (other !== undefined) {
    found.push(
      `labels: must not name another architecture than the class's (${architecture}), got "${other}"; its jobs would fail`,
    );
  }
  const archived = /actions-runner-linux-([a-z0-9]+)-/.exec(driver.variables.archive_url)?.[1];
  if (archived !== undefined && archived !== architecture) {
    found.push(
      `driver: archive must be for the class's architecture (${architecture}), got one for ${archived}; take ` +
        `RUNNER_RELEASE.archives.${architecture}`,
    );
  }
  return found;
}

/** What is legal between them and seldom meant, one sentence each. */
export function architectureWarnings({
  architecture,
  className,
  constraints,
  labels,
}: ResolvedRunnerJob): string[] {
  if (architecture !== undefined) {
    if (has(labels, architecture)) return [];
    return [
      `Class "${className}" runs on ${architecture} and has no label "${architecture}", got ${JSON.stringify(labels)}: a workflow ` +
        "that names the architecture gets no runner of it. Add the label.",
    ];
  }
  const named = LABELS.find((label) => has(labels, label));
  if (named === undefined || constraints.some(({ attribute }) => attribute === ARCHITECTURE_ATTRIBUTE))
    return [];
  return [
    `Class "${className}" has the label "${named}" and runs on nodes of any architecture. Set architecture to "${named}".`,
  ];
}

function has(labels: readonly string[], label: string): boolean {
  return labels.some((it) => it.toLowerCase() === label);
}
