import { classFaults } from "./class-faults";
import type { OnDemandRunnersProps } from "./on-demand-runners-props";
import type { RepositorySelection } from "./repository-selection";
import type { RunnerJob } from "./runner-job";

/**
 * Paths within the Worker's policy whose faults are told where the user made them: a class's by its job, an empty
 * selection's by the webhooks, a missing class by the whole.
 */
export function toldElsewhere(
  { policy }: OnDemandRunnersProps,
  selection: RepositorySelection,
  jobs: readonly RunnerJob[],
): readonly string[] {
  const told = jobs.flatMap(({ runnerClass }, index) =>
    classFaults(runnerClass).map(({ path }) => `classes[${String(index)}].${path}`),
  );
  if (jobs.length === 0) told.push("classes");
  const isSelectionEmpty = policy?.repositories === undefined && selection.patterns.length === 0;
  if (isSelectionEmpty && selection.problems().length > 0) told.push("repositories");
  return told;
}
