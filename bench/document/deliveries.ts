import { markdownTable } from "../../scripts/support/markdown-table";
import { type DeliveryResults, type Pace, SUBJECTS, type Subject } from "../results";
import { count, digits, spread, times } from "./format";

/** One table for each pace, with the ratios of its rounds. */
export function deliveryTables(results: DeliveryResults): readonly string[] {
  const { requests, rounds, pauseMs, bytes } = results;
  return [
    `A body has ${count(bytes)} bytes. ${count(rounds)} rounds after one uncounted.`,
    "",
    `One connection, back to back, ${count(requests["1"])} requests a round:`,
    "",
    ...table(results, "1"),
    "",
    `32 connections, ${count(requests["32"])} requests a round:`,
    "",
    ...table(results, "32"),
    "",
    `One connection, ${count(pauseMs)} ms between an answer and the next request, so that each finds the Worker at rest;`,
    `${count(requests.paced)} requests a round:`,
    "",
    ...table(results, "paced"),
  ];
}

function table({ series, ratios }: DeliveryResults, pace: Pace): readonly string[] {
  const rows = (Object.keys(SUBJECTS) as Subject[]).map((subject) => {
    const { p50, p99, perSecond, cpuMs } = series[pace][subject];
    const cpu = cpuMs === null ? "" : digits(cpuMs);
    return [
      SUBJECTS[subject],
      spread(p50),
      spread(p99),
      ...(pace === "paced" ? [] : [spread(perSecond)]),
      cpu,
    ];
  });
  const { rejected, ignored, accepted, acceptedToFetch, transactionMs, minimalMs } = ratios[pace];
  return [
    ...markdownTable(
      ["", "p50, ms", "p99, ms", ...(pace === "paced" ? [] : ["per second"]), "CPU, ms"],
      rows,
    ),
    "",
    `At p50: rejected ${times(rejected)} floor (a), ignored ${times(ignored)} floor (a), accepted ${times(acceptedToFetch)} floor (b)`,
    `and ${times(accepted)} twice floor (b) and the transaction alone. That transaction is ${spread(transactionMs)} ms, one of`,
    `\`SELECT 1\` ${spread(minimalMs)} ms: what each Worker takes more than floor (a).`,
  ];
}
