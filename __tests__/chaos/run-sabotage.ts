import { faultSet } from "./plan/faults";
import { makePlan } from "./plan/plan";
import { type Broken, type SeedOptions, runSeed } from "./run-seed";
import { type Sabotage, sabotaged } from "./sabotages";

/** Whether a bug was found, and by what. */
export interface Caught {
  readonly sabotage: Sabotage;
  /** The first violation of the invariant that the bug breaks; null: it was not found. */
  readonly by: Broken | null;
  readonly seconds: number;
}

/** Plays a seed with a bug in the Worker, until the suite has found it or everything is over. */
export async function runSabotage(
  sabotage: Sabotage,
  seed: number,
  bounds: Pick<SeedOptions, "mostMs" | "stop"> = {},
): Promise<Caught> {
  const isIt = ({ invariant }: Broken): boolean => invariant.number === sabotage.invariant;
  const plan = makePlan(seed, sabotage.jobs, faultSet(sabotage.faults));
  const result = await runSeed(plan, {
    script: sabotaged(sabotage),
    ...bounds,
    enough: (broken) => broken.some(isIt),
  });
  return { sabotage, by: result.broken.find(isIt) ?? null, seconds: result.seconds };
}
