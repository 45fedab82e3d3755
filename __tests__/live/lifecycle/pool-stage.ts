import type { GithubEvent } from "../../../local/github/types";
import { LOOP_CLASS } from "../../../local/loop";
import { type Check, check, holds } from "../report";
import { type Child, until } from "../runners-namespace";
import { nothingLeft } from "./leftovers";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";

const JOBS = 10;
/** Runners kept ready. */
const SIZE = 2;
const READY_MS = 60_000;
/** Of a pool's runner, at the end of its name. */
const WARM = /-warm-\d+$/;

/** Ten jobs arrive one by one where two runners are kept ready. */
export async function playPool(world: World): Promise<readonly Check[]> {
  const place = await startPlace(world, {
    name: "pool",
    policy: {
      pools: [{ scope: REPOSITORY, class: LOOP_CLASS.name, size: SIZE, window: null, timeZone: "UTC" }],
    },
  });
  try {
    const waits: number[] = [];
    for (let turn = 0; turn < JOBS; turn += 1) {
      await ready(place);
      waits.push(await run(place));
    }
    await ready(place);
    const sorted = [...waits].sort((a, b) => a - b);
    console.log(
      `  from queued to running: ${String(sorted[JOBS / 2])} ms in the middle, ${String(sorted.at(-1))} at most`,
    );
    const checks = [...judgeJobs(place), ...judgeChildren(await place.nomad.children())];
    await endPool(place);
    return [...checks, ...(await nothingLeft(world, place))];
  } finally {
    await place.close();
  }
}

/** Waits until the pool is full. */
async function ready({ loop }: Place): Promise<void> {
  const idle = (): number =>
    loop.github.runners().filter(({ name, online, busy }) => WARM.test(name) && online && !busy).length;
  await until(
    `${String(SIZE)} warm runners`,
    () => Promise.resolve(idle() >= SIZE ? true : undefined),
    READY_MS,
  );
}

/** @returns milliseconds from a job's queueing to its start */
async function run({ loop }: Place): Promise<number> {
  const { events } = loop.github;
  const began = Date.now();
  const { id } = await loop.github.queueJob({ repository: REPOSITORY, labels: LABELS });
  const wait = (type: GithubEvent["type"]): Promise<{ readonly at: number }> =>
    events.waitFor(
      (event) => event.type === type && "job" in event && event.job.id === id,
      `${type} of job ${String(id)}`,
      READY_MS,
    );
  const { at } = await wait("job.in_progress");
  await wait("job.completed");
  return at - began;
}

function judgeJobs({ loop }: Place): readonly Check[] {
  const jobs = loop.github.jobs();
  const names = jobs.map(({ runnerName }) => runnerName ?? "none");
  const failed = jobs.filter(({ conclusion }) => conclusion !== "success");
  return [
    holds(
      `all ${String(JOBS)} jobs succeeded`,
      jobs.length === JOBS && failed.length === 0,
      failed.map(({ id, conclusion }) => `${String(id)} ${String(conclusion)}`).join(", "),
    ),
    check(
      "each was taken by a warm runner",
      names.filter((name) => !WARM.test(name)),
    ),
    check(
      "each warm runner was used once",
      names.filter((name, index) => names.indexOf(name) !== index),
    ),
  ];
}

/** What Nomad was asked for: a runner for each that was used, and those that are ready now. */
function judgeChildren(children: readonly Child[]): readonly Check[] {
  const forJobs = children.filter(({ Meta }) => Meta["WORKFLOW_JOB"] !== "0").map(({ ID }) => ID);
  return [
    check("nothing was dispatched for a job", forJobs),
    holds(
      `nothing was dispatched beyond the refill (${String(JOBS)} used, ${String(SIZE)} ready)`,
      children.length === JOBS + SIZE,
      `${String(children.length)} children`,
    ),
  ];
}

/** A pool is not kept while its repository is paused; those that are ready are stopped as an operator stops them. */
async function endPool({ loop, nomad }: Place): Promise<void> {
  const answer = await fetch(`${loop.worker.url}/pauses/${REPOSITORY}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${loop.secrets.statusToken}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`PUT /pauses/${REPOSITORY} answers ${String(answer.status)}`);
  for (const { ID, Status } of await nomad.children()) if (Status !== "dead") await nomad.stop(ID);
  for (const { ID } of await nomad.children()) await nomad.dead(ID);
}
