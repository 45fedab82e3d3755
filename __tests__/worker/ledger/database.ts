import { Miniflare } from "miniflare";
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

export interface TestClass {
  readonly name: string;
  readonly cap: number;
  readonly pickup: number;
  readonly hold: number;
  readonly span: number;
}

/** The class that most tests need: 300 s to pick up, 300 s idle, 6 h at work. */
export const LINUX_CLASS: TestClass = {
  name: "linux",
  cap: 0,
  pickup: 300_000,
  hold: 360_000,
  span: 22_200_000,
};

export async function startLedger(classes: readonly TestClass[] = [LINUX_CLASS]): Promise<TestLedger> {
  const miniflare = new Miniflare({
    modules: true,
    script: "export default {}",
    d1Databases: ["LEDGER"],
    compatibilityDate: "2026-04-01",
  });
  const db = await miniflare.getD1Database("LEDGER");
  let stamp = 0;
  const ledger: TestLedger = {
    clock: 1_800_000_000_000,
    context: {
      db: db as unknown as D1Database,
      classes: JSON.stringify(classes),
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
