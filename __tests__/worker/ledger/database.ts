import type { RunnerClass, RunnerPolicy } from "../../../contracts/policy";
import type { LedgerContext } from "../../../worker/ledger/context";
import { upgrade } from "../../../worker/ledger/schema";
import { startLocalD1 } from "../../support/harness/local-d1";

/** A ledger on a local D1, with a clock that the test moves. */
export interface TestLedger {
  readonly context: LedgerContext;
  clock: number;
  rows(sql: string): Promise<Record<string, string | number | null>[]>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** The class that most tests need: 300 s to pick up, 300 s idle, 6 h at work. */
export const LINUX_CLASS: RunnerClass = {
  name: "linux",
  job: "github-runner-linux",
  labels: ["self-hosted", "linux"],
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};

const POLICY: RunnerPolicy = {
  scopes: [
    {
      scope: "repository",
      repositories: ["octo-org/*"],
      publicRepositories: [],
      forkPullRequests: "refuse",
      requireSelfHostedLabel: true,
      runnerGroupId: 1,
    },
  ],
  classes: [LINUX_CLASS],
  pools: [],
  cleanUp: "delete",
  recovery: "on",
  redelivery: "on",
};

export async function startLedger(): Promise<TestLedger> {
  const db = await startLocalD1();
  let stamp = 0;
  const ledger: TestLedger = {
    clock: 1_800_000_000_000,
    context: {
      db: db as unknown as LedgerContext["db"],
      policy: POLICY,
      stackId: "abcdef",
      now: () => ledger.clock,
      newOp: () => `op-${String((stamp += 1))}`,
    },
    rows: async (sql) => (await db.prepare(sql).all()).results,
    empty: async () => {
      await db.batch(
        [
          "jobs",
          "runners",
          "problems",
          "marks",
          "pauses",
          "strays",
          "scopes",
          "repos",
          "hooks",
          "hook_targets",
          "redeliveries",
        ].map((table) => db.prepare(`DELETE FROM ${table}`)),
      );
    },
    close: async () => db.close(),
  };
  await upgrade(ledger.context);
  return ledger;
}

/** Rows that statements in batches read and wrote, indexes included, as D1 bills them. */
export interface CountedRows {
  read: number;
  written: number;
}

/** The same ledger, counting. */
export function countRows(context: LedgerContext): {
  readonly context: LedgerContext;
  readonly rows: CountedRows;
} {
  const { db } = context;
  const rows: CountedRows = { read: 0, written: 0 };
  const batch = async (statements: D1PreparedStatement[]) => {
    const results = await db.batch(statements);
    for (const { meta } of results) {
      rows.read += meta.rows_read;
      rows.written += meta.rows_written;
    }
    return results;
  };
  const counted = { prepare: (sql: string) => db.prepare(sql), batch } as unknown as D1Database;
  return { context: { ...context, db: counted }, rows };
}
