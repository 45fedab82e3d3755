import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { MAX_BUNDLE_BYTES, PACKAGE_ROOT, buildWorker } from "../constructs/worker-bundle";

/** Where the tests and the local programs find the bundle that would be deployed. */
const TARGET = join(PACKAGE_ROOT, "dist", "worker.js");

const bundle = buildWorker();
mkdirSync(dirname(TARGET), { recursive: true });
writeFileSync(TARGET, bundle.script);
console.log(
  `${relative(PACKAGE_ROOT, TARGET)}: ${String(bundle.bytes)} bytes of ${String(MAX_BUNDLE_BYTES)} allowed, ` +
    `from ${String(bundle.sources.length)} sources, sha256 ${bundle.sha256}`,
);
