import { markdownTable } from "../../scripts/support/markdown-table";
import type { Cost, LifeResults } from "../results";
import { count, share } from "./format";
import { METERED, type Metered, PLANS, fitsOf, lifeOf, restPerDay } from "./limits";

/** Steps of a job's life, a day of sweeps, and how many jobs fit into each plan. */
export function costs(life: LifeResults): readonly string[] {
  const { jobs, idle } = life;
  const rest = restPerDay(life);
  const all = Object.keys(METERED) as Metered[];
  return [
    `Counted, not timed: ${count(jobs)} jobs, each in a repository of its own, which costs most, of a stack with ${count(idle.repositories)}`,
    "repositories, each with its hook. Rows are those that D1 counts, index rows included. What a delivery reads grows with the jobs",
    "that wait in its repository, not with those that are over.",
    "",
    ...markdownTable(
      ["per job", "requests", "fetches", "statements", "rows read", "rows written"],
      [
        ...Object.entries(life.steps).map(([name, cost]) => [name, ...cells(cost)]),
        ["**a whole life**", ...cells(lifeOf(life))],
        [`\`queued\` in a matrix of ${count(life.matrix.jobs)}`, ...cells(life.matrix.cost)],
        [`a sweep at rest (of ${count(idle.sweeps)})`, ...cells(idle.cost)],
      ],
    ),
    "",
    `A day of sweeps, 1,440 of them, with the search for failed deliveries, for lost jobs and for strays:`,
    `${all.map((one) => `${count(rest[one])} ${METERED[one]}`).join(", ")}. Jobs of a day that fit beside them:`,
    "",
    ...markdownTable(
      ["plan", ...all.map((one) => `by ${METERED[one]}`), "fits", "what binds"],
      fitsOf(life).map(({ plan, jobs: fit, binds }) => [
        plan,
        ...all.map((one) => count(fit[one])),
        `**${count(fit[binds])}**`,
        METERED[binds],
      ]),
    ),
    "",
    ...PLANS.map(
      ({ name, perDay }) =>
        `- ${name}: ${all.map((one) => `${count(perDay[one])} ${METERED[one]}`).join(", ")} in a day`,
    ),
    "",
    "Allowances: [Workers](https://developers.cloudflare.com/workers/platform/pricing/) and",
    "[D1](https://developers.cloudflare.com/d1/platform/pricing/); those of a month are shared out over 30 days. Subrequests are",
    "limited per invocation and not per day, and fetches are not billed.",
  ];
}

function cells({ requests, fetches, statements, rowsRead, rowsWritten }: Cost): readonly string[] {
  return [requests, fetches, statements, rowsRead, rowsWritten].map(share);
}
