import type { JobView } from "../../../local/github/types";
import { type Check, aligned, check, holds } from "../report";
import { until } from "../runners-namespace";
import { Chaos, type Fate, killsByMoment } from "./chaos";
import { listAllocations } from "./endings";
import { KillPlan, PHASES } from "./kill-plan";
import { ledgerRunners, passADay } from "./ledger";
import { nothingLeft } from "./leftovers";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";
import { Random } from "./random";

const JOBS = Number(process.env["LIFECYCLE_JOBS"] ?? "200");
const SHARE = 0.3;
/** Kills of which the Worker never hears. */
const UNHEARD = 10;
/** One job comes after the other at this distance. */
const BETWEEN_MS = 150;
const ALL_MS = 400_000;

/** Jobs come, runners are killed, and in the end every job has had its runner and nothing is left. */
export async function playChaos(world: World): Promise<readonly Check[]> {
  const seed = Number(process.env["LIFECYCLE_SEED"] ?? Date.now() % 1_000_000);
  console.log(`LIFECYCLE_SEED=${String(seed)} kills the same runners again`);
  const place = await startPlace(world, {
    name: "chaos",
    runnerClass: {
      // What runs at once on two cores; the rest waits in the ledger.
      maxRunners: 12,
      pickupDeadlineSeconds: 30,
      idleTimeoutSeconds: 30,
    },
    // Short, but longer than a listener is silent on a machine with other work.
    github: { pickupMs: 10_000, disconnectMs: 8_000, lostRunnerMs: 15_000 },
  });
  try {
    const chaos = new Chaos(world, place, new KillPlan(seed, SHARE, UNHEARD));
    chaos.begin();
    await queueAll(place, new Random(seed + 1), world.stopped);
    const completed = await allCompleted(place).catch((error: unknown) => error);
    await chaos.end();
    await settle(world, place);
    const fates = chaos.fates();
    tellKills(fates);
    await tellRunning(world, place, chaos);
    const before = await unheardOf(place);
    await passADay(place);
    return [
      holds(`all ${String(JOBS)} jobs are completed at GitHub`, completed === true, String(completed)),
      ...judgeJobs(place, chaos),
      ...judgeKills(fates),
      check("what the ledger had not heard of was past its time", before),
      ...(await nothingLeft(world, place)),
    ];
  } finally {
    await place.close();
  }
}

async function queueAll(place: Place, random: Random, stopped: Promise<never>): Promise<void> {
  const queued: Promise<JobView>[] = [];
  for (let index = 0; index < JOBS; index += 1) {
    // Each tenth one leaves a process behind that wants to stay.
    const script = index % 10 === 0 ? "setsid sleep 600 >/dev/null 2>&1 & sleep 0.3" : undefined;
    const spec = { repository: REPOSITORY, labels: LABELS, runMs: random.between(300, 1_500) };
    queued.push(place.loop.github.queueJob({ ...spec, ...(script !== undefined && { script }) }));
    await Promise.race([new Promise((resolve) => setTimeout(resolve, BETWEEN_MS)), stopped]);
  }
  await Promise.all(queued);
}

/** @throws Error naming the jobs that are not */
async function allCompleted(place: Place): Promise<true> {
  const open = (): JobView[] => place.loop.github.jobs().filter(({ status }) => status !== "completed");
  let told = 0;
  const look = (): Promise<true | undefined> => {
    if (Date.now() - told > 10_000) {
      told = Date.now();
      console.log(
        `  ${String(open().length)} jobs to go, ${String(place.loop.github.runners().length)} registrations`,
      );
    }
    return Promise.resolve(open().length === 0 ? true : undefined);
  };
  return until("the end of every job", look, ALL_MS).catch(() => {
    throw new Error(
      open()
        .map(({ id, status }) => `${String(id)} ${status}`)
        .join(", "),
    );
  });
}

/** Waits until the last runners, for which there is no job any more, have left. */
async function settle(world: World, place: Place): Promise<void> {
  await until(
    "the last runners' leaving",
    async () => {
      const children = (await world.agent.call("GET", `/v1/jobs?namespace=${place.namespace}`)) as {
        readonly ParentID: string;
        readonly Status: string;
      }[];
      return children.every(({ ParentID, Status }) => ParentID === "" || Status === "dead")
        ? true
        : undefined;
    },
    60_000,
  ).catch(() => undefined);
}

/** Runners that the ledger believes to be under way though nothing runs any more. */
async function unheardOf(place: Place): Promise<readonly string[]> {
  const now = Date.now();
  return (await ledgerRunners(place)).flatMap(({ name, state, live, until: end }) =>
    live === 1 && (state === "requested" || (state === "dispatched" && end > now + 60_000))
      ? [`${name} ${state} for ${String(Math.round((end - now) / 1000))} s more`]
      : [],
  );
}

function judgeJobs(place: Place, chaos: Chaos): readonly Check[] {
  const jobs = place.loop.github.jobs();
  const failed = jobs.filter(({ conclusion }) => conclusion !== "success");
  const innocent = failed.filter(
    ({ runnerName }) => (chaos.fateOf(runnerName ?? "")?.killedAt ?? null) === null,
  );
  const names = jobs.map(({ runnerName }) => runnerName ?? "none");
  return [
    check(
      "a job failed only with the runner it was on",
      innocent.map(
        ({ id, conclusion, runnerName }) => `${String(id)} ${String(conclusion)} on ${String(runnerName)}`,
      ),
    ),
    check(
      "no runner had two jobs",
      names.filter((name, index) => name !== "none" && names.indexOf(name) !== index),
    ),
  ];
}

function judgeKills(fates: readonly Fate[]): readonly Check[] {
  const killed = fates.filter(({ killedAt }) => killedAt !== null).length;
  const counts = new Map<string, number>();
  for (const [moment, count] of killsByMoment(fates))
    counts.set(PHASES[moment], (counts.get(PHASES[moment]) ?? 0) + count);
  const told = [...counts].map(([phase, count]) => `${String(count)} ${phase}`).join(", ");
  const share = killed / fates.length;
  return [
    holds(
      "three of ten runners were killed, some of them at each moment",
      share > SHARE - 0.05 && share < SHARE + 0.05 && [...counts.values()].every((count) => count > 0),
      `${String(killed)} of ${String(fates.length)}: ${told}`,
    ),
  ];
}

/** For whoever reads of a failure: what runs though it should have left. */
async function tellRunning({ agent }: World, { namespace, nomad }: Place, chaos: Chaos): Promise<void> {
  for (const { ID, JobID, ClientStatus } of await listAllocations(agent, namespace)) {
    if (!["pending", "running", "unknown"].includes(ClientStatus)) continue;
    const fate = chaos.fates().find(({ allocation }) => allocation === ID);
    const said = await nomad.output(ID, "runner").catch(() => "");
    console.log(
      `  ${ClientStatus}: ${ID} of ${JobID}\n  ${JSON.stringify(fate)}\n  ${said.trim().replace(/\n/g, "\n  ")}`,
    );
  }
}

function tellKills(fates: readonly Fate[]): void {
  const rows = [...killsByMoment(fates)].map(([moment, count]) => {
    const those = fates.filter(({ kill, killedAt }) => kill?.moment === moment && killedAt !== null);
    const unheard = those.filter(({ kill }) => kill?.unheard === true).length;
    return [`${PHASES[moment]}: ${moment}`, String(count), String(unheard)];
  });
  console.log(`  ${String(fates.length)} runners`);
  for (const line of aligned([["killed", "runners", "unheard"], ...rows])) console.log(`  ${line}`);
}
