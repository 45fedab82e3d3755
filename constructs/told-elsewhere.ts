import { classFaults } from "./class-faults";
import { CombinedSelection } from "./combined-selection";
import type { OnDemandRunnersProps } from "./on-demand-runners-props";
import type { RunnerJob } from "./runner-job";
import { scopesOf } from "./stack-scopes";

/**
 * Paths within the Worker's policy whose faults are told where the user made them: a class's by its job, an empty
 * selection's by the webhooks, a missing class by the whole.
 */
export function toldElsewhere(props: OnDemandRunnersProps, jobs: readonly RunnerJob[]): readonly string[] {
  const told = jobs.flatMap(({ runnerClass }, index) =>
    classFaults(runnerClass).map(({ path }) => `classes[${String(index)}].${path}`),
  );
  if (jobs.length === 0) told.push("classes");
  if (props.scopes?.length === 0) told.push("scopes");
  for (const [index, { patterns, selections, settings }] of scopesOf(props).entries()) {
    if (settings.repositories !== undefined || patterns.length > 0) continue;
    if (new CombinedSelection(selections).problems().length === 0) continue;
    told.push(props.scopes === undefined ? "repositories" : `scopes[${String(index)}].repositories`);
  }
  return told;
}
