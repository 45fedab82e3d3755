import fc from "fast-check";
import { pause, resume } from "../../../worker/ledger/pauses";
import { type TestLedger, startLedger } from "./database";
import { LimitsWorld, REPOS } from "./limits-world";

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
  "cancel",
  "sweep",
  "wait",
  "pause",
  "resume",
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
}

const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pick: fc.nat(11) }), {
  minLength: 15,
  maxLength: 50,
});

const CLASS_LIMIT = 4;
const SHARE = 2;

/** Runners with a claim or a job, and those on the way besides, by repository. */
const TAKEN = `SELECT scope, sum(state IN ('claimed', 'busy')) AS held,
  sum(state IN ('claimed', 'busy') OR (state = 'dispatched' AND until > $NOW)) AS placed
  FROM runners WHERE live = 1 GROUP BY scope`;

describe("a class of 4 runners, 2 per repository, with 3 repositories", () => {
  let ledger: TestLedger;
  // One each: a run that took too long goes on behind the next test's back.
  beforeEach(async () => {
    ledger = await startLedger();
  });
  afterEach(async () => ledger.close());

  async function withinLimits(what: "held" | "placed"): Promise<void> {
    const rows = await ledger.rows(TAKEN.replace("$NOW", String(ledger.clock)));
    const counts = rows.map((row) => Number(row[what]));
    expect(Math.max(0, ...counts)).toBeLessThanOrEqual(SHARE);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(CLASS_LIMIT);
  }

  async function play(sequence: readonly Step[], waitMs: number): Promise<void> {
    await ledger.empty();
    const world = new LimitsWorld(ledger, { maxRunners: CLASS_LIMIT, maxRunnersPerRepository: SHARE });
    const paused = new Set<string>();
    for (const { kind, pick } of sequence) {
      const before = world.children.length;
      await take(world, kind, pick, waitMs, paused);
      const sent = world.children.slice(before).map(({ repo }) => repo);
      expect(sent.filter((repo) => paused.has(repo))).toEqual([]);
      await withinLimits("held");
      // A runner past its deadline has no place, and has one again when it turns up.
      if (waitMs < 5_000) await withinLimits("placed");
    }
    for (const repo of paused) await resume(ledger.context, repo);
    expect(await world.drain(200)).toBe(true);
    await withinLimits("held");
    for (const name of REPOS) {
      const order = world.sent.filter(({ repo }) => repo === name).map((job) => world.jobs.indexOf(job));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  }

  test.each([
    ["in time", 1_000],
    ["in time or late", 400_000],
  ])(
    "never has more, serves every job, and sends a repository's in order of arrival, with runners that start %s",
    async (_, waitMs) => {
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => play(sequence, waitMs)),
        {
          numRuns: Number(process.env["PROPERTY_RUNS"] ?? "8"),
          interruptAfterTimeLimit: 100_000,
          markInterruptAsFailure: true,
        },
      );
    },
    150_000,
  );

  test("fills its places from whoever waits: a repository at its limit leaves the others theirs", async () => {
    await ledger.empty();
    const world = new LimitsWorld(ledger, { maxRunners: CLASS_LIMIT, maxRunnersPerRepository: SHARE });
    for (const pick of [0, 0, 0, 0, 1, 1, 1, 2]) await world.arrive(pick);
    await world.dispatch(6);
    expect(world.children.map(({ repo }) => repo)).toEqual([REPOS[0], REPOS[0], REPOS[1], REPOS[1]]);
    await world.claim(0);
    await world.assign(0);
    await world.finish(0);
    // The third job of the first is the oldest that waits.
    await world.dispatch(6);
    expect(world.children.at(-1)?.repo).toBe(REPOS[0]);
  });
});

async function take(
  world: LimitsWorld,
  kind: Step["kind"],
  pick: number,
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
      return world.assign(pick);
    case "finish":
      return world.finish(pick);
    case "leave":
      return world.leave(pick, "idle");
    case "die":
      return world.leave(pick, "starting");
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
  }
}
