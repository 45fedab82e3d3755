import fc from "fast-check";
import { pause, resume } from "../../../worker/ledger/pauses";
import { LINUX_CLASS, type TestLedger, startLedger } from "./database";
import { OrganizationWorld, REPOS } from "./organization-world";

const CLASS = { ...LINUX_CLASS, maxRunners: 4, maxRunnersPerRepository: 2 };

const KINDS = [
  "arrive",
  "arrive",
  "arrive",
  "dispatch",
  "dispatch",
  "claim",
  "claim",
  "assign",
  "assign",
  "finish",
  "leave",
  "die",
  "vanish",
  "cancel",
  "sweep",
  "wait",
  "pause",
  "resume",
  "resize",
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
}

const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pick: fc.nat(11) }), {
  minLength: 10,
  maxLength: 50,
});

const HELD = "SELECT count(*) AS n FROM runners WHERE live = 1 AND state IN ('claimed', 'busy')";

describe("an organization with a pool, a class of 4 runners, 2 per repository, and pauses", () => {
  let ledger: TestLedger;
  // One each: a run that took too long goes on behind the next test's back.
  beforeEach(async () => {
    ledger = await startLedger();
  });
  afterEach(async () => ledger.close());

  test.each([
    ["in time", 1_000],
    ["in time or late", 400_000],
  ])(
    "never has more runners, and serves every job that is not paused, with runners that start %s",
    async (_, waitMs) => {
      await fc.assert(
        fc.asyncProperty(steps, fc.nat(3), fc.boolean(), async (sequence, which, staysPaused) => {
          await ledger.empty();
          const world = new OrganizationWorld(ledger, CLASS);
          const paused = new Set<string>();
          for (const step of sequence) {
            await take(world, step, waitMs, paused);
            const [row] = await ledger.rows(HELD);
            expect(Number(row?.["n"])).toBeLessThanOrEqual(CLASS.maxRunners);
          }
          if (!staysPaused) for (const repo of paused) await resume(ledger.context, repo);
          const done = (): boolean => world.left.every(({ repo }) => staysPaused && paused.has(repo));
          expect(await world.drain(40, done, which)).toBe(true);
        }),
        {
          numRuns: Number(process.env["PROPERTY_RUNS"] ?? "6"),
          interruptAfterTimeLimit: 100_000,
          markInterruptAsFailure: true,
        },
      );
    },
    150_000,
  );
});

async function take(
  world: OrganizationWorld,
  { kind, pick }: Step,
  waitMs: number,
  paused: Set<string>,
): Promise<void> {
  const repo = REPOS[pick % REPOS.length] ?? REPOS[0];
  switch (kind) {
    case "arrive":
      return world.arrive(pick);
    case "dispatch":
      return world.dispatch(1 + (pick % 6));
    case "claim":
      await world.claim(pick);
      return;
    case "assign":
      return world.assign(pick, pick);
    case "finish":
      return world.finish(pick);
    case "leave":
      return world.leave(pick, "idle");
    case "die":
      return world.leave(pick, "starting");
    case "vanish":
      world.vanish(pick);
      return;
    case "cancel":
      return world.cancel(pick);
    case "sweep":
      return world.sweep();
    case "wait":
      world.ledger.clock += waitMs;
      return;
    case "pause":
      paused.add(repo);
      return pause(world.ledger.context, repo);
    case "resume":
      paused.delete(repo);
      return resume(world.ledger.context, repo);
    case "resize":
      world.size = pick % 3;
  }
}
