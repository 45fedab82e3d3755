import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { MAX_BUNDLE_BYTES, PACKAGE_ROOT, buildWorker, bundleProblems } from "../constructs/worker-bundle";

/** Where the tests and the local programs find the bundle that would be deployed. */
const TARGET = join(PACKAGE_ROOT, "dist", "worker.js");

function main(): number {
  try {
    const bundle = buildWorker();
    const { script, bytes, sources, sha256 } = bundle;
    mkdirSync(dirname(TARGET), { recursive: true });
    writeFileSync(TARGET, script);
    console.log(
      `${relative(PACKAGE_ROOT, TARGET)}: ${String(bytes)} bytes of ${String(MAX_BUNDLE_BYTES)} allowed, ` +
        `from ${String(sources.length)} sources, sha256 ${sha256}`,
    );
    const problems = bundleProblems(bundle);
    for (const problem of problems) console.error(problem);
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

process.exitCode = main();
