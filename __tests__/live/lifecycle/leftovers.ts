import { readFileSync, readdirSync } from "node:fs";
import { type Check, check } from "../report";
import { mentioning } from "../processes";
import { until } from "../runners-namespace";
import { listAllocations } from "./endings";
import { ledgerRunners, openJobs } from "./ledger";
import type { Place, World } from "./place";

/** Nomad needs a moment to end the processes that watched over a task. */
const GONE_MS = 15_000;

/** What must not be left of a stage: at GitHub, in the ledger, in Nomad and on the node. */
export async function nothingLeft(world: World, place: Place): Promise<readonly Check[]> {
  const processes = async (): Promise<readonly string[]> => Promise.resolve(leftProcesses(world));
  return [
    check(
      "GitHub has no runner left",
      place.loop.github.runners().map(({ name }) => name),
    ),
    check(
      "the ledger has no runner that lives",
      (await ledgerRunners(place)).flatMap(({ name, state, live }) =>
        live === 1 ? [`${name} ${state}`] : [],
      ),
    ),
    check(
      "the ledger has every job completed",
      (await openJobs(place)).map(({ job_id: id, state }) => `${String(id)} ${String(state)}`),
    ),
    check("Nomad has nothing but ended allocations", await left(() => unfinished(world, place))),
    check("no process of a runner is left on the node", await left(processes)),
  ];
}

async function left(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const gone = async (): Promise<true | undefined> => ((await look()).length === 0 ? true : undefined);
  const ok = await until("nothing is left", gone, GONE_MS).catch(() => false);
  return ok ? [] : look();
}

/** Children that are not dead, allocations that are not over, evaluations that wait. */
async function unfinished({ agent }: World, { namespace }: Place): Promise<readonly string[]> {
  const get = (path: string): Promise<unknown> => agent.call("GET", `${path}?namespace=${namespace}`);
  const jobs = (await get("/v1/jobs")) as { ID: string; ParentID: string; Status: string }[];
  const evaluations = (await get("/v1/evaluations")) as { JobID: string; Status: string }[];
  const allocations = await listAllocations(agent, namespace);
  return [
    ...jobs.flatMap(({ ID, ParentID, Status }) =>
      ParentID !== "" && Status !== "dead" ? [`${ID} ${Status}`] : [],
    ),
    ...evaluations.flatMap(({ JobID, Status }) =>
      ["pending", "blocked"].includes(Status) ? [`${JobID}: an evaluation is ${Status}`] : [],
    ),
    ...allocations.flatMap(({ ID, ClientStatus }) =>
      ["complete", "failed", "lost"].includes(ClientStatus) ? [] : [`${ID} ${ClientStatus}`],
    ),
  ];
}

/** By their command line; where a process has /proc, by their environment, too, since what a job leaves behind can be
 *  called anything. */
function leftProcesses({ agent }: World): readonly string[] {
  const named = agent.data.flatMap((directory) => mentioning(`${directory}/alloc/`));
  const found = new Map(named.map(({ pid, command }) => [pid, command]));
  for (const pid of pidsWith(agent.data.map((directory) => `NOMAD_ALLOC_DIR=${directory}/`)))
    if (!found.has(pid)) found.set(pid, "one with an allocation's environment");
  return [...found].map(([pid, command]) => `${String(pid)} ${command}`);
}

function pidsWith(variables: readonly string[]): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "latin1").split("\0");
      const has = environment.some((each) => variables.some((variable) => each.startsWith(variable)));
      return has ? [Number(name)] : [];
    } catch {
      // It has ended, or is not ours to read.
      return [];
    }
  });
}
