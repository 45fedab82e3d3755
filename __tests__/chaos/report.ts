import { FAULT_NAMES } from "./plan/faults";
import type { Options } from "./options";
import type { Caught } from "./run-sabotage";
import type { SeedResult } from "./run-seed";
import { markdownTable } from "../../scripts/support/markdown-table";

/** Violations that are shown of one seed; the first ones lead to the others. */
const MOST_SHOWN = 5;

/** One line about a seed. */
export function describeSeed(result: SeedResult): string {
  const { plan, jobs, completed, dispatches, deliveries, forged, kills, drainMs, seconds, broken } = result;
  const struck = [...result.struck.values()].reduce((sum, count) => sum + count, 0);
  return [
    `seed ${String(plan.seed).padStart(3)}: ${broken.length === 0 ? "all invariants hold" : `${String(broken.length)} VIOLATIONS`}`,
    `${String(jobs)} jobs (${String(completed)} over)`,
    `${String(dispatches)} dispatches`,
    `${String(deliveries)} deliveries`,
    `${String(forged)} forged`,
    `${String(struck)} calls struck`,
    `${String(kills)} kills`,
    `drained in ${String(Math.round(drainMs / 60_000))} min`,
    `${seconds.toFixed(1)} s`,
  ].join(", ");
}

/** What is wrong in a seed, with the command that plays it again. */
export function describeBroken(
  { plan, broken }: SeedResult,
  { jobs, faultList }: Pick<Options, "jobs" | "faultList">,
): readonly string[] {
  if (broken.length === 0) return [];
  const lines = broken
    .slice(0, MOST_SHOWN)
    .flatMap(({ invariant, what, timeline }) => [
      `  VIOLATED ${String(invariant.number)}, ${invariant.name}: ${what}`,
      ...timeline.map((line) => `    ${line}`),
    ]);
  if (broken.length > MOST_SHOWN) lines.push(`  and ${String(broken.length - MOST_SHOWN)} more`);
  const faults = plan.faults.size === FAULT_NAMES.length ? "all" : [...plan.faults].join(", ") || "none";
  const command = `npm run test:chaos -- --seed ${String(plan.seed)} --jobs ${String(jobs)} --faults ${faultList}`;
  return [...lines, `  faults: ${faults}`, `  replay: ${command}`];
}

/** The sum of all seeds. */
export function describeTotal(results: readonly SeedResult[], ms: number): readonly string[] {
  const sum = (of: (result: SeedResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const violated = results.filter(({ broken }) => broken.length > 0).map(({ plan }) => plan.seed);
  const seconds = ms / 1_000;
  const jobs = sum((it) => it.jobs);
  return [
    "",
    `${String(results.length)} seeds, ${String(jobs)} jobs, ${String(sum((it) => it.dispatches))} dispatches, ` +
      `${String(sum((it) => it.deliveries))} deliveries (${String(sum((it) => it.redeliveries))} of them repeated), ` +
      `${String(sum((it) => it.forged))} forged ones, ${String(sum((it) => it.recovered))} jobs found without a delivery, ` +
      `${String(sum((it) => it.kills))} kills of workerd in ${seconds.toFixed(0)} s (${(jobs / seconds).toFixed(1)} jobs/s)`,
    `struck: ${strokes(results)}`,
    violated.length === 0
      ? "no invariant was violated"
      : `INVARIANTS WERE VIOLATED in seeds ${violated.join(", ")}`,
  ];
}

/** A table of deliberate bugs: the invariant that each breaks, and whether that found it. */
export function describeSabotages(caught: readonly Caught[]): readonly string[] {
  const rows = caught.map(({ sabotage, by, seconds }) => [
    String(sabotage.invariant),
    sabotage.name,
    sabotage.bug,
    by === null ? "NOT CAUGHT" : `caught in ${seconds.toFixed(0)} s`,
  ]);
  return ["", ...markdownTable(["invariant", "sabotage", "bug", "caught"], rows)];
}

/** How often each thing broke. */
function strokes(results: readonly SeedResult[]): string {
  const sums = new Map<string, number>();
  for (const { struck } of results) {
    for (const [what, count] of struck) sums.set(what, (sums.get(what) ?? 0) + count);
  }
  const lines = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${what} ${String(count)}`);
  return lines.join(", ") || "nothing";
}
