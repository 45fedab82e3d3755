import type { World } from "./world/world";

/** Most lines of one timeline; the last ones tell what is wrong. */
const MOST = 60;

/** What happened to a job and the runners that were made for it, in order. @param subject a job's id or a runner's name */
export function timelineOf(world: World, subject: string | null): readonly string[] {
  if (subject === null) return [];
  const id = /\d{11,}/.exec(subject)?.[0];
  const about = (text: string): boolean => text.includes(id ?? subject);
  const { names, github, nomad, observer, transcript } = world;
  const lines: { readonly at: number; readonly text: string }[] = [];
  for (const event of github.events.all()) {
    if ("job" in event && String(event.job.id) === id)
      lines.push({ at: event.at, text: `GitHub: ${event.type} (runner ${event.job.runnerName ?? "none"})` });
    if ("runner" in event && about(event.runner.name))
      lines.push({ at: event.at, text: `GitHub: ${event.type} ${event.runner.name}` });
    if ("delivery" in event && String(event.delivery.jobId) === id)
      lines.push({
        at: event.at,
        text: `GitHub: ${String(event.delivery.action)} was answered ${String(event.delivery.statusCode)}`,
      });
    if (event.type === "delivery.dropped" && String(event.jobId) === id)
      lines.push({ at: event.at, text: "GitHub: a delivery was never sent" });
    if (event.type === "request" && about(event.path))
      lines.push({
        at: event.at,
        text: `GitHub: ${event.method} ${event.path} was answered ${String(event.status)}`,
      });
  }
  for (const event of nomad.events.all()) {
    if ("token" in event && about(String(event.token)))
      lines.push({
        at: event.at,
        text: `Nomad: ${event.child} dispatched${event.duplicate ? " once more" : ""}`,
      });
  }
  for (const move of observer.moves) {
    if (about(move.name))
      lines.push({
        at: move.at,
        text: `ledger: ${move.of} ${move.name} ${move.was ?? "(new)"} -> ${move.is}`,
      });
  }
  const key = id === undefined ? subject : (names.keyOf(Number(id)) ?? subject);
  lines.push(...transcript.notesOf([key, names.ofId(subject), "workerd"]));
  const sorted = lines.sort((a, b) => a.at - b.at);
  const first = sorted[0]?.at ?? 0;
  const shown = sorted.slice(-MOST).map(({ at, text }) => `${String(at - first).padStart(7)} ms  ${text}`);
  const spec = world.plan.jobs.find((job) => job.key === key)?.spec;
  return spec === undefined
    ? shown
    : [`${key} of ${spec.repository}, labels ${spec.labels.join(",")}`, ...shown];
}
