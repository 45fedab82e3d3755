import type { StepDefinitions } from "jest-cucumber";
import { RUNNER_NAME } from "../../../contracts/patterns";
import { eventually } from "../../support/eventually";
import { isAlive } from "../../support/leftovers";
import { list } from "./words";
import type { World } from "./world";

/** What Nomad, GitHub and this machine say about runners. */
export const thenRunners =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.then(/^Nomad got (\d+) dispatch(?:es)?$/, async (count: string) => {
      const { nomad } = await world().loop();
      const asked = nomad.events.all().filter(({ type }) => type.startsWith("dispatch."));
      expect(asked.map(({ type }) => type)).toEqual(Array(Number(count)).fill("dispatch.accepted"));
      expect(nomad.children()).toHaveLength(Number(count));
    });

    steps.then(/^(\d+) runners? (?:was|were) registered$/, async (count: string) => {
      expect(await registeredAtOnce(world())).toHaveLength(Number(count));
    });

    steps.then(
      /^(\d+) runners were registered, never more than (\d+) at a time$/,
      async (count: string, most: string) => {
        const atOnce = await registeredAtOnce(world());
        expect(atOnce).toHaveLength(Number(count));
        expect(Math.max(...atOnce)).toBeLessThanOrEqual(Number(most));
      },
    );

    steps.then("no runner was asked for", async () => {
      const { nomad, github, worker } = await world().loop();
      // Whatever the delivery may have left to do, the cron would do.
      await worker.sweep();
      expect(nomad.events.all()).toEqual([]);
      expect(nomad.children()).toEqual([]);
      expect(github.events.all().filter(({ type }) => type === "runner.registered")).toEqual([]);
      expect(await world().rows("SELECT * FROM runners")).toEqual([]);
    });

    steps.then("the ledger has no runner on its way", async () => {
      expect(await eventually(async () => (await liveRunners(world())).length === 0)).toBe(true);
    });

    steps.then("the runner is told that nothing waits, and leaves", async () => {
      await world().runnersLeft();
      const [runner] = (await world().child()).allocations.flatMap(({ tasks }) => tasks);
      expect(runner?.output).toContain("410");
      expect(runner?.exitCode).toBe(0);
    });

    steps.then("nothing is left", async () => {
      await world().runnersLeft();
      const { nomad, github } = await world().loop();
      const tasks = nomad.children().flatMap(({ allocations }) => allocations.flatMap((it) => it.tasks));
      expect(tasks.map(({ exitCode }) => exitCode)).toEqual(tasks.map(() => 0));
      expect(await eventually(() => !tasks.some(isAlive))).toBe(true);
      expect(github.runners()).toEqual([]);
      expect(await liveRunners(world())).toEqual([]);
      expect(
        await world().rows("SELECT * FROM jobs WHERE state IN ('checking', 'waiting', 'in_progress')"),
      ).toEqual([]);
    });
  };

/** What a dispatch and its runner were made from. */
export const thenDispatch =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.then(/^the dispatch is of the Nomad job "(.*)"$/, async (parent: string) => {
      expect((await world().child()).parent).toBe(parent);
    });

    steps.then("the dispatch has the meta", async (rows: readonly Row[]) => {
      const { meta } = await world().child();
      expect(meta).toEqual(await expected(world(), rows, String));
    });

    steps.then("the dispatch has the payload", async (rows: readonly Row[]) => {
      const { worker } = await world().loop();
      const child = await world().child();
      const { claim, claim_url, ...payload } = JSON.parse(child.payload) as Record<string, unknown>;
      expect(payload).toEqual(await expected(world(), rows, (id) => id));
      expect(claim_url).toBe(`${worker.url}/runners/claim`);
      expect(claim).toMatch(/^[\w-]+\.[\w-]{43}$/);
    });

    steps.then(
      /^the runner is named after the class, the job's id and the ordinal (\d+)$/,
      async (ordinal: string) => {
        const { id, runnerName } = await world().job();
        expect(runnerName).toMatch(RUNNER_NAME);
        expect(runnerName?.slice(6)).toBe(`-${world().className}-${String(id)}-${ordinal}`);
      },
    );

    steps.then(/^the runner has the labels "(.*)"$/, async (labels: string) => {
      const { github } = await world().loop();
      const registered = github.events.all().flatMap((it) => (it.type === "runner.registered" ? [it] : []));
      expect(registered.map(({ runner }) => runner.labels)).toEqual([list(labels)]);
    });
  };

interface Row {
  readonly key: string;
  readonly value: string;
}

/** A table of the scenario with the ids of what was queued in it. */
async function expected(
  world: World,
  rows: readonly Row[],
  show: (id: number) => unknown,
): Promise<Record<string, unknown>> {
  const { id, runId } = await world.job();
  const meant = new Map<string, unknown>([
    ["the job's id", show(id)],
    ["the run's id", show(runId)],
    ["no", false],
  ]);
  return Object.fromEntries(rows.map(({ key, value }) => [key, meant.get(value) ?? value]));
}

/** For each registration at GitHub, how many there were with it. */
async function registeredAtOnce(world: World): Promise<readonly number[]> {
  const { github } = await world.loop();
  let now = 0;
  return github.events.all().flatMap(({ type }) => {
    if (type === "runner.removed") now -= 1;
    if (type !== "runner.registered") return [];
    now += 1;
    return [now];
  });
}

function liveRunners(world: World): ReturnType<World["rows"]> {
  return world.rows("SELECT name, state FROM runners WHERE live = 1");
}
