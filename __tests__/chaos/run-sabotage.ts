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

/** Seeds that are played until one shows the bug: which runner dies of it is drawn, and who comes first is not. */
const TRIES = 3;

/** Plays seeds with a bug in the Worker, until the suite has found it. */
export async function runSabotage(
  sabotage: Sabotage,
  seed: number,
  bounds: Pick<SeedOptions, "mostMs" | "stop"> = {},
): Promise<Caught> {
  const isIt = ({ invariant }: Broken): boolean => invariant.number === sabotage.invariant;
  const script = sabotaged(sabotage);
  let seconds = 0;
  for (let turn = 0; turn < TRIES; turn += 1) {
    const plan = makePlan(seed + turn, sabotage.jobs, faultSet(sabotage.faults));
    const result = await runSeed(plan, { ...bounds, script, enough: (broken) => broken.some(isIt) });
    seconds += result.seconds;
    const by = result.broken.find(isIt);
    if (by !== undefined) return { sabotage, by, seconds };
  }
  return { sabotage, by: null, seconds };
}
