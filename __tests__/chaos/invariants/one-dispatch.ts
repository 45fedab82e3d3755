import type { ChildFact, Invariant, Violation } from "../evidence";

/**
 * Nomad has one child for each ordinal, under the token of that ordinal, in the job of its class; and the ledger knows it.
 * Nomad itself makes one child of a token, so two are only there when the Worker named one ordinal in two ways.
 */
export const oneDispatch: Invariant = {
  number: 2,
  name: "no two dispatches under one ordinal",
  check: ({ children, policy, snapshot, moment }) => {
    const known = new Set(
      snapshot.runners.map((row) => `${String(row["job_id"])}:${String(row["ordinal"])}`),
    );
    const first = new Map<string, string>();
    return children.flatMap((child): Violation[] => {
      const { claim, id, token, parent } = child;
      if (claim === null) return [{ subject: id, what: `child ${id} carries no claim` }];
      const ordinal = `${String(claim.job)}:${String(claim.ordinal)}`;
      const subject = claim.job === 0 ? tokenOf(child) : String(claim.job);
      const found: Violation[] = [];
      const other = first.get(ordinal);
      if (other !== undefined)
        found.push({ subject, what: `ordinal ${ordinal} has two children: ${other} and ${id}` });
      first.set(ordinal, id);
      if (token !== tokenOf(child))
        found.push({ subject, what: `child ${id} of ordinal ${ordinal} has the token ${String(token)}` });
      const job = policy.classes.find(({ name }) => name === claim.class)?.job;
      if (job !== parent)
        found.push({ subject, what: `child ${id} of class ${claim.class} was dispatched as ${parent}` });
      // Earlier the child may be younger than what was read of the ledger; a pool's may be so at the end, too.
      if (moment === "end" && claim.job !== 0 && !known.has(ordinal)) {
        found.push({ subject, what: `child ${id} of ordinal ${ordinal} is not in the ledger` });
      }
      return found;
    });
  },
};

/** The idempotency token that an ordinal has to have. */
function tokenOf({ claim }: ChildFact): string {
  if (claim === null) return "";
  const { job, ordinal, scope, class: className } = claim;
  return job === 0 ? `pool:${scope}:${className}:${String(ordinal)}` : `${String(job)}:${String(ordinal)}`;
}
