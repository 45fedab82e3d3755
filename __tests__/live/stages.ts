import type { GithubStandIn } from "../../local/github/github";
import { aligned } from "./report";
import type { Child, RunnersNamespace } from "./runners-namespace";
import type { Played } from "./scenes";

/** What happens to a job, in this order; each in milliseconds since it was queued. */
const STAGES = ["accepted", "dispatched", "started", "claimed", "running", "done", "gone"] as const;
type Stage = (typeof STAGES)[number];
type Times = Readonly<Partial<Record<Stage, number>>>;

/** A table of the stages, one line per scene: the median of its jobs, and the slowest where there are several. */
export async function stageTable(
  played: readonly Played[],
  github: GithubStandIn,
  nomad: RunnersNamespace,
): Promise<readonly string[]> {
  const children = await nomad.children();
  const rows: string[][] = [["ms since queued", "jobs", ...STAGES]];
  for (const { title, jobs } of played) {
    const times = await Promise.all(jobs.map(({ id }) => timesOf(id, github, children, nomad)));
    const cells = STAGES.map((stage) => cell(times.flatMap((each) => each[stage] ?? [])));
    rows.push([title, String(jobs.length), ...cells]);
  }
  return aligned(rows);
}

/** GitHub, Nomad and the Worker run on this machine, by one clock. */
async function timesOf(
  jobId: number,
  github: GithubStandIn,
  children: readonly Child[],
  nomad: RunnersNamespace,
): Promise<Times> {
  const events = github.events.all();
  const runner = github.jobs().find(({ id }) => id === jobId)?.runnerName ?? null;
  const jobEvent = (type: string): number | undefined =>
    events.find((event) => event.type === type && "job" in event && event.job.id === jobId)?.at;
  const queued = jobEvent("job.queued") ?? Number.NaN;
  // A runner serves whichever fitting job GitHub gives it: its own dispatch, start and end are told by its name.
  const token = runner === null ? `${String(jobId)}:1` : runner.split("-").slice(-2).join(":");
  const child = children.find((it) => it.DispatchIdempotencyToken === token);
  const states = child === undefined ? null : (await nomad.allocations(child.ID))[0]?.TaskStates;
  const at: Partial<Record<Stage, number | undefined>> = {
    accepted: events.find(
      (event) =>
        event.type === "delivery.answered" &&
        event.delivery.jobId === jobId &&
        event.delivery.action === "queued",
    )?.at,
    dispatched: child === undefined ? undefined : child.SubmitTime / 1e6,
    started: dateOf(states?.["runner"]?.StartedAt),
    claimed: events.find((event) => event.type === "runner.registered" && event.runner.name === runner)?.at,
    running: jobEvent("job.in_progress"),
    done: jobEvent("job.completed"),
    gone: dateOf(states?.["release"]?.FinishedAt),
  };
  const since = Object.entries(at).flatMap(([stage, time]) =>
    time === undefined || Number.isNaN(time) ? [] : [[stage, Math.round(time - queued)]],
  );
  return Object.fromEntries(since) as Times;
}

function dateOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function cell(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) return "-";
  return sorted.length === 1 ? String(median) : `${String(median)} (${String(sorted.at(-1))})`;
}
