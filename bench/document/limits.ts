import type { Cost, LifeResults } from "../results";

/** Sweeps of a day: one a minute. */
const SWEEPS_PER_DAY = 1_440;
const DAYS_PER_MONTH = 30;

/** What a plan allows in a day, of what a job uses. */
export interface Plan {
  readonly name: string;
  readonly perDay: Readonly<Record<Metered, number>>;
}

export type Metered = "requests" | "rowsRead" | "rowsWritten";

export const METERED: Readonly<Record<Metered, string>> = {
  requests: "Worker requests",
  rowsRead: "D1 rows read",
  rowsWritten: "D1 rows written",
};

/**
 * Allowances of a day; the paid plan's are those of a month that cost nothing more, shared out over thirty days.
 * @see https://developers.cloudflare.com/workers/platform/pricing/
 * @see https://developers.cloudflare.com/d1/platform/pricing/
 */
export const PLANS: readonly Plan[] = [
  { name: "free", perDay: { requests: 100_000, rowsRead: 5_000_000, rowsWritten: 100_000 } },
  {
    name: "paid, included",
    perDay: {
      requests: 10_000_000 / DAYS_PER_MONTH,
      rowsRead: 25_000_000_000 / DAYS_PER_MONTH,
      rowsWritten: 50_000_000 / DAYS_PER_MONTH,
    },
  },
];

/** The whole life of a job, all steps together. */
export function lifeOf({ steps }: LifeResults): Cost {
  const sum = (of: keyof Cost): number => Object.values(steps).reduce((total, step) => total + step[of], 0);
  return {
    requests: sum("requests"),
    fetches: sum("fetches"),
    statements: sum("statements"),
    rowsRead: sum("rowsRead"),
    rowsWritten: sum("rowsWritten"),
  };
}

/** What sweeps cost in a day without a job. A cron's invocation counts as a request. */
export function restPerDay({ idle }: LifeResults): Readonly<Record<Metered, number>> {
  const { requests, rowsRead, rowsWritten } = idle.cost;
  return {
    requests: requests * SWEEPS_PER_DAY,
    rowsRead: rowsRead * SWEEPS_PER_DAY,
    rowsWritten: rowsWritten * SWEEPS_PER_DAY,
  };
}

export interface Fit {
  readonly plan: string;
  /** Jobs per day by what each allowance leaves beside the sweeps. */
  readonly jobs: Readonly<Record<Metered, number>>;
  /** The allowance that is used up first. */
  readonly binds: Metered;
}

/** How many jobs of a day fit into each plan. */
export function fitsOf(life: LifeResults): readonly Fit[] {
  const perJob = lifeOf(life);
  const rest = restPerDay(life);
  return PLANS.map(({ name, perDay }) => {
    const fit = (of: Metered): number => Math.max(0, Math.floor((perDay[of] - rest[of]) / perJob[of]));
    const jobs = { requests: fit("requests"), rowsRead: fit("rowsRead"), rowsWritten: fit("rowsWritten") };
    const all = Object.keys(METERED) as Metered[];
    const binds = all.reduce((least, one) => (jobs[one] < jobs[least] ? one : least));
    return { plan: name, jobs, binds };
  });
}
