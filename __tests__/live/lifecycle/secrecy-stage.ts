import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClaimGranted } from "../../../contracts/claim";
import { type Check, check, holds, notHere } from "../report";
import { type Neighbours, startNeighbours } from "./neighbours";
import type { ClaimCall } from "./claim-gateway";
import { type ProbeReport, startCollector } from "./collector";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";
import { githubApi, nomadApis, probeScript, workerApi } from "./probe-orders";
import { type NamedSecret, type Piece, findSecrets } from "./secret-search";

const JOB_MS = 120_000;

/** A claim that was granted, as only the runner's script ever sees it. */
interface Granted {
  readonly call: ClaimCall;
  readonly given: ClaimGranted;
}

/** What a workflow job that looks for secrets finds on its node, as a user without rights under raw_exec. */
export async function playSecrecy(world: World): Promise<readonly Check[]> {
  const title = "a job that looks for secrets finds none";
  if (world.stranger === null)
    return [
      notHere(title, "only root can give a runner a user of its own, and there is none of the name nobody"),
    ];
  const place = await startPlace(world, { name: "secrecy", jobVariables: { user: world.stranger } });
  const neighbours = await startNeighbours(world);
  try {
    return await probe(world, place, neighbours);
  } finally {
    await neighbours.close();
    await place.close();
  }
}

async function probe(world: World, place: Place, neighbours: Neighbours): Promise<readonly Check[]> {
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
    // Its child is there for as long as the next one looks around.
    const first = await run(place, "true");
    const child = await place.nomad.child(`${String(first)}:1`);
    await place.nomad.dead(child.ID);
    const orders = {
      collector: collector.url,
      directories: [world.ground, ...world.agent.data, "/etc", "/root", "/home", "/tmp", "/run"],
      apis: [
        ...nomadApis(portOf(world.agent.url), place.namespace, "github-runner-linux", child.ID),
        ...neighbours.apis,
        githubApi(portOf(place.loop.github.url), REPOSITORY),
        workerApi(portOf(place.loop.worker.url)),
      ],
    };
    const job = await run(place, probeScript(orders, planted.before));
    const report = collector.report();
    if (report === null) return [holds("the probe told what it found", false, logOf(place, job))];
    tell(report, collector.pieces);
    return [
      ...judgeSearch(collector.pieces, planted.secrets, secretsOf(world, place, neighbours, granted)),
      ...judgeAnswers(report, neighbours),
      ...(await judgeAfterwards(place, granted)),
    ];
  } finally {
    await collector.close();
    await planted.remove();
  }
}

/** @returns the job's id, once it is over */
async function run(place: Place, script: string): Promise<number> {
  const { github } = place.loop;
  const { id } = await github.queueJob({ repository: REPOSITORY, labels: LABELS, script });
  await github.events.waitFor(
    (event) => event.type === "job.completed" && event.job.id === id,
    `the end of job ${String(id)}`,
    JOB_MS,
  );
  return id;
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

/** Texts that are no secrets, in places where secrets would be: a search that does not find these finds nothing. */
async function plant(world: World): Promise<{
  readonly secrets: readonly NamedSecret[];
  /** What the step does before it looks around. */
  readonly before: string;
  remove(): Promise<void>;
}> {
  const made = (name: string): NamedSecret => ({ name, text: `planted-${randomBytes(12).toString("hex")}` });
  const variable = made("what was planted in the environment");
  const argument = made("what was planted in a command line");
  const file = made("what was planted in a file, in base64");
  const hex = made("what was planted in a file, in hex");
  const neighbour = spawn("sh", ["-c", `sleep 300; : ${argument.text}`], { stdio: "ignore", detached: true });
  const path = join(world.ground, "planted");
  const wrapped = Buffer.from(`{"key":"${file.text}"}`).toString("base64");
  await writeFile(path, `${wrapped}\n${Buffer.from(hex.text).toString("hex")}\n`);
  await chmod(path, 0o644);
  return {
    secrets: [variable, argument, file, hex],
    // Its directory is not for everybody to list.
    before: `export PLANTED='${variable.text}'\ncp '${path}' "$RUNNER_TEMP/planted"`,
    remove: async () => {
      if (neighbour.pid !== undefined) process.kill(-neighbour.pid, "SIGKILL");
      await rm(path, { force: true });
    },
  };
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

function judgeSearch(
  pieces: readonly Piece[],
  planted: readonly NamedSecret[],
  secrets: readonly NamedSecret[],
): readonly Check[] {
  const missed = planted.filter((each) => findSecrets([each], pieces).length === 0);
  return [
    check(
      "what was planted in environment, files and processes is found",
      missed.map(({ name }) => name),
    ),
    check(
      `none of ${String(secrets.length)} secrets is in the node's environment, files, processes or APIs`,
      findSecrets(secrets, pieces),
    ),
  ];
}

/** An answer that says nothing: no rights, no such thing, or an empty list. */
const SILENT = [400, 401, 403, 404, 405];

function judgeAnswers({ answers }: ProbeReport, neighbours: Neighbours): readonly Check[] {
  const wordy = answers.filter(({ status, empty }) => status !== 0 && !SILENT.includes(status) && !empty);
  const told = ({ api, at, method, path, status, token }: (typeof answers)[number]): string =>
    `${api} at ${at}: ${method} ${path} answers ${String(status)}${token ? " to what was found" : ""}`;
  const jobs = answers.filter(({ api, path }) => api.startsWith("Nomad") && path.startsWith("/v1/job/"));
  const heard = jobs.filter(({ status }) => status !== 0);
  // The task's socket says 401 to whoever shows nothing that it knows.
  const refusals = (api: string): readonly number[] => (api === "Nomad" ? [403] : [401, 403]);
  const wrong = heard.filter(({ api, status }) => !refusals(api).includes(status)).map(told);
  return [
    check("no API tells a job anything, whatever it shows", [...new Set(wordy.map(told))]),
    check(
      "Nomad's job endpoints answer 403, whatever is shown, and 401 at the task's socket",
      heard.some(({ api }) => api === "Nomad") ? [...new Set(wrong)] : ["no answer at all"],
    ),
    ...neighbours.judge(answers),
  ];
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
