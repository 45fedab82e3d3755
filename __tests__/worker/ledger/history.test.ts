import type { RunnerClass } from "../../../contracts/policy";
import { recordRegistration, takeClaim } from "../../../worker/ledger/claims";
import type { LedgerContext } from "../../../worker/ledger/context";
import { leaseDispatches, recordDispatches } from "../../../worker/ledger/dispatches";
import { type PlacedJob, completed, queued, started } from "../../../worker/ledger/jobs";
import { findHeld, release } from "../../../worker/ledger/releases";
import { pause } from "../../../worker/ledger/pauses";
import { keepWanted } from "../../../worker/ledger/pools";
import { dueWork, observe, settle } from "../../../worker/ledger/work";
import { LINUX_CLASS, type TestLedger, startLedger } from "./database";

const SCOPE = "octo-org/example";

function placed(jobId: number): PlacedJob {
  return {
    jobId,
    scope: SCOPE,
    class: "linux",
    repo: SCOPE,
    runId: 1,
    name: "build",
    fork: false,
    delivery: `g${String(jobId)}`,
  };
}

/** The same ledger with one class, counting the rows that each batch read. */
function counting(
  ledger: TestLedger,
  runnerClass: RunnerClass,
): { readonly context: LedgerContext; read: number } {
  const { db, policy } = ledger.context;
  const counter = {
    read: 0,
    context: {
      ...ledger.context,
      policy: { ...policy, classes: [runnerClass] },
      db: {
        prepare: (sql: string) => db.prepare(sql),
        batch: async (statements: D1PreparedStatement[]) => {
          const results = await db.batch(statements);
          for (const result of results) counter.read += result.meta.rows_read;
          return results;
        },
      } as unknown as D1Database,
    },
  };
  return counter;
}

/** Rows read by one whole life of a job, and by a sweep with nothing to do, each step by its name. */
async function costs(ledger: TestLedger, runnerClass: RunnerClass): Promise<Record<string, number>> {
  const counter = counting(ledger, runnerClass);
  const { context } = counter;
  const result: Record<string, number> = {};
  const step = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    counter.read = 0;
    await work();
    result[name] = counter.read;
  };
  const claim = { scope: SCOPE, class: "linux", job: 900_001, ordinal: 1, exp: 2_000_000_000 };
  const runner = "abcdef-linux-900001-1";
  await step("queued", () => queued(context, placed(900_001), false));
  await step("lease", () => leaseDispatches(context, 6));
  await step("dispatched", () =>
    recordDispatches(context, [{ name: runner, ok: true, deadlineAt: ledger.clock + 1 }], new Map()),
  );
  await step("claim", async () => {
    const taken = await takeClaim(context, claim, "a", runnerClass);
    if (taken.outcome === "taken") await recordRegistration(context, taken.claim, 7);
  });
  await step("in_progress", () => started(context, 900_001, placed(900_001), runner));
  await step("completed", () => completed(context, 900_001, placed(900_001), runner, "success"));
  await step("release", async () => {
    const held = await findHeld(context, claim);
    if (held !== null) await release(context, held);
  });
  const pool = [{ scope: SCOPE, class: "linux", size: 2 }];
  await step("pool filled", () => keepWanted(context, pool));
  await step("pool full", () => keepWanted(context, pool));
  await step("pool leased", () => leaseDispatches(context, 6));
  await step("sweep", async () => {
    await settle(context, pool);
    await dueWork(context, 20);
    await observe(context, [], []);
  });
  return result;
}

/** Finished jobs with their runners, and as many runners of pools. */
async function addHistory(ledger: TestLedger, count: number): Promise<void> {
  const { db } = ledger.context;
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count)})`;
  const at = String(ledger.clock - 3_600_000);
  const runners = (name: string, jobId: string, ordinal: string, warm: number) =>
    db.prepare(`INSERT INTO runners (name, job_id, ordinal, warm, scope, class, state, live, until, requested_at,
        next_attempt_at, ended_at, end_reason, op)
      ${numbers} SELECT '${name}' || i, ${jobId}, ${ordinal}, ${String(warm)}, '${SCOPE}', 'linux', 'ended', 0, ${at}, ${at}, ${at},
        ${at}, 'done', 'old' FROM n`);
  await db.batch([
    db.prepare(`INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, arrived_at, queued_at, updated_at, op)
      ${numbers} SELECT i, '${SCOPE}', 'linux', '${SCOPE}', 1, 'old', 0, 'completed', ${at}, ${at}, ${at}, 'old' FROM n`),
    runners("old-", "i", "1", 0),
    runners("old-warm-", "0", "i", 1),
  ]);
}

const LIMITED: RunnerClass = { ...LINUX_CLASS, maxRunners: 5, maxRunnersPerRepository: 2 };

describe.each([
  ["without limits", LINUX_CLASS, []],
  ["with limits", LIMITED, []],
  ["with limits and other repositories paused", LIMITED, ["octo-org/a", "octo-org/b"]],
] as const)("the ledger and its history, %s", (_, runnerClass, paused) => {
  let ledger: TestLedger;
  beforeAll(async () => {
    ledger = await startLedger();
  });
  afterAll(async () => ledger.close());

  test("no transition and no sweep reads more rows because thousands of jobs are over", async () => {
    for (const repo of paused) await pause(ledger.context, repo);
    await addHistory(ledger, 10);
    const young = await costs(ledger, runnerClass);
    await ledger.empty();
    for (const repo of paused) await pause(ledger.context, repo);
    await addHistory(ledger, 5_000);
    expect(await costs(ledger, runnerClass)).toEqual(young);
    expect(Object.values(young).every((read) => read < 100)).toBe(true);
  });
});
