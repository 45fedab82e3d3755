import type { ClaimGranted } from "../../../contracts/claim";
import type { GithubEvent } from "../../../local/github/types";
import type { Variables } from "../../../local/nomad/jobspec";
import { type Check, holds, notHere } from "../report";
import { type Neighbours, startNeighbours } from "./neighbours";
import type { ClaimCall } from "./claim-gateway";
import { type ProbeReport, startCollector } from "./collector";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";
import { githubApi, nomadApis, probeScript, workerApi } from "./probe-orders";
import { plant } from "./plants";
import { judgeAnswers, judgeSearch } from "./secrecy-verdict";
import type { NamedSecret, Piece } from "./secret-search";

const JOB_MS = 120_000;

/** A claim that was granted, as only the runner's script ever sees it. */
interface Granted {
  readonly call: ClaimCall;
  readonly given: ClaimGranted;
}

/** What a workflow job that looks for secrets finds on its node, as a user without rights under raw_exec. */
export async function playSecrecy(world: World): Promise<readonly Check[]> {
  if (world.stranger === null)
    return [
      notHere(
        "a job that looks for secrets finds none",
        "only root can give a runner a user of its own, and that is nobody here",
      ),
    ];
  return lookForSecrets(world, "secrecy", { user: world.stranger }, false);
}

/**
 * Has a workflow job look for secrets in a place of its own.
 * @param variables of the class's job
 * @param isolated whether the driver keeps tasks apart: then another runner has a job meanwhile, and nothing of it nor of
 *   the node may be in sight. Without it, runners with one user can read each other
 */
export async function lookForSecrets(
  world: World,
  name: string,
  variables: Variables,
  isolated: boolean,
): Promise<readonly Check[]> {
  const place = await startPlace(world, { name, jobVariables: variables });
  const neighbours = await startNeighbours(world);
  try {
    return await probe(world, place, neighbours, isolated);
  } finally {
    await neighbours.close();
    await place.close();
  }
}

async function probe(
  world: World,
  place: Place,
  neighbours: Neighbours,
  isolated: boolean,
): Promise<readonly Check[]> {
  const granted: Granted[] = [];
  place.gateway.intercept({
    arrived: () => Promise.resolve(true),
    answered: (call, _status, given) => {
      if (given !== null) granted.push({ call, given });
      return Promise.resolve(true);
    },
  });
  const planted = await plant(world);
  const collector = await startCollector();
  try {
    // Nomad has its child for as long as the next one looks around.
    const first = await start(place, isolated ? "sleep 300" : "true");
    if (!isolated) await ended(place, first);
    const child = await place.nomad.child(`${String(first)}:1`);
    const orders = {
      collector: collector.url,
      directories: [
        planted.file,
        world.ground,
        ...world.agent.data,
        "/etc",
        "/root",
        "/home",
        "/tmp",
        "/run",
      ],
      apis: [
        ...nomadApis(portOf(world.agent.url), place.namespace, "github-runner-linux", child.ID),
        ...neighbours.apis,
        githubApi(portOf(place.loop.github.url), REPOSITORY),
        workerApi(portOf(place.loop.worker.url)),
      ],
    };
    const job = await start(place, probeScript(orders, planted.before));
    await ended(place, job);
    if (isolated) await place.loop.github.cancelJob(first);
    const report = collector.report();
    if (report === null) return [holds("the probe told what it found", false, logOf(place, job))];
    tell(report, collector.pieces);
    return [
      ...judgeSearch(collector.pieces, planted, secretsOf(world, place, neighbours, granted), isolated),
      ...judgeAnswers(report.answers),
      ...neighbours.judge(report.answers),
      ...(await judgeAfterwards(place, granted)),
    ];
  } finally {
    await collector.close();
    await planted.remove();
  }
}

/** @returns the job's id, once it runs */
async function start(place: Place, script: string): Promise<number> {
  const { github } = place.loop;
  const { id } = await github.queueJob({ repository: REPOSITORY, labels: LABELS, script });
  const running = (event: GithubEvent): boolean => event.type === "job.in_progress" && event.job.id === id;
  await github.events.waitFor(running, `the start of job ${String(id)}`, JOB_MS);
  return id;
}

async function ended(place: Place, id: number): Promise<void> {
  const over = (event: GithubEvent): boolean => event.type === "job.completed" && event.job.id === id;
  await place.loop.github.events.waitFor(over, `the end of job ${String(id)}`, JOB_MS);
}

function logOf(place: Place, job: number): string {
  return (
    place.loop.github
      .jobs()
      .find(({ id }) => id === job)
      ?.log.trim() ?? ""
  );
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Everything secret that there is, but for what this one runner has. */
function secretsOf(
  world: World,
  place: Place,
  neighbours: Neighbours,
  granted: readonly Granted[],
): readonly NamedSecret[] {
  const { secrets } = place.loop;
  const [first, own] = granted;
  return [
    { name: "the webhook's secret", text: secrets.webhookSecret },
    { name: "the key of claims", text: secrets.claimKey },
    { name: "the token of /status", text: secrets.statusToken },
    { name: "Access's client secret", text: secrets.accessSecret },
    { name: "GitHub's token", text: secrets.githubToken },
    // A line of its middle: as JSON the line ends are others.
    { name: "the App's private key", text: secrets.appPrivateKey.split("\n")[3] ?? "" },
    { name: "the Worker's token in Nomad", text: place.dispatchToken },
    { name: "Nomad's management token", text: world.agent.token },
    ...neighbours.secrets,
    { name: "the claim of this runner", text: own?.call.claim ?? "" },
    { name: "the claim of another runner", text: first?.call.claim ?? "" },
    { name: "the registration of another runner", text: tokenOf(first) },
  ];
}

/** The credential in a JIT config. */
function tokenOf(granted: Granted | undefined): string {
  const decode = (text: string): unknown => JSON.parse(Buffer.from(text, "base64").toString("utf8"));
  const files = decode(granted?.given.encoded_jit_config ?? "e30=") as Readonly<Record<string, string>>;
  const credentials = decode(files[".credentials"] ?? "e30=") as {
    readonly Data?: { readonly Token?: string };
  };
  return credentials.Data?.Token ?? "";
}

function tell({ counts, tokens, answers }: ProbeReport, pieces: readonly Piece[]): void {
  const mebibytes = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) / 2 ** 20;
  console.log(
    `  ${String(counts.processes)} processes and ${String(counts.files)} files were read, ${mebibytes.toFixed(1)} MiB; ` +
      `${String(counts.unreadable)} could not be, ${String(counts.skipped)} were too large or too many; ` +
      `${String(answers.length)} answers with none and with each of ${String(tokens)} texts that look like tokens`,
  );
}

/** The registration and the claim are good for this one job. */
async function judgeAfterwards(
  { loop, gateway }: Place,
  granted: readonly Granted[],
): Promise<readonly Check[]> {
  const own = granted.at(-1);
  const ask = async (
    url: string,
    bearer: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> => {
    const init = { method: "POST", headers: { ...headers, Authorization: `Bearer ${bearer}` }, body: "" };
    return (await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) })).status;
  };
  const session = await ask(`${loop.github.url}/_listener/sessions`, tokenOf(own));
  const claim = own?.call.claim ?? "";
  const again = await ask(`${gateway.url}/runners/claim`, claim, {
    "X-Runner-Holder": own?.call.holder ?? "",
  });
  const stranger = await ask(`${gateway.url}/runners/claim`, claim);
  const rest = await ask(
    `${loop.github.url}/repos/${REPOSITORY}/actions/runners/generate-jitconfig`,
    tokenOf(own),
  );
  return [
    holds("the registration is refused once its job is over (404)", session === 404, String(session)),
    holds("it never was good for GitHub's API (401)", rest === 401, String(rest)),
    holds(
      "the claim is refused to its holder and to others (409)",
      again === 409 && stranger === 409,
      `${String(again)}, ${String(stranger)}`,
    ),
  ];
}
