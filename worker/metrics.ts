import { type Status, quantile } from "./status";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** The text of `/metrics`.
 *  @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function metricsText({ version, view, now, daysLeft }: Status): string {
  const { loads } = view;
  const perLoad = (value: (load: (typeof loads)[number]) => number): Sample[] =>
    loads.map((load) => [{ scope: load.scope, class: load.class }, value(load)]);
  const perState = (counts: Readonly<Record<string, number>>): Sample[] =>
    Object.entries(counts).map(([state, count]) => [{ state }, count]);
  const starts = [0.5, 0.95].flatMap((share): Sample[] => {
    const ms = quantile(view.startMs, share);
    return ms === null ? [] : [[{ quantile: String(share) }, ms / 1000]];
  });
  const seconds = (since: number | null): Sample[] => (since === null ? [] : [[{}, (now - since) / 1000]]);
  return [
    family("runners_build_info", "The Worker's version.", [[{ version }, 1]]),
    family("runners_jobs_waiting", "Workflow jobs that wait for a runner.", perLoad((load) => load.waiting)),
    family("runners_on_the_way", "Runners requested, dispatched or waiting for a job.", perLoad((load) => load.onTheWay)),
    family("runners_holders", "Claims taken that have no job yet.", perLoad((load) => load.holders)),
    family("runners_busy", "Runners at work.", perLoad((load) => load.busy)),
    family("runners_ledger_jobs", "Jobs in the ledger by state, over the last 14 days.", perState(view.jobs)),
    family("runners_ledger_runners", "Runners in the ledger by state, over the last 14 days.", perState(view.runners)),
    family("runners_queued_to_running_seconds", "From queued to in_progress, newest 200 jobs.", starts),
    family("runners_oldest_waiting_seconds", "Age of the oldest job that waits.", seconds(view.oldestWaitingAt)),
    family("runners_since_sweep_seconds", "Time since the last sweep ended.", seconds(view.sweptAt)),
    family(
      "runners_problems",
      "Failed calls of the last day, by kind.",
      view.problems.map((problem) => [{ source: problem.source, kind: problem.kind }, problem.count]),
    ),
    family(
      "runners_credential_days_left",
      "Whole days until a credential ends.",
      Object.entries(daysLeft).flatMap(([credential, days]): Sample[] => (days === null ? [] : [[{ credential }, days]])),
    ),
  ].join("");
}

function family(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${render(labels)} ${String(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function render(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escape(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
