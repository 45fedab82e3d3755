import { readFileSync } from "node:fs";
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import { type Measured, report } from "./report";
import { type BenchSettings, benchSettings } from "./settings";
import { largestThatFits } from "./statistics";
import { type Synthesis, synthesis, synthesize } from "./synthesis";

const SIZED = "bench/apps/sized.ts";
/** One line of what a refused synthesis writes: the check's sentence. */
const REFUSAL = /policy: must be at most.*/;

/**
 * `npm run bench:synth`: how long a synthesis takes, by the number of repositories and of classes. Every size runs once
 * uncounted, for warm caches; then all sizes take turns, so that what the machine does meanwhile meets all alike.
 */
function main(argv: readonly string[]): number {
  const settings = benchSettings(argv);
  const floor = synthesis("an empty app", "bench/apps/floor.ts");
  const chosen = sizes(settings).map(passing);
  const all = [floor, ...chosen.map(({ one }) => one)];
  const milliseconds = all.map((): number[] => []);
  for (let round = -1; round < settings.runs; round++) {
    console.error(round < 0 ? "warming up" : `run ${String(round + 1)} of ${String(settings.runs)}`);
    all.forEach((one, index) => {
      const outcome = synthesize(one);
      if (outcome.failure !== undefined) throw new Error(`${one.name} failed:\n${outcome.failure}`);
      if (round >= 0) milliseconds[index]?.push(outcome.milliseconds);
    });
  }
  const [first = [], ...rest] = milliseconds;
  const measured: readonly Measured[] = chosen.map(({ one, refused }, index) => ({
    name: one.name,
    milliseconds: rest[index] ?? [],
    ...(refused !== undefined && { refused }),
  }));
  const lines = report(machine(settings), { name: floor.name, milliseconds: first }, measured);
  console.log([...lines, ...fitting(chosen, settings)].join("\n"));
  return 0;
}

function sizes({ repositories, classes }: BenchSettings): readonly Synthesis[] {
  return [
    synthesis("main.ts", "main.ts"),
    { name: "main.ts by npx", command: ["npx", "tsx", "main.ts"], environment: {} },
    ...repositories.map((count) =>
      sized(`${plural(count, "repository", "repositories")}, 1 class`, count, 1),
    ),
    // One of each is measured above.
    ...classes
      .filter((count) => count > 1 || !repositories.includes(1))
      .map((count) => sized(`1 repository, ${plural(count, "class", "classes")}`, 1, count)),
  ];
}

function sized(name: string, repositories: number, classes: number): Synthesis {
  return synthesis(name, SIZED, {
    BENCH_REPOSITORIES: String(repositories),
    BENCH_CLASSES: String(classes),
  });
}

interface Chosen {
  readonly one: Synthesis;
  readonly refused?: string;
}

/** The size as it is, or without the stack's checks where they refuse it, with what they say. */
function passing(one: Synthesis): Chosen {
  const { failure } = synthesize(one);
  if (failure === undefined) return { one };
  const [refused] = REFUSAL.exec(failure) ?? [];
  if (refused === undefined) throw new Error(`${one.name} failed:\n${failure}`);
  return { one: { ...one, environment: { ...one.environment, BENCH_SKIP_VALIDATION: "1" } }, refused };
}

/** How many classes pass the checks, where one of the sizes does not. */
function fitting(chosen: readonly Chosen[], { classes }: BenchSettings): readonly string[] {
  if (chosen.every(({ refused }) => refused === undefined)) return [];
  const limit = Math.max(...classes);
  const count = largestThatFits(limit, (value) => synthesize(sized("", 1, value)).failure === undefined);
  return [
    "",
    `Up to ${String(count)} classes of this kind (one repository, four labels each) pass the checks.`,
  ];
}

function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** What the numbers depend on. */
function machine({ runs }: BenchSettings): readonly string[] {
  const processors = cpus();
  const versions = ["cdktf", "constructs", "tsx", "esbuild"].map((name) => `${name} ${versionOf(name)}`);
  return [
    `${String(processors.length)} × ${processors[0]?.model.trim() ?? "unknown processor"}, ${type()} ${release()}`,
    `Node ${process.versions.node}, ${versions.join(", ")}`,
    `median of ${plural(runs, "run", "runs")} after one uncounted, from the start of the process to its end`,
  ];
}

function versionOf(name: string): string {
  const file = join(__dirname, "..", "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`npm run bench:synth: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
