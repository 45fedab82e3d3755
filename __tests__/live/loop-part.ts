import { LOOP_CLASS, startLoopOn } from "../../local/loop";
import type { NomadAgent } from "./nomad-agent";
import { playOnAgent } from "./nomad-recording";
import { type Check, check } from "./report";
import { RunnersNamespace } from "./runners-namespace";
import { PRIVATE, PUBLIC, type Played, Scenes } from "./scenes";
import { stageTable } from "./stages";
import { judge } from "./verdict";

/** Small enough for the whole matrix at once on a small machine. The disk has to hold the logs, 100 MB. */
const SMALL = { cpu: 20, memory: 64, disk: 128 };

/** The main loop on a real Nomad: its answers held to the recording, then every scene, then what came of them. */
export async function playLoopPart(agent: NomadAgent, stopped: Promise<never>): Promise<readonly Check[]> {
  const { answers, different } = await Promise.race([playOnAgent(agent), stopped]);
  console.log(`${String(answers - different.length)} of ${String(answers)} answers as recorded`);
  return [check("Nomad answers as recorded", different), ...(await playScenes(agent, stopped))];
}

async function playScenes(agent: NomadAgent, stopped: Promise<never>): Promise<readonly Check[]> {
  const nomad = await RunnersNamespace.make(agent);
  const outside = await nomad.forWorker();
  const loop = await startLoopOn(outside, {
    repositories: [{ fullName: PRIVATE }, { fullName: PUBLIC, private: false }],
    policy: { publicRepositories: [PUBLIC], classes: [LOOP_CLASS] },
    jobVariables: SMALL,
    sweepSeconds: 2,
  });
  const { github, worker } = loop;
  try {
    const played: Played[] = [];
    for (const [title, play] of new Scenes(github, nomad).all()) {
      console.log(title);
      played.push({ title, ...(await Promise.race([play(), stopped])) });
    }
    const verdict = await judge(played, { loop, nomad, outside, agent });
    console.log();
    for (const line of await stageTable(played, github, nomad)) console.log(line);
    return verdict;
  } catch (error) {
    const last = worker.logs().slice(-10).join("\n");
    console.error(`The Worker's last lines:\n${last}\nNomad's children:\n${await describe(nomad)}`);
    throw error;
  } finally {
    await loop.close();
  }
}

/** What Nomad has, for whoever reads of a failure. */
async function describe(nomad: RunnersNamespace): Promise<string> {
  const lines: string[] = [];
  for (const { ID, Status } of await nomad.children()) {
    lines.push(`${ID} ${Status}`);
    for (const allocation of await nomad.allocations(ID)) {
      const said = await nomad.output(allocation.ID, "runner").catch(() => "");
      lines.push(`  ${allocation.ClientStatus}: ${said.trim().replace(/\n/g, "\n  ")}`);
    }
  }
  return lines.join("\n");
}
