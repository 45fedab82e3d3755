import { spawnSync } from "node:child_process";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Check, check, holds, notHere } from "../report";
import { until } from "../runners-namespace";
import { endRunner, listAllocations } from "./endings";
import { passADay } from "./ledger";
import { nothingLeft } from "./leftovers";
import { LABELS, type Place, REPOSITORY, type World, startPlace } from "./place";

const JOBS = 10;
/** Their runners are killed once the files are written: then another task has to clean up. */
const KILLED = 2;
const GIGABYTE = 10 ** 9;
const BLOCKS = 954;
const MEBIBYTE = 2 ** 20;
/** Free space that the stage asks for. */
const NEEDED = (JOBS + 5) * GIGABYTE;
/** What stays of an allocation until Nomad collects it: its scripts and the tails of its logs. */
const STAYS = MEBIBYTE;
/** Others write to the same file system. */
const OTHERS = 2 * GIGABYTE;
const JOB_MS = 120_000;
const WITHIN_MS = 60_000;

/** Besides the workspace it fills HOME and TMPDIR, and leaves what a plain `rm -r` does not remove. */
const SCRIPT = `
dd if=/dev/zero of="$GITHUB_WORKSPACE/large" bs=${String(MEBIBYTE)} count=${String(BLOCKS)} 2>/dev/null
for directory in "$HOME" "$TMPDIR"; do
  case $directory in */alloc/*) head -c 5000000 /dev/zero >"$directory/more" ;; esac
done
mkdir -p "$GITHUB_WORKSPACE/sealed/deep"
echo x >"$GITHUB_WORKSPACE/sealed/deep/file"
chmod 555 "$GITHUB_WORKSPACE/sealed/deep" "$GITHUB_WORKSPACE/sealed"
`;

/** Ten jobs fill the disk, and a minute later it is as it was, though Nomad has not collected anything. */
export async function playDisk(world: World): Promise<readonly Check[]> {
  const title = "ten jobs of 1 GB leave the disk as it was";
  const [directory = ""] = world.agent.data;
  const free = await freeOf(directory);
  if (free < NEEDED)
    return [
      notHere(
        title,
        `${gigabytes(free)} are free where Nomad keeps its data, ${gigabytes(NEEDED)} are needed`,
      ),
    ];
  const place = await startPlace(world, {
    name: "disk",
    jobVariables: { disk: 1_300, ...(world.stranger !== null && { user: world.stranger }) },
    github: { disconnectMs: 2_000, lostRunnerMs: 4_000 },
  });
  try {
    return await fill(world, place, directory, free);
  } finally {
    await place.close();
  }
}

async function fill(world: World, place: Place, directory: string, free: number): Promise<readonly Check[]> {
  const { github } = place.loop;
  const before = usedBy(world);
  // All of them hold what they have written until the last one is as far.
  const full = join(world.ground, "disk-is-full");
  const hold = `until [ -e '${full}' ]; do sleep 0.2; done`;
  const script = (index: number): string => `${SCRIPT}${index < KILLED ? "sleep 300" : hold}`;
  const jobs = await Promise.all(
    Array.from({ length: JOBS }, (_, index) =>
      github.queueJob({
        repository: REPOSITORY,
        labels: LABELS,
        name: `fill ${String(index)}`,
        script: script(index),
      }),
    ),
  );
  let peak = 0;
  await until(
    "ten full workspaces",
    () => {
      peak = Math.max(peak, usedBy(world) - before);
      return Promise.resolve(peak >= JOBS * GIGABYTE ? true : undefined);
    },
    JOB_MS,
  ).catch(() => undefined);
  for (const { id } of jobs.slice(0, KILLED))
    await kill(world, place, github.jobs().find((job) => job.id === id)?.runnerName ?? "");
  await writeFile(full, "");
  const over = (): boolean => github.jobs().every(({ status }) => status === "completed");
  await until("the end of ten jobs", () => Promise.resolve(over() ? true : undefined), JOB_MS);
  await rm(full);
  const ended = Date.now();
  const most = before + JOBS * STAYS;
  const back = await until(
    "the disk's being as it was",
    () => Promise.resolve(usedBy(world) <= most ? Date.now() : undefined),
    WITHIN_MS,
  ).catch(() => null);
  const left = (await listAllocations(world.agent, place.namespace)).length;
  const seconds = back === null ? "" : `after ${((back - ended) / 1000).toFixed(1)} s, `;
  console.log(
    `  ${gigabytes(peak)} at most; ${seconds}${gigabytes(usedBy(world) - before)} more than before; ` +
      `Nomad has all ${String(left)} allocations`,
  );
  // What GitHub took to be busy is removed a minute later.
  await passADay(place);
  const conclusions = github.jobs().map(({ conclusion }) => conclusion);
  return [
    holds(
      `${String(JOBS - KILLED)} jobs succeeded and ${String(KILLED)} were lost with their runners`,
      conclusions.filter((it) => it === "success").length === JOBS - KILLED &&
        conclusions.filter((it) => it === "failure").length === KILLED,
      conclusions.join(", "),
    ),
    holds("they had filled the disk", peak >= JOBS * GIGABYTE, gigabytes(peak)),
    holds(
      "within a minute the allocations' directories are as small as before",
      back !== null,
      `${gigabytes(usedBy(world) - before)} more:\n${largest(world)}`,
    ),
    holds(
      "the file system has its free space again",
      (await freeOf(directory)) > free - OTHERS,
      `${gigabytes(free - (await freeOf(directory)))} less`,
    ),
    check(
      "Nomad has collected nothing by then",
      left >= JOBS ? [] : [`${String(left)} allocations are left`],
    ),
    ...(await nothingLeft(world, place)),
  ];
}

async function kill({ agent }: World, { nomad, namespace }: Place, runnerName: string): Promise<void> {
  const token = runnerName.split("-").slice(-2).join(":");
  const child = await nomad.child(token);
  for (const { ID } of await nomad.allocations(child.ID))
    await endRunner("processes", { agent, nomad, namespace, allocation: ID, child: child.ID });
}

/** Bytes in Nomad's directories. Files may go while they are counted. */
function usedBy({ agent }: World): number {
  const { stdout } = spawnSync("du", ["-sk", ...agent.data], { encoding: "utf8", timeout: 30_000 });
  return stdout
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number(line.split("\t", 1)[0]) * 1024, 0);
}

/** For whoever reads of a failure. */
function largest({ agent }: World): string {
  const { stdout } = spawnSync("sh", ["-c", `du -k "$@" | sort -rn | head -n 12`, "du", ...agent.data], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return stdout;
}

async function freeOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function gigabytes(bytes: number): string {
  return `${(bytes / GIGABYTE).toFixed(2)} GB`;
}
