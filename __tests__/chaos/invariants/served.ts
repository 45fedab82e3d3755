import type { ChildFact, Evidence, Invariant, Violation } from "../evidence";

/**
 * Every job that GitHub still has queued, and the policy allows, is on its way to a runner once faults are over for
 * long enough; at the end every one was run or cancelled.
 */
export const served: Invariant = {
  number: 1,
  name: "every queued job is on its way to a runner",
  check: (evidence) => {
    if (evidence.moment === "throughout") return [];
    return evidence.moment === "settled" ? uncovered(evidence) : unfinished(evidence);
  },
};

function unfinished({ left }: Evidence): Violation[] {
  return left.map((what) => ({
    subject: /\S*\d{11}\S*/.exec(what)?.[0] ?? null,
    what: `at the end ${what}`,
  }));
}

/** Jobs and runners are counted by scope and class, never paired; so the oldest jobs that are too many are told. */
function uncovered({ jobs, planned, snapshot, children }: Evidence): Violation[] {
  const runs = new Map(children.filter(({ alive }) => alive).map((child) => [keyOf(child), true]));
  const onTheWay = new Map<string, number>();
  for (const row of snapshot.runners) {
    const place = `${String(row["scope"]).toLowerCase()} ${String(row["class"])}`;
    const comes =
      row["state"] === "requested" || runs.has(`${String(row["job_id"])}:${String(row["ordinal"])}`);
    if (row["live"] === 1 && comes) onTheWay.set(place, (onTheWay.get(place) ?? 0) + 1);
  }
  return jobs.flatMap(({ id, status }) => {
    const where = planned.get(id)?.served;
    if (status !== "queued" || where === null || where === undefined) return [];
    const place = `${where.scope.toLowerCase()} ${where.class}`;
    const left = onTheWay.get(place) ?? 0;
    onTheWay.set(place, left - 1);
    return left > 0
      ? []
      : [
          {
            subject: String(id),
            what: `job ${String(id)} waits at GitHub, and no runner of ${place} is on its way to it`,
          },
        ];
  });
}

function keyOf({ claim }: ChildFact): string {
  return claim === null ? "" : `${String(claim.job)}:${String(claim.ordinal)}`;
}
