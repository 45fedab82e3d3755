import { markdownTable } from "../scripts/support/markdown-table";
import { type Spread, spreadOf } from "./statistics";

/** What was measured of one size. */
export interface Measured {
  readonly name: string;
  readonly milliseconds: readonly number[];
  /** What the stack's checks refuse, so that it was measured without them; none for one that passes. */
  readonly refused?: string;
}

/**
 * The report as Markdown.
 * @param floor the empty app, measured in the same runs: what the others are compared with
 */
export function report(
  machine: readonly string[],
  floor: Measured,
  measured: readonly Measured[],
): readonly string[] {
  const base = spreadOf(floor.milliseconds);
  const refusals = measured.flatMap(({ name, refused }) =>
    refused === undefined ? [] : [{ name, refused }],
  );
  return [
    ...machine.map((line) => `- ${line}`),
    "",
    ...markdownTable(
      ["synthesis of", "median", "from", "to", "× the empty app"],
      [floor, ...measured].map((one) => row(one, base)),
    ),
    ...(refusals.length === 0
      ? []
      : [
          "",
          "\\* Measured without the stack's checks (`skipValidation`), which refuse it:",
          "",
          ...refusals.map(({ name, refused }) => `- ${name}: ${refused}`),
        ]),
  ];
}

function row({ name, milliseconds, refused }: Measured, base: Spread): readonly string[] {
  const { median, min, max } = spreadOf(milliseconds);
  const times = [median, min, max].map((value) => `${value.toFixed(0)} ms`);
  return [refused === undefined ? name : `${name} \\*`, ...times, (median / base.median).toFixed(2)];
}
