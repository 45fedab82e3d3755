import type { Evidence, ForgedAnswer, Invariant, Violation } from "../evidence";

/** Forged deliveries change nothing, and a job that the policy refuses is never dispatched. */
export const refusals: Invariant = {
  number: 7,
  name: "forged deliveries and refused jobs get nothing",
  check: (evidence) => [
    ...evidence.forged.flatMap(answerOf),
    ...forgedOnes(evidence),
    ...refusedOnes(evidence),
  ],
};

/** A wrong signature is 401; a hostile body is refused or ignored, and no reason to fail. */
function answerOf({ kind, what, status }: ForgedAnswer): Violation[] {
  const fine =
    kind === "replayed" ||
    (kind === "unsigned" ? status === 401 : status === 200 || status === 400 || status === 503);
  return fine ? [] : [{ subject: null, what: `a delivery with a ${what} was answered ${String(status)}` }];
}

function forgedOnes({ forgedJobs, snapshot, children }: Evidence): Violation[] {
  const inLedger = [...snapshot.jobs, ...snapshot.runners].map((row) => Number(row["job_id"]));
  const atNomad = children.map(({ claim }) => claim?.job ?? 0);
  const told =
    (where: string) =>
    (id: number): Violation => ({
      subject: String(id),
      what: `job ${String(id)}, which only forged deliveries name, is ${where}`,
    });
  return [
    ...inLedger.filter((id) => forgedJobs.has(id)).map(told("in the ledger")),
    ...atNomad.filter((id) => forgedJobs.has(id)).map(told("at Nomad")),
  ];
}

function refusedOnes({ planned, snapshot, children }: Evidence): Violation[] {
  const isRefused = (id: number): boolean => planned.get(id)?.served === null;
  const requested = snapshot.runners.map((row) => Number(row["job_id"])).filter(isRefused);
  const dispatched = children.map(({ claim }) => claim?.job ?? 0).filter(isRefused);
  return [...new Set([...requested, ...dispatched])].map((id) => ({
    subject: String(id),
    what: `job ${String(id)} gets no runner by the policy, and one was requested`,
  }));
}
