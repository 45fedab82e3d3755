import type { Results } from "../results";

/** More digits than these mean nothing of what was measured. */
const DIGITS = 6;

/** The text of `bench/results.json`, of which the document is made. */
export function dataText(results: Results): string {
  const rounded = (_: string, value: unknown): unknown =>
    typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value;
  return `${JSON.stringify(results, rounded, 2)}\n`;
}
