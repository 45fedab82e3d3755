import type { GithubStandIn } from "../../local/github/github";
import type { Loop, OutsideNomad } from "../../local/loop";
import type { LocalWorker } from "../../local/worker/edge";
import type { NomadAgent } from "./nomad-agent";
import { mentioning } from "./processes";
import { type Check, check } from "./report";
import type { Allocation, Child, RunnersNamespace, TaskState } from "./runners-namespace";
import type { ExpectedChild, Played } from "./scenes";

/** Looks at GitHub, Nomad and the machine once everything was played. */
export async function judge(
  played: readonly Played[],
  { loop, nomad, outside, agent }: Ground,
): Promise<readonly Check[]> {
  const { github, worker, secrets } = loop;
  const children = await nomad.children();
  const expected = played.flatMap((scene) => scene.children);
  const tokens = (list: readonly string[]): string => [...list].sort().join(" ");
  return [
    checkJobs(played, github),
    await checkLedger(worker, secrets.statusToken, played.flatMap(({ jobs }) => jobs).length),
    check(
      "GitHub has no runner left",
      github.runners().map(({ name }) => name),
    ),
    check(
      "Nomad has the children that had to be, and no other",
      tokens(children.map((it) => it.DispatchIdempotencyToken)) === tokens(expected.map(({ token }) => token))
        ? []
        : [children.map((it) => it.DispatchIdempotencyToken).join(", ")],
    ),
    check(
      "every child is dead",
      children.filter(({ Status }) => Status !== "dead").map(({ ID }) => ID),
    ),
    check("every allocation ended as it had to", await wrongEnds(expected, children, nomad)),
    checkCancelled(played, github),
    await checkToken(outside, children[0]?.ID ?? ""),
    check(
      "no process of an allocation is left",
      agent.data.flatMap(mentioning).map(({ pid, command }) => `${String(pid)} ${command}`),
    ),
  ];
}

interface Ground {
  readonly loop: Pick<Loop, "github" | "worker" | "secrets">;
  readonly nomad: RunnersNamespace;
  readonly outside: OutsideNomad;
  readonly agent: NomadAgent;
}

function checkJobs(played: readonly Played[], github: GithubStandIn): Check {
  const expected = played.flatMap(({ jobs }) => jobs);
  const jobs = github.jobs();
  const wrong = jobs
    .filter(({ id, conclusion }) => expected.find((it) => it.id === id)?.conclusion !== conclusion)
    .map(({ id, status, conclusion }) => `${String(id)} ${status} ${String(conclusion)}`);
  if (jobs.length !== expected.length) wrong.push(`${String(jobs.length)} jobs`);
  return check(`all ${String(expected.length)} jobs were completed at GitHub as they had to be`, wrong);
}

/** Every delivery was heard, and nothing is waiting, on the way or at work. */
async function checkLedger(worker: LocalWorker, token: string, due: number): Promise<Check> {
  const answer = await fetch(`${worker.url}/status`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  const status = (await answer.json()) as LedgerStatus;
  const wrong = [
    ...Object.keys(status.jobs).filter((state) => state !== "completed"),
    ...Object.keys(status.runners).filter((state) => !state.startsWith("ended_")),
    ...[...status.scopes, ...status.problems].map((each) => JSON.stringify(each)),
  ];
  if (status.jobs["completed"] !== due) wrong.push(`${String(status.jobs["completed"])} jobs completed`);
  return check("the ledger has every job completed, every runner ended, and no problem", wrong);
}

/** Of `/status`: states and their counts, and what is still to do. */
interface LedgerStatus {
  readonly jobs: Readonly<Record<string, number>>;
  readonly runners: Readonly<Record<string, number>>;
  readonly scopes: readonly unknown[];
  readonly problems: readonly unknown[];
}

/** A job that was cancelled while it waited costs no registration. */
function checkCancelled(played: readonly Played[], github: GithubStandIn): Check {
  const cancelled = played.flatMap(({ jobs }) => jobs).filter(({ conclusion }) => conclusion === "cancelled");
  const registered = github.events.all().flatMap((event) => {
    if (event.type !== "runner.registered") return [];
    return cancelled.some(({ id }) => event.runner.name.includes(`-${String(id)}-`))
      ? [event.runner.name]
      : [];
  });
  return check("no runner was registered for the job that was cancelled", registered);
}

async function wrongEnds(
  expected: readonly ExpectedChild[],
  children: readonly Child[],
  nomad: RunnersNamespace,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const each of expected) {
    const child = children.find((it) => it.DispatchIdempotencyToken === each.token);
    const allocations = child === undefined ? [] : await nomad.allocations(child.ID);
    const [allocation] = allocations;
    if (allocation === undefined || allocations.length > 1) {
      wrong.push(`${each.token} has ${String(allocations.length)} allocations`);
      continue;
    }
    const runner = await nomad.output(allocation.ID, "runner");
    const release = await nomad.output(allocation.ID, "release");
    const ended = endOf(allocation);
    const due = `${each.allocation}, runner ${String(each.runnerExit)}, release 0`;
    if (ended !== due) wrong.push(`${each.token}: ${ended} instead of ${due}`);
    if (!each.says.test(runner)) wrong.push(`${each.token}: the runner said ${JSON.stringify(runner)}`);
    if (!release.includes("the claim is given back"))
      wrong.push(`${each.token}: the release said ${JSON.stringify(release)}`);
  }
  return wrong;
}

function endOf({ ClientStatus, TaskStates }: Allocation): string {
  const tasks = ["runner", "release"].map((name) => `${name} ${exitOf(TaskStates?.[name])}`);
  return [ClientStatus, ...tasks].join(", ");
}

/** What a task ended with, 128 and more where a signal ended it. */
export function exitOf(state: TaskState | undefined): string {
  const terminated = state?.Events.filter(({ Type }) => Type === "Terminated").at(-1);
  if (terminated === undefined) return "without an end";
  const { ExitCode, Signal } = terminated;
  return String(Signal > 0 && ExitCode < 128 ? 128 + Signal : ExitCode);
}

/** The Worker's token may dispatch; it may see neither a payload nor that there are jobs. */
async function checkToken({ url, token, namespace }: OutsideNomad, child: string): Promise<Check> {
  const id = encodeURIComponent(child);
  const paths = ["/v1/jobs", `/v1/job/${id}`, `/v1/job/${id}/allocations`, "/v1/allocations", "/v1/nodes"];
  const wrong: string[] = [];
  for (const path of paths) {
    const headers = { Authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(10_000);
    const { status } = await fetch(`${url}${path}?namespace=${namespace}`, { headers, signal });
    if (status !== 403) wrong.push(`GET ${path} answers ${String(status)}`);
  }
  return check(`the Worker's token may neither list nor read (${String(paths.length)} times 403)`, wrong);
}
