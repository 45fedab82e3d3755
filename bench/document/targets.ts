import type { HistoryResults, Results } from "../results";

/** A number that the product is to keep, and what was measured. */
export interface Target {
  readonly what: string;
  /** At most. */
  readonly limit: number;
  readonly value: number;
  readonly unit: "×" | "ms" | "dispatches";
  readonly reached: boolean;
  /** How the value came about. */
  readonly how: string;
}

/** The targets in the order of the document; the figures decide which are reached. */
export function targetsOf({ deliveries, matrix, storm, history }: Results): readonly Target[] {
  const { "1": oneByOne, paced } = deliveries.ratios;
  return [
    atMost("a rejected delivery over floor (a)", 1.2, oneByOne.rejected.median, "×", "p50, back to back"),
    atMost(
      "an accepted delivery over 2 × floor (b) and its transaction alone",
      1,
      paced.accepted.median,
      "×",
      "p50, each sent when the one before is over, its dispatch included, as floor (b)'s is when it answers",
    ),
    atMost(
      "the same back to back: while the dispatch of the one before is under way",
      1,
      oneByOne.accepted.median,
      "×",
      "p50",
    ),
    atMost(
      `a matrix of ${String(matrix.jobs)} jobs until the last dispatch`,
      3_000,
      matrix.wallMs.median,
      "ms",
      `over ${String(matrix.connections)} connections`,
    ),
    {
      ...atMost(
        `dispatches of a storm with ${storm.jobs.toLocaleString("en")} jobs`,
        storm.jobs,
        storm.dispatches,
        "dispatches",
        `${storm.deliveries.toLocaleString("en")} deliveries`,
      ),
      reached: storm.dispatches === storm.jobs && storm.tokens === storm.jobs,
    },
    ...growth(history),
  ];
}

function growth(history: readonly HistoryResults[]): readonly Target[] {
  const [first, last] = [history[0], history.at(-1)];
  if (first === undefined || last === undefined) return [];
  const sizes = `${last.jobs.toLocaleString("en")} past jobs over ${first.jobs.toLocaleString("en")}`;
  const { delivery, claim, sweep } = last.steps;
  const figures = [
    [`a delivery with ${sizes}`, delivery.ratio.median],
    [`a claim with ${sizes}`, claim.ratio.median],
    [`a sweep with ${sizes}`, sweep.ratio.median],
  ] as const;
  return figures.map(([what, value]) => atMost(what, 1.2, value, "×", "p50"));
}

function atMost(what: string, limit: number, value: number, unit: Target["unit"], how: string): Target {
  return { what, limit, value, unit, how, reached: value <= limit };
}
