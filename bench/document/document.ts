import { markdownTable } from "../../scripts/support/markdown-table";
import type { Results } from "../results";
import { count, digits, ms, spread } from "./format";
import { costs } from "./costs";
import { deliveryTables } from "./deliveries";
import { targetsOf } from "./targets";

/** How the document begins; a test holds the one that is committed to it. */
export const HEADER =
  "<!-- Written by `npm run bench` from bench/results.json. What is changed by hand is lost with the next run. -->";

/** The document of a run. */
export function performanceDocument(results: Results): string {
  return [
    HEADER,
    "",
    "# Performance",
    "",
    ...introduction(results),
    "",
    "## Targets",
    "",
    ...targets(results),
    "",
    "![Latency and throughput beside their floors](performance.svg)",
    "",
    "## Deliveries",
    "",
    ...deliveryTables(results.deliveries),
    "",
    "## From a delivery to a runner",
    "",
    ...dispatch(results),
    "",
    "## History",
    "",
    ...history(results),
    "",
    "## What a job costs",
    "",
    ...costs(results.life),
    "",
    "## Size, start and synthesis",
    "",
    ...sizes(results),
    "",
  ].join("\n");
}

function introduction({ measuredAt, command, machine, versions }: Results): readonly string[] {
  return [
    "What the Worker takes, beside floors that the same run builds: a Worker that only checks the signature (a), and one that",
    "also parses the delivery and makes one fetch (b). All of them run on workerd, each in a process of its own, reached by a",
    "socket that leads straight into them, without miniflare's proxy; D1 is miniflare's local one, kept on disk. Deliveries are",
    "GitHub's published example, signed, sent by a process of its own over kept-alive connections; GitHub and Nomad are one more",
    "process. Subjects take turns in every round, and a ratio is of two figures of one round: what else the machine does meets",
    "both. Figures are medians over rounds, with the least and the most in brackets.",
    "",
    "Absolute times are this machine's. On Cloudflare, D1 is some milliseconds of network away, and a request meets more than",
    "workerd; what carries over is the ratios, the rows and the requests.",
    "",
    `- measured ${measuredAt} by \`${command}\``,
    ...machine.map((line) => `- ${line}`),
    `- ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
  ];
}

function targets(results: Results): readonly string[] {
  return markdownTable(
    ["", "at most", "measured", "reached", "how"],
    targetsOf(results).map(({ what, limit, value, unit, reached, how }) => [
      what,
      amount(limit, unit),
      amount(value, unit),
      reached ? "yes" : "**no**",
      how,
    ]),
  );
}

function amount(value: number, unit: "×" | "ms" | "dispatches"): string {
  if (unit === "ms") return `${count(value)} ms`;
  return unit === "×" ? `${value.toFixed(2)} ×` : count(value);
}

function dispatch({ dispatch: { dispatch: sent, claim }, matrix, storm }: Results): readonly string[] {
  return [
    ...markdownTable(
      ["", "p50, ms", "p99, ms"],
      [
        ["delivery until Nomad sees its dispatch", spread(sent.p50), spread(sent.p99)],
        ["claim until its JIT config", spread(claim.p50), spread(claim.p99)],
      ],
    ),
    "",
    `A matrix of ${count(matrix.jobs)} jobs, its deliveries sent over ${count(matrix.connections)} connections: the last answer after`,
    `${spread(matrix.answeredMs)} ms, the last dispatch after ${spread(matrix.wallMs)} ms.`,
    "",
    `A storm of ${count(storm.deliveries)} deliveries, nine of ten of them repetitions, over ${count(storm.connections)} connections:`,
    `${count(storm.perSecond)} deliveries per second, ${count(storm.dispatches)} dispatches under ${count(storm.tokens)} idempotency tokens for`,
    `${count(storm.jobs)} jobs, the last after ${digits(storm.wallMs / 1000)} s.`,
  ];
}

function history({ history: sizes }: Results): readonly string[] {
  const rows = sizes.flatMap(({ jobs, steps }) =>
    Object.entries(steps).map(([step, cost]) => [
      `${step}, ${count(jobs)} past jobs`,
      spread(cost.ms),
      spread(cost.ratio),
      digits(cost.rowsRead),
      digits(cost.rowsWritten),
    ]),
  );
  const files = sizes.map(({ jobs, megabytes }) => `${count(jobs)} past jobs: ${digits(megabytes)} MB`);
  return [
    "The same steps on ledgers of different length, each with jobs and runners of the last thirteen days; rows are those that D1",
    "counts, per delivery with its dispatch, per claim and per sweep with twenty jobs waiting.",
    "",
    ...markdownTable(["", "p50, ms", "over the shortest", "rows read", "rows written"], rows),
    "",
    `${files.join(", ")}.`,
  ];
}

function sizes({ start, synthesis, deliveries }: Results): readonly string[] {
  const accepted = deliveries.series["1"].accepted.cpuMs;
  return [
    `- the bundle: ${count(start.bytes)} bytes minified, ${count(start.gzipBytes)} compressed`,
    `- from the start of a workerd process to its first answer: ${spread(start.product)} ms, floor (a) ${spread(start.floor)} ms`,
    `- CPU of an accepted delivery, everything that follows it and the local D1 included: ${accepted === null ? "not told by this system" : ms(accepted)}`,
    `- synthesis of \`main.ts\`: ${spread(synthesis.main)} ms, an empty app ${spread(synthesis.floor)} ms; by size: \`npm run bench:synth\``,
  ];
}
