import { exitAfterClose } from "../../local/worker/exit";
import { type Options, parseOptions } from "./options";
import { makePlan } from "./plan/plan";
import { describeBroken, describeSabotages, describeSeed, describeTotal } from "./report";
import { type Caught, runSabotage } from "./run-sabotage";
import { type SeedResult, runSeed } from "./run-seed";

/** Plays the seeds that the command line asks for. @returns the exit code */
async function main(args: readonly string[], stop: AbortSignal): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  return options.sabotages.length > 0 ? playSabotages(options, stop) : playSeeds(options, stop);
}

async function playSeeds(options: Options, stop: AbortSignal): Promise<number> {
  const began = Date.now();
  const results: SeedResult[] = [];
  const seeds = [...options.seeds];
  const lane = async (): Promise<void> => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const result = await runSeed(makePlan(seed, options.jobs, options.faults), { stop });
      results.push(result);
      console.log(describeSeed(result));
      for (const line of describeBroken(result, options)) console.log(line);
    }
  };
  // Each lane clears away what it started, also when another one has failed.
  const lanes = await Promise.allSettled(Array.from({ length: options.lanes }, lane));
  for (const one of lanes) if (one.status === "rejected") throw one.reason;
  for (const line of describeTotal(results, Date.now() - began)) console.log(line);
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

/** @returns 1 when a bug was not found by the invariant that it breaks */
async function playSabotages({ sabotages, seeds }: Options, stop: AbortSignal): Promise<number> {
  const caught: Caught[] = [];
  for (const sabotage of sabotages) {
    caught.push(await runSabotage(sabotage, seeds[0] ?? 1, { stop }));
    console.log(`${sabotage.name}: ${caught.at(-1)?.by?.what ?? "NOT CAUGHT"}`);
  }
  for (const line of describeSabotages(caught)) console.log(line);
  return caught.every(({ by }) => by !== null) ? 0 : 1;
}

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error(`ended by ${signal}`));
  });
}

main(process.argv.slice(2), interrupted.signal).then(exitAfterClose, (error: unknown) => {
  console.error(error);
  exitAfterClose(1);
});
