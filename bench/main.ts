import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runMain } from "../scripts/support/run-main";
import { type BenchOptions, MEASURES, type MeasureName, benchOptions } from "./bench-options";
import { chart, panelsOf } from "./document/chart";
import { dataText } from "./document/data";
import { performanceDocument } from "./document/document";
import { targetsOf } from "./document/targets";
import { machineLines, ownVersion, versionOf } from "./machine";
import { measureDeliveries } from "./measures/deliveries";
import { measureDispatch, measureMatrix, measureStorm } from "./measures/dispatch";
import { measureHistory } from "./measures/history";
import { measureLife } from "./measures/life";
import { measureStart } from "./measures/start";
import { measureSynthesis } from "./measures/synthesis";
import type { Results } from "./results";
import { type Stage, startStage } from "./stage";

const ROOT = join(__dirname, "..");
const DATA = join(ROOT, "bench", "results.json");
const DOCUMENT = join(ROOT, "docs", "performance.md");
const CHART = join(ROOT, "docs", "performance.svg");

const MEASURE: { readonly [K in MeasureName]: (stage: Stage) => Promise<Results[K]> } = {
  deliveries: measureDeliveries,
  dispatch: measureDispatch,
  matrix: measureMatrix,
  storm: measureStorm,
  history: measureHistory,
  life: measureLife,
  start: measureStart,
  synthesis: measureSynthesis,
};

/**
 * `npm run bench`: measures the Worker beside its floors and writes `docs/performance.md` with its chart; `--quick` and
 * `--only` print what they measured.
 */
async function main(argv: readonly string[]): Promise<number> {
  const options = benchOptions(argv);
  if (options.render) {
    write();
    return 0;
  }
  const measured = await measureAll(options);
  if (MEASURES.some((name) => !(name in measured))) {
    console.log(JSON.stringify(measured, null, 2));
    return 0;
  }
  const results: Results = { ...head(argv), ...(measured as Pick<Results, MeasureName>) };
  if (options.write) {
    writeFileSync(DATA, dataText(results));
    write();
  } else console.log(performanceDocument(results));
  for (const { what, value, limit, unit, reached } of targetsOf(results))
    console.error(
      `${reached ? "reached" : "NOT REACHED"}: ${what}: ${value.toFixed(2)} of ${String(limit)} ${unit}`,
    );
  return 0;
}

async function measureAll({ only, quick }: BenchOptions): Promise<Partial<Results>> {
  const stage = await startStage(quick);
  const measured: Record<string, unknown> = {};
  try {
    for (const name of only) {
      const began = performance.now();
      measured[name] = await MEASURE[name](stage);
      console.error(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
    }
  } finally {
    await stage.close();
  }
  return measured;
}

function head(argv: readonly string[]): Pick<Results, "measuredAt" | "command" | "machine" | "versions"> {
  return {
    measuredAt: `${new Date().toISOString().slice(0, 16)}Z`,
    command: ["npm run bench", ...(argv.length === 0 ? [] : ["--", ...argv])].join(" "),
    machine: machineLines(),
    versions: {
      "nomad-github-runners": ownVersion(),
      Node: process.versions.node,
      ...Object.fromEntries(["workerd", "miniflare", "cdktf"].map((name) => [name, versionOf(name)])),
    },
  };
}

/** Writes the document from the data as they are kept. */
function write(): void {
  const results = JSON.parse(readFileSync(DATA, "utf8")) as Results;
  writeFileSync(DOCUMENT, performanceDocument(results));
  writeFileSync(CHART, chart(panelsOf(results)));
}

runMain(main);
