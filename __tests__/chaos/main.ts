import { exitAfterClose } from "../../local/worker/exit";
import { type Options, parseOptions } from "./options";
import { makePlan } from "./plan/plan";
import { describeBroken, describeSeed, describeTotal } from "./report";
import { type SeedResult, runSeed } from "./run-seed";

/** Plays the seeds that the command line asks for. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const began = Date.now();
  const results: SeedResult[] = [];
  const seeds = [...options.seeds];
  const lane = async (): Promise<void> => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const result = await runSeed(makePlan(seed, options.jobs, options.faults));
      results.push(result);
      console.log(describeSeed(result));
      for (const line of describeBroken(result, options)) console.log(line);
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  for (const line of describeTotal(results, Date.now() - began)) console.log(line);
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

main(process.argv.slice(2)).then(exitAfterClose, (error: unknown) => {
  console.error(error);
  exitAfterClose(1);
});
