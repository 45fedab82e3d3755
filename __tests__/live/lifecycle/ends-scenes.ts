import { rm, writeFile } from "node:fs/promises";
import { endAll } from "../processes";
import { until } from "../runners-namespace";
import { endRunner, processesOf } from "./endings";
import { BRIEF, type EndsGround, IDLE, PATIENT, type Shown } from "./ends-ground";
import type { Means } from "./kill-plan";
import { historyOf, passADay } from "./ledger";

/** One way for a runner to end. */
export interface End {
  readonly title: string;
  /** Plays it. @returns the job */
  readonly play: (ground: EndsGround) => Promise<number>;
  /** What has to be shown of it afterwards. */
  readonly due: Readonly<Record<keyof Shown, RegExp>>;
}

const LONG_MS = 60_000;
const SHORT_MS = 200;
const SUCCESS = /^success, 0 runners$/;
const CANCELLED = /^cancelled, 0 runners$/;
const FAILED = /^failure, 0 runners$/;
const REPLACED = /^1 released, 2 done$/;
/** Nomad asks who watched over a stopped task how that ended, and gets no answer (-1) where the watcher was faster. */
const STOPPED = /^(?:complete|failed) (?:143|-1)$/;
const STOPPED_THEN_DONE = /^(?:complete|failed) (?:143|-1), complete 0$/;

/** Ends that a job or its class causes. */
export const ENDS_OF_JOBS: readonly End[] = [
  {
    title: "the job is done",
    play: async (ground) => {
      const { id } = await ground.queue(PATIENT, SHORT_MS);
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: /^1 done$/, nomad: /^complete 0$/ },
  },
  {
    title: "cancelled before a runner was there",
    play: async (ground) => {
      await ground.place.nomad.setRoom(false);
      const { id } = await ground.queue(PATIENT, SHORT_MS);
      await ground.place.nomad.blocked(await ground.child(id));
      await ground.place.loop.github.cancelJob(id);
      await ground.place.nomad.setRoom(true);
      return id;
    },
    due: { github: CANCELLED, ledger: /^1 refused$/, nomad: /^complete 0$/ },
  },
  {
    title: "cancelled while it runs",
    play: async (ground) => {
      const { id } = await ground.queue(PATIENT, LONG_MS);
      await ground.event("job.in_progress", id);
      await ground.place.loop.github.cancelJob(id);
      await ground.completed(id);
      return id;
    },
    due: { github: CANCELLED, ledger: /^1 done$/, nomad: /^complete 0$/ },
  },
  {
    title: "no job came in time",
    play: async (ground) => {
      ground.giveJobs(false);
      const { id } = await ground.queue(IDLE, SHORT_MS);
      await ground.event("runner.removed", id);
      ground.giveJobs(true);
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: REPLACED, nomad: /^failed 20, complete 0$/ },
  },
  {
    title: "the job took too long",
    play: async (ground) => {
      const { id } = await ground.queue(BRIEF, LONG_MS);
      await ground.completed(id);
      return id;
    },
    due: { github: CANCELLED, ledger: /^1 done$/, nomad: /^failed 21$/ },
  },
  {
    title: "GitHub refuses the JIT config",
    play: async (ground) => {
      const fault = { kind: "answer", status: 422, body: '{"message":"Validation Failed"}' } as const;
      ground.place.loop.github.faults.add({ method: "POST", path: /generate-jitconfig/, fault });
      const { id } = await ground.queue(PATIENT, SHORT_MS);
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: REPLACED, nomad: /^failed 13, complete 0$/ },
  },
  {
    title: "GitHub refuses the runner's version",
    play: async (ground) => {
      await writeFile(ground.refusedVersion, "");
      const { id } = await ground.queue(PATIENT, SHORT_MS);
      await ground.event("runner.removed", id);
      await rm(ground.refusedVersion);
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: REPLACED, nomad: /^failed 37, complete 0$/ },
  },
];

/** Ends that an operator, or the machine, causes. */
export const ENDS_OF_ALLOCATIONS: readonly End[] = [
  {
    title: "nomad job stop before the claim",
    play: async (ground) => {
      const stopped = ground.atTheClaim(async ({ job }) => ground.place.nomad.stop(await ground.child(job)));
      const { id } = await ground.queue(PATIENT, SHORT_MS);
      await stopped;
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: REPLACED, nomad: STOPPED_THEN_DONE },
  },
  ...endsBefore("nomad job stop", "stop the job", STOPPED_THEN_DONE),
  ...endsBefore("SIGKILL", "signal", /^failed 137, complete 0$/),
  {
    title: "nomad job stop in the job",
    play: (ground) => inTheJob(ground, "stop the job"),
    due: { github: CANCELLED, ledger: /^1 done$/, nomad: STOPPED },
  },
  {
    title: "nomad alloc stop in the job",
    play: (ground) => inTheJob(ground, "stop the allocation"),
    // Nomad may place another allocation, to which the claim is refused: it leaves with 0.
    due: {
      github: CANCELLED,
      ledger: /^1 done$/,
      nomad: /^(?:complete 0, )?(?:complete|failed) (?:143|-1)(?:, complete 0)?$/,
    },
  },
  {
    title: "SIGKILL in the job",
    play: (ground) => killedInTheJob(ground, "signal"),
    due: { github: FAILED, ledger: /^1 gone$/, nomad: /^failed 137$/ },
  },
  {
    title: "every process is killed in the job",
    play: (ground) => killedInTheJob(ground, "processes"),
    due: { github: FAILED, ledger: /^1 gone$/, nomad: /^failed 137$/ },
  },
];

/** A runner ends after its registration, and before GitHub gave it a job. */
function endsBefore(how: string, means: Means, nomad: RegExp): readonly End[] {
  return [
    {
      title: `${how} before a job came`,
      play: async (ground) => {
        ground.giveJobs(false);
        const { id } = await ground.queue(PATIENT, SHORT_MS);
        await ground.event("runner.online", id);
        await end(ground, id, means);
        await ground.event("runner.removed", id);
        ground.giveJobs(true);
        await ground.completed(id);
        return id;
      },
      due: { github: SUCCESS, ledger: REPLACED, nomad },
    },
  ];
}

async function inTheJob(ground: EndsGround, means: Means): Promise<number> {
  const { id } = await ground.queue(PATIENT, LONG_MS);
  await ground.event("job.in_progress", id);
  await end(ground, id, means);
  await ground.completed(id);
  return id;
}

/** GitHub takes the runner to be busy until it gives the job up, and so keeps the registration when the claim is given
 *  back; the Worker looks again after a minute. */
async function killedInTheJob(ground: EndsGround, means: Means): Promise<number> {
  const id = await inTheJob(ground, means);
  await until("the claim's being given back", async () =>
    /^1 (?:removing|gone)$/.test(await historyOf(ground.place, id)) ? true : undefined,
  );
  await passADay(ground.place);
  return id;
}

async function end(ground: EndsGround, job: number, means: Means): Promise<void> {
  const child = await ground.child(job);
  const [{ ID: allocation } = { ID: "" }] = await ground.allocations(child);
  const { agent } = ground.world;
  const { nomad, namespace } = ground.place;
  if (!(await endRunner(means, { agent, nomad, namespace, allocation, child })))
    throw new Error(`there was nothing to end by "${means}"`);
}

/** Ends of the node that the runner is on: the second one, with nothing else on it. */
export const ENDS_OF_NODES: readonly End[] = [
  {
    title: "Nomad's client is restarted in the job",
    play: async (ground) => {
      const { id } = await ground.queue(PATIENT, 6_000);
      await ground.event("job.in_progress", id);
      await ground.world.agent.second?.halt("SIGINT");
      await ground.world.agent.second?.resume();
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: /^1 done$/, nomad: /^complete 0$/ },
  },
  {
    title: "Nomad's client is killed in the job, and comes back",
    play: async (ground) => {
      const { id } = await ground.queue(PATIENT, 6_000);
      await ground.event("job.in_progress", id);
      await ground.world.agent.second?.halt("SIGKILL");
      await ground.world.agent.second?.resume();
      await ground.completed(id);
      return id;
    },
    due: { github: SUCCESS, ledger: /^1 done$/, nomad: /^complete 0$/ },
  },
  {
    title: "the node is drained with a deadline",
    play: async (ground) => {
      const { id } = await ground.queue(PATIENT, LONG_MS);
      await ground.event("job.in_progress", id);
      await drain(ground, true);
      await ground.completed(id);
      // Nomad may want to place it elsewhere: there has to be room for that.
      await ground.place.nomad.setRoom(true);
      await drain(ground, false);
      return id;
    },
    due: { github: CANCELLED, ledger: /^1 done$/, nomad: /(?:143|-1)/ },
  },
  {
    title: "the node is lost with the job",
    play: async (ground) => {
      const { id } = await ground.queue(BRIEF, 3_500);
      await ground.event("job.in_progress", id);
      await loseNode(ground, id);
      await ground.completed(id);
      await ground.world.agent.second?.resume();
      return id;
    },
    due: { github: FAILED, ledger: /^1 (?:done|released)$/, nomad: /^(?:lost|failed)/ },
  },
  {
    title: "the node is lost before a job came",
    play: async (ground) => {
      ground.giveJobs(false);
      const { id } = await ground.queue(BRIEF, SHORT_MS);
      await ground.event("runner.online", id);
      await loseNode(ground, id);
      await ground.offline(id);
      await ground.place.nomad.setRoom(true);
      ground.giveJobs(true);
      // As long as the Worker believes in a silent runner.
      await passADay(ground.place);
      await ground.completed(id);
      await ground.world.agent.second?.resume();
      return id;
    },
    due: { github: SUCCESS, ledger: /^1 (?:gone|released|done), 2 done$/, nomad: /complete 0/ },
  },
];

/** The client and all that it runs go at once. */
async function loseNode(ground: EndsGround, job: number): Promise<void> {
  const [{ ID } = { ID: "" }] = await ground.allocations(await ground.child(job));
  const started = processesOf(ID);
  await ground.world.agent.second?.halt("SIGKILL");
  endAll(started);
}

/** Drains the second node, or ends its drain. */
async function drain(ground: EndsGround, on: boolean): Promise<void> {
  const { agent } = ground.world;
  const node = await secondNode(ground);
  const DrainSpec = on ? { Deadline: 3_000_000_000, IgnoreSystemJobs: false } : null;
  await agent.call("POST", `/v1/node/${node}/drain`, { DrainSpec, MarkEligible: true });
  if (!on) return;
  await until("the node's drain", async () => {
    const { DrainStrategy } = (await agent.call("GET", `/v1/node/${node}`)) as { DrainStrategy: unknown };
    return DrainStrategy === null ? true : undefined;
  });
}

/** Id of the node that is not the server's own. */
export async function secondNode({ world: { agent } }: EndsGround): Promise<string> {
  const nodes = (await agent.call("GET", "/v1/nodes")) as { readonly ID: string }[];
  for (const { ID } of nodes) {
    const { HTTPAddr } = (await agent.call("GET", `/v1/node/${ID}`)) as { readonly HTTPAddr: string };
    if (!agent.url.endsWith(HTTPAddr)) return ID;
  }
  throw new Error("Nomad has no second node");
}
