import type { StepDefinitions } from "jest-cucumber";
import { eventually } from "../../support/eventually";
import { list } from "./words";
import { WAIT_MS, type World } from "./world";

/** Pools: how they are set up, what happens to them, and what they did. */
export const poolSteps =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.given(/^a pool of (\d+) runners for "(.*)"$/, (size: string, scope: string) => {
      world().pools.push({ scope, class: world().className, size: Number(size) });
    });

    steps.given("the pool's runners wait for jobs", async () => {
      const { worker } = await world().loop();
      await worker.sweep();
      const [pool] = world().pools;
      expect(await eventually(async () => (await waiting(world())) === pool?.size, WAIT_MS)).toBe(true);
    });

    steps.when(
      /^(\d+) jobs are queued one after the other's end with the labels "(.*)"$/,
      async (count: string, labels: string) => {
        for (let turn = 0; turn < Number(count); turn++) {
          await world().queue({ labels: list(labels) });
          await world().jobsEnded();
        }
      },
    );

    steps.then(/^(\d+) runners wait for jobs, and no other is registered$/, async (count: string) => {
      expect(await eventually(() => waits(world(), Number(count)), WAIT_MS)).toBe(true);
    });

    steps.then("each of these runners was one of the pool's", async () => {
      const names = (await world().jobs()).map(({ runnerName }) => runnerName);
      expect(names.filter((name) => !isWarm(name))).toEqual([]);
    });

    steps.then(/^at least (\d+) of the jobs were taken by the pool's runners$/, async (count: string) => {
      const names = (await world().jobs()).map(({ runnerName }) => runnerName);
      expect(names.filter(isWarm).length).toBeGreaterThanOrEqual(Number(count));
    });

    steps.then(/^Nomad got (\d+) dispatches in the end$/, async (count: string) => {
      const { nomad, worker } = await world().loop();
      expect(await eventually(() => nomad.children().length === Number(count), WAIT_MS)).toBe(true);
      // Whatever else there might be to send, the cron would send.
      await worker.sweep();
      expect(nomad.children()).toHaveLength(Number(count));
    });
  };

function isWarm(name: string | null): boolean {
  return /^[0-9a-f]{6}-linux-warm-\d+$/.test(name ?? "");
}

/** How many runners are online and idle. */
async function waiting(world: World): Promise<number> {
  const { github } = await world.loop();
  return github.runners().filter(({ online, busy }) => online && !busy).length;
}

async function waits(world: World, count: number): Promise<boolean> {
  const { github } = await world.loop();
  return (await waiting(world)) === count && github.runners().length === count;
}
