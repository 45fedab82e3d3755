import { crowdedPools } from "../crowded-pools";
import type { Evidence, Grant, Invariant, Violation } from "../evidence";

/**
 * A claim is granted only while more jobs wait than claims are taken for, or a pool has a place; when everything is over,
 * GitHub has no runner of ours that is not a pool's, and a claim that is shown then is not granted.
 */
export const noneIdle: Invariant = {
  number: 3,
  name: "no runner registered when nothing waits",
  check: (evidence) => [
    ...evidence.grants.flatMap((grant) => needless(evidence, grant)),
    ...(evidence.moment === "end" ? [...leftOver(evidence), ...lateOnes(evidence)] : []),
  ],
};

function poolSize({ policy }: Evidence, { scope, class: className }: Pick<Grant, "scope" | "class">): number {
  const pools = policy.pools.filter(
    (pool) => pool.scope.toLowerCase() === scope.toLowerCase() && pool.class === className,
  );
  return Math.max(0, ...pools.map(({ size }) => size));
}

function needless(evidence: Evidence, grant: Grant): Violation[] {
  const forJob = grant.waiting > grant.holders;
  const forPool = grant.warm && poolSize(evidence, grant) > grant.warmHolders;
  if (forJob || forPool) return [];
  const counts = `${String(grant.waiting)} jobs waited and ${String(grant.holders)} claims were taken`;
  return [{ subject: grant.name, what: `the claim of ${grant.name} was granted while ${counts}` }];
}

function leftOver(evidence: Evidence): Violation[] {
  const own = evidence.registered.filter(({ name }) => name.startsWith(`${evidence.stack}-`));
  const forJobs = own
    .filter(({ name }) => !name.includes("-warm-"))
    .map(({ name }) => ({ subject: name, what: `GitHub still has runner ${name} though nothing waits` }));
  const ofPools = crowdedPools(evidence).map(({ scope, names, size }) => ({
    subject: names[0] ?? "",
    what: `the pool of ${scope} has ${String(names.length)} runners instead of ${String(size)}`,
  }));
  return [...forJobs, ...ofPools];
}

function lateOnes({ lateClaims }: Evidence): Violation[] {
  return lateClaims
    .filter(({ runner, status }) => status === 201 && !runner.startsWith("pool:"))
    .map(({ runner }) => ({
      subject: runner,
      what: `the claim of ${runner} was granted when everything was over`,
    }));
}
