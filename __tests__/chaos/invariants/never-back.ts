import type { Invariant, Move, Violation } from "../evidence";

/** How far a job's state is; what has several names for one stage may change among them. */
const STAGE: Readonly<Record<string, number>> = {
  checking: 0,
  waiting: 0,
  parked: 0,
  expired: 0,
  refused: 0,
  in_progress: 1,
  completed: 2,
};

/** Ends after which a runner may come back: nobody was sent, or it was believed so. */
const TAKEN_BACK = "ended unneeded";

/** A job's state never goes back, and a runner that ended stays ended unless it was only taken back. */
export const neverBack: Invariant = {
  number: 4,
  name: "no state goes back",
  check: ({ moves }) => moves.flatMap((move) => (move.of === "job" ? jobMove(move) : runnerMove(move))),
};

function jobMove({ name, was, is }: Move): Violation[] {
  const stage = STAGE[is];
  const before = was === null ? 0 : STAGE[was];
  if (stage === undefined || before === undefined)
    return [{ subject: name, what: `job ${name} went from ${String(was)} to ${is}, which is no state` }];
  if (stage < before) return [{ subject: name, what: `job ${name} went back from ${String(was)} to ${is}` }];
  // Only a delivery or GitHub's own word on its run lets a refused job go on, and then it runs.
  if (was === "refused" && stage === 0)
    return [{ subject: name, what: `job ${name} was refused and is ${is} now` }];
  return [];
}

function runnerMove({ name, was, is }: Move): Violation[] {
  const ended = was?.startsWith("ended") === true && was !== TAKEN_BACK;
  return ended && !is.startsWith("ended")
    ? [{ subject: name, what: `runner ${name} was ${was} and is ${is} again` }]
    : [];
}
