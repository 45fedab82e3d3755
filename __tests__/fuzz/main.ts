import { relative } from "node:path";
import { runMain } from "../../scripts/support/run-main";
import { keepInput, readCorpus } from "./corpus";
import { Coverage } from "./coverage";
import { type Failure, type Target, errorOf, fuzz } from "./engine";
import { type Options, fuzzOptions, replayCommand } from "./options";
import { TARGETS } from "./targets";

/** `npm run test:fuzz`: tries every target for its share of the time. Ends with 1 when a property does not hold. */
async function main(words: readonly string[]): Promise<number> {
  const fresh = Math.floor(Math.random() * 2 ** 32);
  const options = fuzzOptions(
    words,
    TARGETS.map(({ name }) => name),
    fresh,
  );
  const targets = TARGETS.filter(({ name }) => options.targets.includes(name));
  if (options.input !== undefined) return replay(targets, options);
  console.log(`seed ${String(options.seed)}`);
  const coverage = new Coverage();
  let failed = 0;
  for (const target of targets) {
    const began = performance.now();
    const end = began + (options.seconds * 1000) / targets.length;
    const result = await fuzz(target, {
      seed: options.seed,
      goOn: () => performance.now() < end,
      coverage,
      corpus: readCorpus(target.name).map(({ input }) => input),
      ...(options.keep && { onFound: (input) => void keepInput(target.name, "reached", input) }),
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${target.name.padEnd(14)}${String(result.runs).padStart(8)} inputs in ${seconds} s, ${String(result.found)} reached new code`,
    );
    if (result.failure === null) continue;
    failed += 1;
    tell(target, result.failure, options);
  }
  coverage.stop();
  return failed === 0 ? 0 : 1;
}

function tell({ name }: Target, { input, error }: Failure, { keep }: Options): void {
  console.error(
    `FAILED  ${name}: ${error.message}\n${JSON.stringify(input, null, 2)}\n${replayCommand(name, input)}`,
  );
  if (keep) console.error(`kept as ${relative(process.cwd(), keepInput(name, "failed", input))}`);
  else console.error("--keep writes it into the corpus, where every test run tries it again");
}

async function replay(targets: readonly Target[], options: Options): Promise<number> {
  const [target] = targets;
  if (target === undefined || options.input === undefined) return 1;
  const error = await errorOf(target, options.input);
  console.log(
    error === null ? `${target.name}: every property holds` : `FAILED  ${target.name}: ${error.message}`,
  );
  return error === null ? 0 : 1;
}

runMain(main);
