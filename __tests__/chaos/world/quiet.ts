import type { Evidence } from "../evidence";
import { runnerFate } from "../plan/fates";
import type { World } from "./world";

/** Runners that sleep until the end, by their names in the plan. */
export function sleepers({ plan, nomad, names }: World): readonly string[] {
  return nomad
    .children()
    .filter(({ status }) => status === "running")
    .map((child) => names.ofToken(child.token ?? ""))
    .filter((name) => runnerFate(plan, name, 0).late);
}

/**
 * Whether nothing is left to do: every job that the policy serves is over, nobody waits, and nothing runs but what a pool
 * keeps ready and what sleeps.
 */
export function isQuiet(evidence: Evidence, asleep: readonly string[]): boolean {
  const { jobs, planned, snapshot, children, registered } = evidence;
  const served = jobs.filter(({ id }) => planned.get(id)?.served !== null);
  if (served.some(({ status }) => status !== "completed")) return false;
  if (
    snapshot.jobs.some(({ state }) => state === "waiting" || state === "checking" || state === "in_progress")
  )
    return false;
  const busy = snapshot.runners.filter(
    (row) => row["live"] === 1 && row["warm"] === 0 && row["state"] !== "dispatched",
  );
  if (busy.length > 0 || registered.some(({ name }) => !name.includes("-warm-"))) return false;
  const alive = children.filter((child) => child.alive && child.claim?.job !== 0);
  return alive.length <= asleep.length;
}
