import type { DeliveryPlan } from "../../../local/github/types";
import type { Plan } from "./plan";

/** Steps of a runner's life at which it can end. */
export const STEPS = [
  "before the claim",
  "with the claim sent",
  "after the claim",
  "idle",
  "with a job assigned",
  "in the middle of a job",
  "before the release",
] as const;
export type Step = (typeof STEPS)[number];

/** How it ends there. `crash`: its processes end, and Nomad runs the poststop task. `node`: nothing runs any more.
 *  `replaced`: the same, and Nomad places the allocation anew. `twin`: Nomad places it anew, and the old one goes on. */
export type Ending = "crash" | "node" | "replaced" | "twin";

/** What becomes of one allocation. */
export interface RunnerFate {
  /** From its placement to its first word, in milliseconds of this machine: an image, a shell. */
  readonly startMs: number;
  readonly end: { readonly step: Step; readonly how: Ending } | null;
  /** So many answers to its claim are lost. */
  readonly deafFor: number;
  /** It starts when everything else is over, as on a node that slept. */
  readonly late: boolean;
  /** Seconds by which its claim ends sooner or later; null: the claim is shown as it is. */
  readonly claimSkewSeconds: number | null;
}

/** A runner's life when nothing breaks. */
export const UNHARMED: RunnerFate = {
  startMs: 10,
  end: null,
  deafFor: 0,
  late: false,
  claimSkewSeconds: null,
};

/** @param turn 0 for a child's first allocation; those that replace it live. */
export function runnerFate(plan: Plan, runner: string, turn: number): RunnerFate {
  if (turn > 0) return UNHARMED;
  const { faults, draws } = plan;
  const random = draws.of("runner", runner);
  const [dies, place, lost, deaf, late, skewed] = Array.from({ length: 6 }, () => random.next()) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const step = STEPS[Math.floor(place * STEPS.length)] ?? "idle";
  const ending = (): RunnerFate["end"] => {
    if (faults.has("runner-death") && dies < 0.2) return { step, how: lost < 0.5 ? "crash" : "node" };
    if (faults.has("node-loss") && dies > 0.88) return { step, how: lost < 0.6 ? "replaced" : "twin" };
    return null;
  };
  return {
    startMs: random.between(1, 60),
    end: ending(),
    deafFor: faults.has("runner-deaf") && deaf < 0.08 ? 1 + Math.floor(deaf * 25) : 0,
    late: faults.has("node-loss") && late < 0.03,
    claimSkewSeconds: faults.has("clocks") ? skewOf(skewed) : null,
  };
}

const DAY_SECONDS = 86_400;
const TEN_MINUTES_SECONDS = 600;

/** @param drawn from 0 to 1: some claims ended ten minutes ago, more end up to ten minutes sooner or later */
function skewOf(drawn: number): number | null {
  if (drawn < 0.04) return -DAY_SECONDS - TEN_MINUTES_SECONDS;
  return drawn < 0.3 ? Math.round(((drawn - 0.04) / 0.13 - 1) * TEN_MINUTES_SECONDS) : null;
}

/** What becomes of a delivery. @param job its key */
export function deliveryFate(plan: Plan, job: string, action: string): DeliveryPlan {
  const { faults, draws } = plan;
  const random = draws.of("delivery", job, action);
  const [lost, doubled, late] = Array.from({ length: 3 }, () => random.next()) as [number, number, number];
  if (faults.has("delivery-drop") && lost < 0.1) return lost < 0.05 ? { drop: true } : { fail: true };
  const copies = faults.has("delivery-duplicate") && doubled < 0.15 ? random.between(2, 3) : 1;
  const delayMs = faults.has("delivery-delay") && late < 0.3 ? random.between(1, 1_500) : 0;
  return { copies, ...(delayMs > 0 ? { delayMs } : {}) };
}
