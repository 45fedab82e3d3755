import { dirname, join } from "node:path";
import type { GithubEvent } from "../../../local/github/types";
import type { Variables } from "../../../local/nomad/jobspec";
import { type Check, check, holds, notHere } from "../report";
import { until } from "../runners-namespace";
import { tellTroubled } from "./endings";
import { historyOf, ledgerRunners } from "./ledger";
import { nothingLeft } from "./leftovers";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";
import { type RunnerArchive, serveRunnerArchive } from "./runner-archive";
import { lookForSecrets } from "./secrecy-stage";

const JOB_MS = 60_000;
const WRONG = "0".repeat(64);
/** More than the class's memory. */
const HUNGRY = `"$JOB_HOOK_RUNNER_ROOT"/externals/node20/bin/node -e 'const all = [];
for (;;) all.push(Buffer.alloc(10_000_000, 1));'`;
const LOOK = `id -un; ls -d /root /home '%' 2>/dev/null || true; ps -A -o pid= | wc -l; pwd`;

/** The exec driver, with the runner's archive fetched and checked by Nomad. */
export async function playExec(world: World): Promise<readonly Check[]> {
  const why = whyNot(world);
  if (why !== null) return TITLES.map((title) => notHere(title, why));
  const archive = await serveRunnerArchive(join(dirname(world.runnerRoot), "archived"));
  try {
    return [
      ...(await playRight(world, archive)),
      ...(await playWrong(world, archive)),
      ...(await lookForSecrets(world, "exec-secrecy", execVariables(world, archive, archive.sha256), true)),
    ];
  } finally {
    await archive.close();
  }
}

const TITLES = [
  "exec: a job runs in a chroot, from an archive with the right sha256",
  "exec: an archive with a wrong sha256 starts nothing",
  "exec: a job that looks for secrets finds none",
];

function whyNot({ drivers, stranger }: World): string | null {
  if (stranger === null) return "the exec driver needs root";
  if (drivers.includes("exec")) return null;
  return "Nomad has no healthy exec driver (a build without cgo has none at all, and it needs cgroups)";
}

function execVariables(world: World, { url }: RunnerArchive, sha256: string): Variables {
  return {
    driver: "exec",
    user: world.stranger ?? "",
    archive: JSON.stringify({ url, sha256 }),
    // Literal: Nomad sets it.
    runner_root: "${NOMAD_ALLOC_DIR}/runner",
    copy_runner: false,
    memory: 300,
  };
}

async function playRight(world: World, archive: RunnerArchive): Promise<readonly Check[]> {
  const place = await startPlace(world, {
    name: "exec",
    jobVariables: execVariables(world, archive, archive.sha256),
  });
  try {
    const [data = ""] = world.agent.data;
    const seen = await run(world, place, LOOK.replace("%", data));
    const hungry = await run(world, place, HUNGRY);
    const [who, count, where, ...more] = seen.log.trim().split("\n");
    return [
      holds(TITLES[0] ?? "", seen.conclusion === "success" && who === world.stranger, seen.log),
      holds(
        "exec: it sees no file and no process of the node's",
        Number(count) < 20 && where?.startsWith("/alloc/runner/") === true && more.length === 0,
        seen.log,
      ),
      holds(
        "exec: a job that takes too much memory fails alone",
        hungry.conclusion === "failure",
        hungry.shown,
      ),
      check(
        "exec: what both end with",
        ["1 done", "1 done"].filter((due, index) => [seen, hungry][index]?.shown !== due),
      ),
      ...(await nothingLeft(world, place)),
    ];
  } finally {
    await place.close();
  }
}

/** @returns what GitHub and the ledger show of a job with this step */
async function run(world: World, place: Place, script: string) {
  const { github } = place.loop;
  const { id } = await github.queueJob({ repository: REPOSITORY, labels: LABELS, script });
  const over = (event: GithubEvent): boolean => event.type === "job.completed" && event.job.id === id;
  await github.events.waitFor(over, `the end of job ${String(id)}`, JOB_MS).catch(async (error: unknown) => {
    await tellTroubled({ ...world, ...place });
    throw error;
  });
  const shown = await until("the ledger's word on it", async () => {
    const history = await historyOf(place, id);
    return /busy|claimed|dispatched/.test(history) ? undefined : history;
  });
  const job = github.jobs().find((it) => it.id === id);
  return { conclusion: job?.conclusion ?? null, log: job?.log ?? "", shown };
}

async function playWrong(world: World, archive: RunnerArchive): Promise<readonly Check[]> {
  const place = await startPlace(world, {
    name: "exec-wrong",
    jobVariables: execVariables(world, archive, WRONG),
  });
  try {
    const { github } = place.loop;
    const before = archive.fetches();
    const { id } = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
    const child = await place.nomad.child(`${String(id)}:1`);
    const [allocation] = await place.nomad.dead(child.ID);
    const { Events: events = [], StartedAt: startedAt = "" } = allocation?.TaskStates?.["runner"] ?? {};
    const history = await until("the ledger's word on it", async () => {
      const now = await historyOf(place, id);
      return now.startsWith("1 dispatched") ? undefined : now;
    });
    await github.cancelJob(id);
    const registered = github.events.all().filter(({ type }) => type === "runner.registered");
    const started = events.some(({ Type }) => Type === "Started");
    return [
      holds(
        TITLES[1] ?? "",
        allocation?.ClientStatus === "failed" && !started && archive.fetches() > before,
        JSON.stringify({ startedAt, events: events.map(({ Type }) => Type) }),
      ),
      check(
        "exec: with a wrong sha256 nothing is registered at GitHub",
        registered.map(({ type }) => type),
      ),
      holds("exec: and the job's next runner is asked for", /^1 released, 2 /.test(history), history),
      ...(await nothingLeftSoon(world, place)),
    ];
  } finally {
    await place.close();
  }
}

/** The last runner of a job that was cancelled has to fail first. */
async function nothingLeftSoon(world: World, place: Place): Promise<readonly Check[]> {
  await until("the end of its runners", async () => {
    const living = (await ledgerRunners(place)).some(({ live }) => live === 1);
    const children = await place.nomad.children();
    return !living && children.every(({ Status }) => Status === "dead") ? true : undefined;
  }).catch(() => undefined);
  return nothingLeft(world, place);
}
