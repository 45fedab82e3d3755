import fc from "fast-check";
import { readLedger } from "../../../worker/ledger/read";
import { type TestLedger, startLedger } from "./database";
import { World } from "./world";

/** One random step; `pick` chooses among what is there, `flag` between two ways of going on. */
interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly flag: boolean;
}

const KINDS = [
  "arrive",
  "arrive",
  "queue",
  "deliver",
  "deliver",
  "lose",
  "cancel",
  "cancelTold",
  "dispatch",
  "dispatch",
  "claim",
  "claim",
  "claim",
  "assign",
  "finish",
  "die",
  "idle",
  "resize",
  "keep",
  "sweep",
  "wait",
] as const;

const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pick: fc.nat(20), flag: fc.boolean() }), {
  minLength: 10,
  maxLength: 45,
});

const RANK: Readonly<Record<string, number>> = {
  checking: 0,
  waiting: 0,
  parked: 0,
  expired: 0,
  refused: 0,
  in_progress: 1,
  completed: 2,
};

describe("the ledger, in any order of deliveries, claims and deaths", () => {
  let ledger: TestLedger;
  beforeAll(async () => {
    ledger = await startLedger();
  });
  afterAll(async () => ledger.close());

  test("never takes a job back, never has more holders than jobs and pool ask for, and leaves nobody waiting", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await ledger.empty();
        const world = new World(ledger);
        const seen = new Map<number, number>();
        const known = new Set<string>();
        for (const step of sequence) {
          const firsts = world.accepted.size;
          const outcome = await take(world, step);
          const view = await readLedger(ledger.context);
          const load = view.loads[0] ?? { waiting: 0, on_the_way: 0, holders: 0 };
          if (outcome === "taken") expect(load.holders).toBeLessThanOrEqual(load.waiting);
          const idle = view.pools[0]?.idle ?? 0;
          if (outcome === "warm") expect(load.holders <= load.waiting || idle <= world.poolSize).toBe(true);
          await neverBack(ledger, seen);
          // What goes beyond one runner for each new job is asked for only while it is short.
          if (await replaced(ledger, known)) {
            expect(load.on_the_way).toBeLessThanOrEqual(load.waiting + world.accepted.size - firsts);
          }
        }
        await world.drain(400);
        await neverBack(ledger, seen);
        expect(world.jobs.filter((job) => world.accepted.has(job.id) && job.state !== "completed")).toEqual(
          [],
        );
        expect(
          world.children.filter((child) => child.state === "registered" || child.state === "busy"),
        ).toEqual([]);
        const { loads } = await readLedger(ledger.context);
        expect(loads.filter((load) => load.waiting > 0 || load.holders > 0 || load.busy > 0)).toEqual([]);
      }),
      {
        numRuns: Number(process.env["PROPERTY_RUNS"] ?? "30"),
        interruptAfterTimeLimit: 100_000,
        markInterruptAsFailure: true,
      },
    );
  }, 150_000);
});

async function take(world: World, { kind, pick, flag }: Step): Promise<string | null> {
  switch (kind) {
    case "arrive":
      world.queue();
      await world.deliver(world.deliveries.length - 1, flag && pick % 3 === 0);
      return null;
    case "queue":
      world.queue();
      return null;
    case "deliver":
      await world.deliver(pick, flag);
      return null;
    case "lose":
      await world.deliver(pick, false, true);
      return null;
    case "cancel":
      world.cancel(pick);
      return null;
    case "cancelTold":
      if (world.cancel(pick)) await world.deliver(world.deliveries.length - 1, false);
      return null;
    case "dispatch":
      await world.dispatch(flag && pick % 3 === 0);
      return null;
    case "claim":
      return world.claim(pick, flag && pick % 3 === 0);
    case "assign":
      world.assign(pick);
      return null;
    case "finish":
      await world.finish(pick, flag);
      return null;
    case "die":
      await world.die(pick, flag);
      return null;
    case "idle":
      await world.idleOut(flag);
      return null;
    case "resize":
      world.poolSize = pick % 3;
      return null;
    case "keep":
      await world.keep();
      return null;
    case "sweep":
      await world.sweep();
      return null;
    case "wait":
      world.ledger.clock += flag ? 20_000 : 400_000;
      return null;
  }
}

/** A job's state never goes back. */
async function neverBack(ledger: TestLedger, seen: Map<number, number>): Promise<void> {
  for (const row of await ledger.rows("SELECT job_id, state FROM jobs")) {
    const rank = RANK[String(row["state"])] ?? -1;
    const before = seen.get(Number(row["job_id"])) ?? 0;
    expect(rank).toBeGreaterThanOrEqual(before);
    seen.set(Number(row["job_id"]), rank);
  }
}

/** Whether replacements were requested since the last call. One that is taken back already does not count: a sweep asks
 *  for what is short before GitHub tells it that nobody waits. */
async function replaced(ledger: TestLedger, known: Set<string>): Promise<boolean> {
  const rows = await ledger.rows("SELECT name, ordinal, end_reason FROM runners WHERE warm = 0");
  const fresh = rows.filter((row) => !known.has(String(row["name"])));
  for (const row of fresh) known.add(String(row["name"]));
  return fresh.some((row) => Number(row["ordinal"]) > 1 && row["end_reason"] !== "unneeded");
}
