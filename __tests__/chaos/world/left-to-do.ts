import { crowdedPools } from "../crowded-pools";
import type { Evidence } from "../evidence";

/** That a job is over nobody need learn: what counts is its runner. */
const OPEN: readonly unknown[] = ["waiting", "checking"];

/**
 * What is left to do: jobs that the policy serves and that are not over, whatever the ledger waits for, and whatever runs
 * but what a pool keeps ready and what sleeps. Empty: everything came to its end.
 * @param asleep how many runners sleep until the end
 */
export function leftToDo(evidence: Evidence, asleep: number): readonly string[] {
  const { jobs, planned, snapshot, children, registered } = evidence;
  const alive = children.filter((child) => child.alive && child.claim?.job !== 0);
  return [
    ...jobs
      .filter(({ id, status }) => status !== "completed" && planned.get(id)?.served !== null)
      .map(({ id, status }) => `job ${String(id)} is ${status} at GitHub`),
    ...snapshot.jobs
      .filter(({ state }) => OPEN.includes(state))
      .map((row) => `job ${String(row["job_id"])} is ${String(row["state"])} in the ledger`),
    ...snapshot.runners
      .filter((row) => row["live"] === 1 && row["warm"] === 0 && row["state"] !== "dispatched")
      .map((row) => `runner ${String(row["name"])} is ${String(row["state"])} in the ledger`),
    ...registered
      .filter(({ name }) => !name.includes("-warm-"))
      .map(({ name }) => `runner ${name} is registered at GitHub`),
    ...crowdedPools(evidence).map(({ scope, names }) => `the pool of ${scope} has ${names.join(" and ")}`),
    ...(alive.length > asleep ? [`${String(alive.length - asleep)} allocations run`] : []),
  ];
}
