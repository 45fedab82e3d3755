import { parseArgs } from "node:util";
import type { Json } from "./json";

export interface Options {
  /** For all targets together. */
  readonly seconds: number;
  /** Names of the targets. */
  readonly targets: readonly string[];
  readonly seed: number;
  /** Whether what fails, and what reaches new code, is written into the corpus. */
  readonly keep: boolean;
  /** One input to try, in place of a run; its target is the only one then. */
  readonly input: Json | undefined;
}

const LIMITS = { seconds: 86_400, seed: 2 ** 32 - 1 } as const;

/** @throws Error that says what is allowed */
export function fuzzOptions(argv: readonly string[], known: readonly string[], freshSeed: number): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: "string", default: "60" },
      target: { type: "string", multiple: true, default: [...known] },
      seed: { type: "string", default: String(freshSeed) },
      keep: { type: "boolean", default: false },
      input: { type: "string" },
    },
  });
  const wrong = values.target.find((one) => !known.includes(one));
  if (wrong !== undefined) throw new Error(`--target: must be one of ${known.join(", ")}, got "${wrong}".`);
  if (values.input !== undefined && values.target.length !== 1)
    throw new Error(`--input: needs the --target that it is for, one of ${known.join(", ")}.`);
  return {
    seconds: whole("seconds", values.seconds, 1),
    targets: values.target,
    seed: whole("seed", values.seed, 0),
    keep: values.keep,
    input: values.input === undefined ? undefined : decoded(values.input),
  };
}

function whole(name: keyof typeof LIMITS, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= LIMITS[name]) return value;
  throw new Error(
    `--${name}: must be a whole number from ${String(least)} to ${String(LIMITS[name])}, got "${text}".`,
  );
}

function decoded(text: string): Json {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Json;
  } catch {
    throw new Error(
      `--input: must be base64url of JSON, as a failing run prints it, got "${text.slice(0, 60)}".`,
    );
  }
}

/** The command that tries one input again, whatever shell it is pasted into. */
export function replayCommand(target: string, input: Json): string {
  return `npm run test:fuzz -- --target ${target} --input ${Buffer.from(JSON.stringify(input)).toString("base64url")}`;
}
