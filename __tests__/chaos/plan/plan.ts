import type { JobSpec } from "../../../local/github/types";
import type { Random } from "../../live/lifecycle/random";
import { Draws } from "./draws";
import type { FaultSet } from "./faults";
import { FORK, LISTED, OUTSIDE, POLICY, PRIVATE, UNLISTED, scopeOf } from "./settings";

/** A job of a run, and what people do to it. Times are milliseconds from the run's beginning. */
export interface PlannedJob {
  /** Its name at GitHub, by which its draws go. */
  readonly key: string;
  readonly at: number;
  readonly spec: JobSpec;
  /** Key of a job in whose workflow run it is: of its matrix, or that it runs anew. */
  readonly inRunOf: string | null;
  readonly cancelAt: number | null;
  readonly approveAt: number | null;
  /** Where a runner must come from, or null: the policy gives it none. */
  readonly served: { readonly scope: string; readonly class: string } | null;
}

/** A time in which something is not there. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** Everything that a seed decides before anything runs. */
export interface Plan {
  readonly seed: number;
  readonly faults: FaultSet;
  readonly draws: Draws;
  readonly jobs: readonly PlannedJob[];
  /** Nomad's. */
  readonly outages: readonly Outage[];
  /** When workerd is killed; some kills come with the first delivery after that time. */
  readonly kills: readonly { readonly at: number; readonly midDelivery: boolean }[];
  /** Allocations at once. */
  readonly capacity: number;
  /** By how much GitHub's clock is ahead, from the beginning to the end: no clock is put right by waiting. */
  readonly skewMs: number;
  /** Faults end then. */
  readonly endsAt: number;
}

/** How fast jobs arrive, on average. */
const PER_JOB_MS = 32;
/** Faults go on for so long after the last job came. */
const AFTER_MS = 2_500;
/** Its multiples' fractions lie evenly between 0 and 1, however many there are. */
const GOLDEN = 0.618_033_988_75;
const TEN_MINUTES_MS = 600_000;

export function makePlan(seed: number, count: number, faults: FaultSet): Plan {
  const draws = new Draws(seed);
  const span = count * PER_JOB_MS;
  const jobs = planJobs(draws, count, span);
  const random = draws.of("plan");
  const outages: Outage[] = [];
  if (faults.has("nomad-down")) {
    const from = span * (0.2 + 0.4 * random.next());
    outages.push({ from, to: from + Math.min(3_000, Math.max(600, span / 4)) });
  }
  for (let turn = 0; faults.has("nomad-refuse") && turn < 3; turn += 1) {
    const from = span * random.next();
    outages.push({ from, to: from + random.between(50, 400) });
  }
  const kills = Array.from({ length: faults.has("worker-kill") ? random.between(1, 2) : 0 }, () => ({
    at: span * (0.1 + 0.9 * random.next()),
    midDelivery: random.next() < 0.5,
  }));
  return {
    ...{ seed, faults, draws, jobs, outages },
    kills: kills.sort((a, b) => a.at - b.at),
    capacity: random.between(12, 60),
    skewMs: faults.has("clocks") ? random.pick([-1, 1]) * random.between(60_000, TEN_MINUTES_MS) : 0,
    endsAt: span + AFTER_MS,
  };
}

function planJobs(draws: Draws, count: number, span: number): PlannedJob[] {
  const jobs: PlannedJob[] = [];
  const offset = draws.of("kinds").next();
  for (let index = 0; jobs.length < count; index += 1) {
    const random = draws.of("job", index);
    const at = span * random.next();
    // Not by chance: so each kind of job comes in a short run, too.
    const kind = (offset + index * GOLDEN) % 1;
    const first = planJob(random, `j${String(index)}`, at, kind);
    jobs.push(first);
    // A matrix: its jobs come at once, in one run.
    const more = random.next() < 0.06 ? random.between(2, 12) : 0;
    for (let turn = 1; turn <= more && jobs.length < count; turn += 1) {
      jobs.push({
        ...first,
        key: `${first.key}m${String(turn)}`,
        inRunOf: first.key,
        spec: { ...first.spec, name: `${first.key}m${String(turn)}` },
      });
    }
    if (random.next() < 0.05 && jobs.length < count) {
      const key = `${first.key}r`;
      jobs.push({
        ...first,
        key,
        at: at + 1_000,
        inRunOf: first.key,
        cancelAt: null,
        approveAt: first.approveAt === null ? null : first.approveAt + 1_000,
        spec: { ...first.spec, name: key },
      });
    }
  }
  return jobs;
}

/** @param kind from 0 to 1: what is special about it */
function planJob(random: Random, key: string, at: number, kind: number): PlannedJob {
  const repository = random.pick([...PRIVATE, "octo-org/app", LISTED]);
  const runnerClass = random.pick([...POLICY.classes, ...POLICY.classes.slice(0, 1)]);
  const runMs = random.between(5, 150);
  const base: PlannedJob = {
    ...{ key, at, inRunOf: null, cancelAt: null, approveAt: null },
    spec: { repository, labels: runnerClass.labels, name: key, runMs },
    served: { scope: scopeOf(repository), class: runnerClass.name },
  };
  const refused = (change: Partial<JobSpec>): PlannedJob => ({
    ...base,
    served: null,
    spec: { ...base.spec, ...change },
  });
  if (kind < 0.06) return { ...base, cancelAt: at + random.between(0, 400) };
  if (kind < 0.09) return { ...base, cancelAt: at + random.between(400, 2_500) };
  if (kind < 0.12)
    return { ...base, approveAt: at + random.between(50, 1_500), spec: { ...base.spec, waiting: true } };
  if (kind < 0.15) return refused({ labels: ["self-hosted", "windows"] });
  if (kind < 0.17) return refused({ labels: ["linux", "x64"] });
  if (kind < 0.2) return refused({ repository: UNLISTED });
  if (kind < 0.22) return refused({ repository: OUTSIDE });
  if (kind < 0.26) return refused({ repository: LISTED, headRepository: FORK });
  return base;
}
