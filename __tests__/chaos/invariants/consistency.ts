import type { Row } from "../../../local/worker/database";
import type { Evidence, Grant, Invariant, Lease, Violation } from "../evidence";

const LIVE = ["requested", "dispatched", "claimed", "busy", "removing"];
const COUNTS = ["attempts", "looks", "ordinal", "until", "span"];
/** Kinds of problem are words of the Worker's own, so there are only so many of them. */
const MOST_PROBLEMS = 60;
const LONGEST_DETAIL = 400;

/** The ledger agrees with itself, and no limit of the policy is exceeded by what it grants and sends. */
export const consistency: Invariant = {
  number: 6,
  name: "the ledger is consistent",
  check: (evidence) => [
    ...evidence.snapshot.runners.flatMap((row) => runnerOf(row, evidence)),
    ...takenTwice(evidence.snapshot.runners),
    ...gaps(evidence.snapshot.runners),
    ...problems(evidence.snapshot.problems),
    ...evidence.grants.flatMap((grant) => beyond(evidence, grant, "granted", 1)),
    ...evidence.leases.flatMap((lease) => beyond(evidence, lease, "sent", 0)),
    ...evidence.grants
      .filter(({ paused }) => paused)
      .map(({ name }) => ({ subject: name, what: `${name} was granted in a pause` })),
  ],
};

function runnerOf(row: Row, { stack, planned, jobs }: Evidence): Violation[] {
  const name = String(row["name"]);
  const found: string[] = [];
  const isLive = LIVE.includes(String(row["state"]));
  const ended = row["state"] === "ended";
  if (!isLive && !ended) found.push(`its state is ${String(row["state"])}`);
  if ((row["live"] === 1) !== isLive)
    found.push(`it is ${String(row["state"])} and its live flag ${String(row["live"])}`);
  if (ended && (row["ended_at"] === null || row["end_reason"] === null))
    found.push("it ended without a time or a reason");
  if (isLive && row["state"] !== "removing" && row["end_reason"] !== null)
    found.push(`it is ${String(row["state"])} and ended as ${String(row["end_reason"])}`);
  for (const column of COUNTS)
    if (Number(row[column]) < 0 && column !== "until") found.push(`${column} is ${String(row[column])}`);
  const warm = row["warm"] === 1;
  const middle = warm ? "warm" : String(row["job_id"]);
  const wanted = `${stack}-${String(row["class"])}-${middle}-${String(row["ordinal"])}`;
  if (name !== wanted) found.push(`its name should be ${wanted}`);
  if (warm !== (row["job_id"] === 0)) found.push("it is a pool's and a job's at once");
  const taken = row["taken_job_id"];
  if (taken !== null && !planned.has(Number(taken)) && !jobs.some(({ id }) => id === taken)) {
    found.push(`it took job ${String(taken)}, which GitHub never had`);
  }
  if (row["state"] === "busy" && row["busy_at"] === null) found.push("it is busy since never");
  return found.map((what) => ({ subject: name, what: `runner ${name}: ${what}` }));
}

/** Two runners at work on one job. */
function takenTwice(runners: readonly Row[]): Violation[] {
  const first = new Map<string, string>();
  return runners.flatMap((row) => {
    if (row["state"] !== "busy" || row["taken_job_id"] === null) return [];
    const job = String(row["taken_job_id"]);
    const other = first.get(job);
    first.set(job, String(row["name"]));
    return other === undefined
      ? []
      : [{ subject: job, what: `job ${job} runs on ${other} and on ${String(row["name"])}` }];
  });
}

/** Ordinals of a job, and those of all pools together, are 1, 2, 3 … without a gap. */
function gaps(runners: readonly Row[]): Violation[] {
  const ordinals = new Map<string, number[]>();
  for (const row of runners) {
    const job = String(row["job_id"]);
    ordinals.set(job, [...(ordinals.get(job) ?? []), Number(row["ordinal"])]);
  }
  return [...ordinals].flatMap(([job, found]) => {
    const sorted = found.sort((a, b) => a - b);
    const whole = sorted.every((ordinal, index) => ordinal === index + 1);
    return whole ? [] : [{ subject: job, what: `job ${job} has the ordinals ${sorted.join(", ")}` }];
  });
}

function problems(rows: readonly Row[]): Violation[] {
  const found: Violation[] = [];
  if (rows.length > MOST_PROBLEMS)
    found.push({ subject: null, what: `the ledger holds ${String(rows.length)} kinds of problems` });
  for (const row of rows) {
    const kind = `${String(row["source"])} ${String(row["kind"])}`;
    if (Number(row["count"]) < 1)
      found.push({ subject: null, what: `problem ${kind} was counted ${String(row["count"])} times` });
    if (String(row["detail"]).length > LONGEST_DETAIL)
      found.push({
        subject: null,
        what: `problem ${kind} has a detail of ${String(String(row["detail"]).length)} characters`,
      });
  }
  return found;
}

/** @param own how much the runner itself adds to what was counted */
function beyond({ policy }: Evidence, counted: Grant | Lease, what: string, own: number): Violation[] {
  const found = policy.classes.find(({ name }) => name === counted.class);
  if (found === undefined)
    return [{ subject: counted.name, what: `${counted.name} is of no class of the policy` }];
  const { maxRunners: cap, maxRunnersPerRepository: share } = found;
  const told = (limit: string, most: number, got: number): Violation => ({
    subject: counted.name,
    what: `${counted.name} was ${what} as number ${String(got)} of at most ${String(most)} (${limit})`,
  });
  const all = counted.ofClass + own;
  const some = counted.ofRepository + own;
  return [
    ...(cap > 0 && all > cap ? [told("maxRunners", cap, all)] : []),
    ...(share > 0 && some > share ? [told("maxRunnersPerRepository", share, some)] : []),
  ];
}
