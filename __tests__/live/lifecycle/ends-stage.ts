import { type Check, aligned, check, notHere } from "../report";
import { EndsGround, type Shown } from "./ends-ground";
import { ENDS_OF_ALLOCATIONS, ENDS_OF_JOBS, ENDS_OF_NODES, type End, secondNode } from "./ends-scenes";
import { nothingLeft } from "./leftovers";
import type { World } from "./place";

/** Every way in which a runner ends that one machine can show, and what GitHub, the ledger and Nomad show of each. */
export async function playEnds(world: World): Promise<readonly Check[]> {
  const ground = await EndsGround.make(world);
  const rows: string[][] = [["how it ends", "GitHub", "ledger", "Nomad"]];
  const checks: Check[] = [];
  const play = async (ends: readonly End[]): Promise<void> => {
    for (const each of ends) {
      const [row, result] = await playEnd(ground, each);
      rows.push(row);
      checks.push(result);
    }
  };
  try {
    await play([...ENDS_OF_JOBS, ...ENDS_OF_ALLOCATIONS]);
    await play(ENDS_OF_NODES.map((each) => onSecondNode(each)));
    await ground.place.nomad.setRoom(true);
    for (const line of aligned(rows)) console.log(`  ${line}`);
    return [
      ...checks,
      notHere(
        "an image that cannot be pulled",
        "there is no docker; the job's parsed form and the scripts' tests show it",
      ),
      ...(await nothingLeft(world, ground.place)),
    ];
  } finally {
    await ground.place.close();
  }
}

async function playEnd(ground: EndsGround, { title, play, due }: End): Promise<[string[], Check]> {
  const began = Date.now();
  try {
    const job = await play(ground);
    await ground.over(job);
    const shown = await ground.shown(job);
    const kinds = ["github", "ledger", "nomad"] as const satisfies readonly (keyof Shown)[];
    const wrong = kinds
      .filter((kind) => !due[kind].test(shown[kind]))
      .map((kind) => `${kind}: ${shown[kind]}`);
    console.log(`  ${((Date.now() - began) / 1000).toFixed(1)} s ${title}`);
    return [[title, shown.github, shown.ledger, shown.nomad], check(title, wrong)];
  } catch (error) {
    ground.giveJobs(true);
    ground.letPass();
    await ground.place.nomad.setRoom(true);
    return [[title, "-", "-", "-"], check(title, [error instanceof Error ? error.message : String(error)])];
  }
}

/** Only the second node takes allocations while it is played. */
function onSecondNode(end: End): End {
  return {
    ...end,
    play: async (ground) => {
      const { agent } = ground.world;
      const second = await secondNode(ground);
      await ground.place.nomad.setRoom(false);
      await agent.call("POST", `/v1/node/${second}/eligibility`, { Eligibility: "eligible" });
      const job = await end.play(ground);
      await ground.place.nomad.setRoom(true);
      return job;
    },
  };
}
