import type { StepDefinitions } from "jest-cucumber";
import { eventually } from "../../support/eventually";
import type { World } from "./world";

/** What GitHub and the ledger say about jobs and deliveries. */
export const thenJobs =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.then("every job succeeds", async () => {
      await world().jobsEnded();
      const ends = (await world().jobs()).map(({ conclusion }) => conclusion);
      expect(ends).toEqual(world().jobIds.map(() => "success"));
      expect(ends).not.toEqual([]);
    });

    steps.then("each job had a runner of its own", async () => {
      const names = (await world().jobs()).map(({ runnerName }) => runnerName);
      expect(names).not.toContain(null);
      expect(new Set(names).size).toBe(world().jobIds.length);
    });

    steps.then(/^the job ran for the event "(.*)"$/, async (event: string) => {
      expect((await world().job()).log).toBe(`event: ${event}\n`);
    });

    steps.then(/^the delivery is answered 200, ignored for "(.*)"$/, async (reason: string) => {
      const [delivery, ...more] = await deliveries(world(), "queued");
      expect(more).toEqual([]);
      expect(delivery?.statusCode).toBe(200);
      expect(JSON.parse(delivery?.responseBody ?? "")).toEqual({ outcome: "ignored", reason });
    });

    steps.then(/^the delivery is answered (\d+)$/, async (status: string) => {
      const answers = (await deliveries(world(), "queued")).map(({ statusCode }) => statusCode);
      expect(answers).toEqual([Number(status)]);
    });

    steps.then(
      /^every delivery of the job is answered (\d+), (\d+) of them queued$/,
      async (status: string, count: string) => {
        await world().jobsEnded();
        expect(await deliveries(world(), "queued")).toHaveLength(Number(count));
        const answers = (await deliveries(world())).map(({ statusCode }) => statusCode);
        expect(new Set(answers)).toEqual(new Set([Number(status)]));
      },
    );

    steps.then(/^it is answered (\d+)$/, (status: string) => {
      expect(world().answered).toBe(Number(status));
    });

    steps.then(/^GitHub delivered "(.*)" and nothing else$/, async (event: string) => {
      const { github } = await world().loop();
      expect(new Set(github.deliveries().map((delivery) => delivery.event))).toEqual(new Set([event]));
    });

    steps.then(/^the ledger has every job as "(.*)"$/, async (state: string) => {
      const expected = world().jobIds.map((jobId) => ({ job_id: jobId, state }));
      const read = (): ReturnType<World["rows"]> =>
        world().rows("SELECT job_id, state FROM jobs ORDER BY job_id");
      // What follows a delivery's answer announces itself in the ledger only.
      await eventually(async () => JSON.stringify(await read()) === JSON.stringify(expected));
      expect(await read()).toEqual(expected);
    });

    steps.then("the ledger knows no job", async () => {
      expect(await world().rows("SELECT * FROM jobs")).toEqual([]);
    });
  };

async function deliveries(
  world: World,
  action?: string,
): Promise<readonly { readonly statusCode: number; readonly responseBody: string }[]> {
  const { github } = await world.loop();
  return github
    .deliveries()
    .filter((it) => it.jobId !== null && world.jobIds.includes(it.jobId))
    .filter((it) => action === undefined || it.action === action);
}
