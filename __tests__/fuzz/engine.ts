import * as fc from "fast-check";
import { Random } from "../live/lifecycle/random";
import type { Coverage } from "./coverage";
import type { Json } from "./json";
import { mutate } from "./mutate";
import { shrink } from "./shrink";

/** One thing that is fuzzed. */
export interface Target {
  /** Name of its directory in the corpus, too. */
  readonly name: string;
  /** Makes inputs that are nearly right, or right. */
  readonly inputs: fc.Arbitrary<Json>;
  /** Published and recorded inputs, read where they are. */
  readonly seeds: () => readonly Json[];
  /** Tries one input, whatever it is. @throws when a property does not hold */
  readonly check: (input: Json) => Promise<void> | void;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Asked before each batch. */
  readonly goOn: (runs: number) => boolean;
  /** Tells which inputs reach new code; null: none is kept, everything is made from the seeds. */
  readonly coverage: Coverage | null;
  /** What the run begins with, beside the target's seeds. */
  readonly corpus: readonly Json[];
  /** Called with each input that reached new code, made small; left out, they are kept as they are. */
  readonly onFound?: (input: Json) => void;
}

export interface Failure {
  readonly input: Json;
  readonly error: Error;
}

export interface FuzzResult {
  readonly runs: number;
  /** Inputs that reached new code beyond seeds and corpus. */
  readonly found: number;
  readonly failure: Failure | null;
}

const BATCH = 64;

/** So many tries go into making an input small that is kept for what it reaches. */
const FOUND_TRIES = 300;

/**
 * Tries a target with its seeds, its corpus, and then with what is generated or made of those by mutation, until a
 * property does not hold or `goOn` says no. The failing input is made as small as it can be.
 */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const random = new Random(options.seed);
  const pool: Json[] = [...target.seeds(), ...options.corpus];
  let runs = 0;
  const attempt: Attempt = async (inputs) => {
    for (const input of inputs) {
      runs += 1;
      const error = await errorOf(target, input);
      if (error !== null) return { input, error };
    }
    return null;
  };
  const known = pool.length;
  let failure = await attempt(pool);
  options.coverage?.keep();
  while (failure === null && options.goOn(runs)) {
    const batch = nextBatch(target, random, pool);
    failure = await attempt(batch);
    if (failure === null && options.coverage?.isNew() === true)
      pool.push(...(await reachingNew(batch, attempt, options.coverage, options.onFound)));
  }
  if (failure !== null) failure = await smallestFailure(target, failure);
  return { runs, found: pool.length - known, failure };
}

/** Tries inputs up to the first that fails. */
type Attempt = (inputs: readonly Json[]) => Promise<Failure | null>;

/** Those of a batch that reach new code, each beyond those before it. Asking V8 takes longer than most inputs do, so the
 *  batch is halved until one is left. */
async function reachingNew(
  inputs: readonly Json[],
  attempt: Attempt,
  coverage: Coverage,
  onFound: FuzzOptions["onFound"],
): Promise<readonly Json[]> {
  const reachesNew = async (...some: readonly Json[]): Promise<boolean> => {
    await attempt(some);
    return coverage.isNew();
  };
  if (!(await reachesNew(...inputs))) return [];
  const [input, ...more] = inputs;
  if (input === undefined) return [];
  if (more.length > 0) {
    const half = inputs.length >> 1;
    const left = await reachingNew(inputs.slice(0, half), attempt, coverage, onFound);
    return [...left, ...(await reachingNew(inputs.slice(half), attempt, coverage, onFound))];
  }
  const kept = onFound === undefined ? input : await shrink(input, reachesNew, FOUND_TRIES);
  await attempt([kept]);
  if (!coverage.keep()) return [];
  onFound?.(kept);
  return [kept];
}

function nextBatch(target: Target, random: Random, pool: readonly Json[]): readonly Json[] {
  const seed = random.between(0, 2 ** 31);
  const generated = fc.sample(target.inputs, { numRuns: BATCH / 2, seed });
  const mutated = generated.map((one) =>
    mutate(pool.length > 0 ? random.pick(pool) : one, random, [...pool, one]),
  );
  return [...generated, ...mutated];
}

/** Tries one input. @returns null when every property holds */
export async function errorOf(target: Target, input: Json): Promise<Error | null> {
  try {
    await target.check(input);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Small, and failing as the first one did: by the same words before a colon. */
async function smallestFailure(target: Target, { input, error }: Failure): Promise<Failure> {
  const kind = kindOf(error);
  const small = await shrink(input, async (candidate) => {
    const again = await errorOf(target, candidate);
    return again !== null && kindOf(again) === kind;
  });
  return { input: small, error: (await errorOf(target, small)) ?? error };
}

function kindOf({ name, message }: Error): string {
  return `${name} ${message.split(":", 1)[0] ?? ""}`;
}
