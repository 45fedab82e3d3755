import { parseArgs } from "node:util";

/** What can be measured by itself, in the order in which it is. */
export const MEASURES = [
  "deliveries",
  "dispatch",
  "matrix",
  "storm",
  "history",
  "life",
  "start",
  "synthesis",
] as const;

export type MeasureName = (typeof MEASURES)[number];

export interface BenchOptions {
  readonly only: readonly MeasureName[];
  /** Few rounds of little, for a first look. */
  readonly quick: boolean;
  /** Whether the document and its data are written. */
  readonly write: boolean;
  /** Measures nothing and writes the document from its data. */
  readonly render: boolean;
}

/** @throws Error that says what is allowed */
export function benchOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      render: { type: "boolean", default: false },
    },
  });
  const { quick, write, render } = values;
  if (render && (quick || write || values.only !== undefined))
    throw new Error("--render: measures nothing, so it stands alone.");
  if (write && values.only !== undefined)
    throw new Error("--write: the document needs all measures, so it cannot go with --only.");
  const only = values.only === undefined ? MEASURES : values.only.split(",").map(measureName);
  return { only, quick, write: write || (!quick && values.only === undefined), render };
}

function measureName(text: string): MeasureName {
  const found = MEASURES.find((name) => name === text.trim());
  if (found === undefined)
    throw new Error(`--only: must be of ${MEASURES.join(", ")}, with commas between them, got "${text}".`);
  return found;
}
