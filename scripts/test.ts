import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JestReport, summarize } from "./support/test-summary";

/** Builds the Worker (the tests run the bundle that would be deployed), runs jest and says what ran and what did not.
 *  `npm test -- <jest arguments>` runs a part of it, without the coverage thresholds, which only the whole can meet. */
function main(selection: readonly string[]): number {
  const built = run(require.resolve("tsx/cli"), ["scripts/build-worker.ts"]);
  if (built !== 0) return built;

  const scratch = mkdtempSync(join(tmpdir(), "test-report-"));
  try {
    const report = join(scratch, "report.json");
    const coverage = selection.length === 0 ? ["--coverage"] : [];
    const jest = run(require.resolve("jest/bin/jest"), [
      "--json",
      `--outputFile=${report}`,
      ...coverage,
      ...selection,
    ]);
    if (!existsSync(report)) {
      console.error("jest ended without a report: it was killed or crashed. No test counts as run.");
      return 1;
    }
    const summary = summarize(JSON.parse(readFileSync(report, "utf8")) as JestReport);
    if (selection.length > 0)
      console.log("Coverage was not measured: only a part of the tests was asked for.");
    for (const line of summary.lines) console.log(line);
    return summary.ok && jest === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): number {
  const { status, signal, error } = spawnSync(process.execPath, [program, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (error !== undefined) throw error;
  if (signal !== null) console.error(`${program} was ended by ${signal}.`);
  return status ?? 1;
}

process.exitCode = main(process.argv.slice(2));
