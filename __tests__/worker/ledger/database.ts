import { Miniflare } from "miniflare";
import type { RunnerClass, RunnerPolicy } from "../../../contracts/policy";
import { COMPATIBILITY_DATE } from "../../../contracts/runtime";
import type { LedgerContext } from "../../../worker/ledger/context";
import { upgrade } from "../../../worker/ledger/schema";

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
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};

const POLICY: RunnerPolicy = {
  scope: "repository",
  repositories: ["octo-org/*"],
  publicRepositories: [],
  forkPullRequests: "refuse",
  requireSelfHostedLabel: true,
  runnerGroupId: 1,
  classes: [LINUX_CLASS],
};

export async function startLedger(): Promise<TestLedger> {
  const miniflare = new Miniflare({
    modules: true,
    script: "export default {}",
    d1Databases: ["LEDGER"],
    compatibilityDate: COMPATIBILITY_DATE,
  });
  const db = await miniflare.getD1Database("LEDGER");
  let stamp = 0;
  const ledger: TestLedger = {
    clock: 1_800_000_000_000,
    context: {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- miniflare gives a stub of it
      db,
      policy: POLICY,
      stackId: "abcdef",
      now: () => ledger.clock,
      newOp: () => `op-${String((stamp += 1))}`,
    },
    rows: async (sql) => (await db.prepare(sql).all<Record<string, string | number | null>>()).results,
    empty: async () => {
      await db.batch(
        ["jobs", "runners", "problems", "marks"].map((table) => db.prepare(`DELETE FROM ${table}`)),
      );
    },
    close: async () => miniflare.dispose(),
  };
  await upgrade(ledger.context);
  return ledger;
}
