import { parseArgs } from "node:util";

export interface BenchSettings {
  /** Counted runs of each size. */
  readonly runs: number;
  /** Numbers of repositories, each with one class. */
  readonly repositories: readonly number[];
  /** Numbers of classes, each with one repository. */
  readonly classes: readonly number[];
}

/** @throws on what is no list of whole numbers from 1 */
export function benchSettings(argv: readonly string[]): BenchSettings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: "string", default: "5" },
      repositories: { type: "string", default: "1,167,1000,10000" },
      classes: { type: "string", default: "1,10,100" },
    },
  });
  const [runs, ...more] = numbers("runs", values.runs);
  if (runs === undefined || more.length > 0)
    throw new Error(`--runs: must be one number, got "${values.runs}".`);
  return {
    runs,
    repositories: numbers("repositories", values.repositories),
    classes: numbers("classes", values.classes),
  };
}

function numbers(name: string, text: string): readonly number[] {
  return text.split(",").map((part) => {
    if (/^[1-9]\d{0,5}$/.test(part.trim())) return Number(part);
    throw new Error(
      `--${name}: must be whole numbers from 1 to 999999 with commas between them, got "${text}".`,
    );
  });
}
