import type { Loop } from "../loop";
import type { Played } from "./scenario";
import type { Row, Timeline } from "./timeline";

/** One thing the demo has to show, and whether it did. */
export interface Expectation {
  readonly text: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly seen: string;
}

export interface Totals {
  readonly jobs: number;
  readonly jobsRun: number;
  readonly jobsIgnored: number;
  readonly dispatches: number;
  readonly runnersStarted: number;
  readonly runnersLeft: number;
  readonly forgedRefused: number;
  readonly duplicatesAbsorbed: number;
  /** Of jobs that did not meet the outage; milliseconds. */
  readonly queuedToRunningP50: number;
  readonly queuedToRunningP95: number;
  readonly seconds: number;
}

export interface Report {
  readonly ok: boolean;
  readonly totals: Totals;
  readonly expectations: readonly Expectation[];
}

const MAX_SECONDS = 60;

/** Compares what happened with what has to happen. */
export function makeReport(loop: Loop, timeline: Timeline, played: Played, seconds: number): Report {
  const totals = count(loop, timeline, played, seconds);
  const expectations = [
    ...runnerExpectations(loop, timeline, played, totals),
    ...edgeExpectations(loop, timeline, played),
  ];
  expectations.push(
    expect(
      `all of it takes less than ${String(MAX_SECONDS)} s`,
      seconds < MAX_SECONDS,
      `${String(seconds)} s`,
    ),
  );
  return { ok: expectations.every(({ ok }) => ok), totals, expectations };
}

function count(loop: Loop, timeline: Timeline, played: Played, seconds: number): Totals {
  const jobs = loop.github.jobs();
  const waits = timeline
    .rows()
    .filter((row) => !played.duringOutage.includes(row.jobId))
    .flatMap(({ steps }) => (steps.running === undefined ? [] : [steps.running]));
  const registered = loop.github.events.all().filter(({ type }) => type === "runner.registered");
  const running = loop.nomad.children().filter(({ status }) => status !== "dead");
  return {
    jobs: jobs.length,
    jobsRun: jobs.filter(({ conclusion }) => conclusion === "success").length,
    jobsIgnored: timeline.rows().filter(({ ending }) => ending === "ignored").length,
    dispatches: loop.nomad.children().length,
    runnersStarted: registered.length,
    runnersLeft: Math.max(loop.github.runners().length, running.length),
    forgedRefused: played.forged.filter((status) => status === 401).length,
    duplicatesAbsorbed: timeline.row(played.duplicated).answers.length - 1,
    queuedToRunningP50: percentile(waits, 0.5),
    queuedToRunningP95: percentile(waits, 0.95),
    seconds,
  };
}

function runnerExpectations(loop: Loop, timeline: Timeline, played: Played, totals: Totals): Expectation[] {
  const wanted = [...played.fitting, played.duplicated, ...played.duringOutage, ...played.matrix];
  const succeeded = wanted.filter((id) => jobOf(loop, id)?.conclusion === "success");
  const cancelled = childrenOf(loop, played.cancelled);
  const left = cancelled.flatMap(({ allocations }) => allocations).flatMap(({ tasks }) => tasks);
  const saw410 = left.some(
    ({ name, exitCode, output }) => name === "runner" && exitCode === 0 && output.includes("410"),
  );
  const outage = played.duringOutage.map((id) => timeline.row(id));
  return [
    expect(
      "every job that fits runs",
      succeeded.length === wanted.length,
      ratio(succeeded.length, wanted.length),
    ),
    expect(
      "no job asks for more than one runner",
      wanted.every((id) => childrenOf(loop, id).length === 1),
      `${String(totals.dispatches)} dispatches`,
    ),
    expect(
      "one registration per job that ran",
      totals.runnersStarted === wanted.length,
      `${String(totals.runnersStarted)} registrations`,
    ),
    expect(
      "the cancelled job's runner leaves without registering",
      cancelled.length === 1 && saw410,
      saw410 ? "410, exit 0" : "no 410",
    ),
    expect(
      "jobs are accepted while Nomad is down, and run later",
      outage.every((row) => row.answers[0] === 202 && (row.steps.dispatched ?? 0) > 4_000),
      outage.map(dispatchedAt).join(", "),
    ),
    expect("afterwards nothing is left", totals.runnersLeft === 0, `${String(totals.runnersLeft)} runners`),
  ];
}

function edgeExpectations(loop: Loop, timeline: Timeline, played: Played): Expectation[] {
  const ignored = [played.withoutSelfHosted, played.withUnknownLabel];
  const quiet = ignored.every(
    (id) => timeline.row(id).ending === "ignored" && childrenOf(loop, id).length === 0,
  );
  const { answers } = timeline.row(played.duplicated);
  const leaks = leaked(loop);
  return [
    expect(
      "jobs without fitting labels get no runner",
      quiet,
      ignored.map((id) => timeline.row(id).note).join("; "),
    ),
    expect(
      "forged deliveries are refused",
      played.forged.length === 2 && played.forged.every((status) => status === 401),
      played.forged.join(", "),
    ),
    expect(
      "a delivery that comes three times is one job",
      answers.length === 3 && answers.every((status) => status === 202),
      answers.join(", "),
    ),
    expect("no secret is in any log", leaks.length === 0, leaks.length === 0 ? "none" : leaks.join(", ")),
  ];
}

/** What must not be read in any log, whatever its value. */
const SECRET_SHAPES: Readonly<Record<string, RegExp>> = {
  "a claim": /eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{43}/,
  // Base64 of the beginning of every JIT config.
  "a JIT config": /eyIucnVubmVyI/,
  "a signature": /sha256=[0-9a-f]{64}/,
};

/** Names of what stands in the Worker's log or in a task's output and must not. */
function leaked(loop: Loop): string[] {
  const outputs = loop.nomad
    .children()
    .flatMap(({ allocations }) => allocations.flatMap(({ tasks }) => tasks));
  const text = [...loop.worker.logs(), ...outputs.map(({ output }) => output)].join("\n");
  const values = Object.entries(loop.secrets)
    .filter(([name, value]) => name !== "appId" && name !== "appPublicKey" && text.includes(String(value)))
    .map(([name]) => name);
  const shapes = Object.entries(SECRET_SHAPES)
    .filter(([, shape]) => shape.test(text))
    .map(([name]) => name);
  return [...values, ...shapes];
}

function jobOf(loop: Loop, id: number): { readonly conclusion: string | null } | undefined {
  return loop.github.jobs().find((job) => job.id === id);
}

function childrenOf(loop: Loop, jobId: number): ReturnType<Loop["nomad"]["children"]> {
  return loop.nomad.children().filter(({ token }) => token?.startsWith(`${String(jobId)}:`) === true);
}

function dispatchedAt(row: Row): string {
  const ms = row.steps.dispatched;
  return ms === undefined ? "never dispatched" : `dispatched after ${String(ms)} ms`;
}

function expect(text: string, ok: boolean, seen: string): Expectation {
  return { text, ok, seen };
}

function ratio(some: number, all: number): string {
  return `${String(some)} of ${String(all)}`;
}

/** Nearest rank. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
