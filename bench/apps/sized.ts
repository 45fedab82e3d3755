import { App } from "cdktf";
import { RepositorySelection, RunnersStack } from "../../index";
import settings from "../../runners.config";

/**
 * `main.ts` at a size: the settings of `runners.config.ts` with as many named repositories and runner classes as
 * `BENCH_REPOSITORIES` and `BENCH_CLASSES` say. `BENCH_SKIP_VALIDATION=1` writes the stack even where its checks refuse it.
 */
function main(): void {
  const app = new App({ skipValidation: process.env["BENCH_SKIP_VALIDATION"] === "1" });
  new RunnersStack(app, "github-runners", {
    ...settings,
    repositories: [RepositorySelection.named(repositories(size("BENCH_REPOSITORIES")))],
    classes: classes(size("BENCH_CLASSES")),
  });
  app.synth();
}

function size(name: string): number {
  const value = Number(process.env[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name}: must be a whole number from 1, got ${JSON.stringify(process.env[name])}.`);
}

/** Names as long as names are: 10 to 20 characters beside the owner's. */
function repositories(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `your-name/repository-${numbered(index)}`);
}

/** The first class of the settings, under other names and with a label of its own: none shadows another. */
function classes(count: number): (typeof settings)["classes"] {
  const [pattern] = settings.classes;
  if (pattern === undefined) throw new Error("runners.config.ts must declare a class.");
  return Array.from({ length: count }, (_, index) => ({
    ...pattern,
    className: `class-${numbered(index)}`,
    labels: [...pattern.labels, `class-${numbered(index)}`],
  }));
}

function numbered(index: number): string {
  return String(index + 1).padStart(5, "0");
}

main();
