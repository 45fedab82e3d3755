import {
  type DueScope,
  dueCleanUp,
  recordCompared,
  recordSettled,
  scopeNotFound,
} from "../../../worker/ledger/clean-up";
import type { LedgerContext } from "../../../worker/ledger/context";
import { type TestLedger, startLedger } from "./database";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("whose registrations are compared", () => {
  let ledger: TestLedger;
  beforeAll(async () => {
    ledger = await startLedger();
  });
  beforeEach(async () => {
    await ledger.empty();
  });
  afterAll(async () => ledger.close());

  const run = async (sql: string) => ledger.context.db.prepare(sql).run();
  /** Runners at work, one in each of so many scopes. */
  const active = async (scopes: number) =>
    run(`INSERT INTO runners (name, job_id, ordinal, scope, class, state, live, until, requested_at, next_attempt_at, op)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(scopes)})
      SELECT 'abcdef-linux-' || i || '-1', i, 1, 'octo-org/repo-' || i, 'linux', 'busy', 1, 9e15, 0, 0, 'op' FROM n`);
  const end = async () => run(`UPDATE runners SET live = 0, ended_at = ${String(ledger.clock)}`);

  const compare = async (scope: DueScope, changes: Partial<Parameters<typeof recordCompared>[1]> = {}) =>
    recordCompared(ledger.context, {
      ...scope,
      idle: [],
      busy: [],
      complete: true,
      waitMs: 0,
      ...changes,
    });
  /** Sweeps each so many minutes for so long. @returns scope → the times at which it was compared */
  const sweeps = async (minutes: number, every = 1): Promise<Map<string, number[]>> => {
    const times = new Map<string, number[]>();
    for (let minute = 0; minute < minutes; minute += every) {
      ledger.clock += every * MINUTE;
      const { scope } = await dueCleanUp(ledger.context, true);
      if (scope === null) continue;
      // GitHub has them all, so nobody is missed.
      const name = scope.scope.replace(/.*-/, "abcdef-linux-") + "-1";
      await compare(scope, { seen: JSON.stringify([name]) });
      times.set(scope.scope, [...(times.get(scope.scope) ?? []), ledger.clock]);
    }
    return times;
  };
  const requests = (times: Map<string, number[]>): number => [...times.values()].flat().length;
  const gaps = (times: readonly number[]): number[] =>
    times.slice(1).map((at, index) => (at - (times[index] ?? 0)) / MINUTE);

  test("one active scope costs GitHub six requests an hour", async () => {
    await active(1);
    const times = await sweeps(121);
    expect(requests(times)).toBe(12);
    expect(new Set(gaps(times.get("octo-org/repo-1") ?? []))).toEqual(new Set([10]));
  });

  test("one idle scope is compared every six hours, and for two weeks", async () => {
    await active(1);
    await dueCleanUp(ledger.context, true);
    await end();
    const times = (await sweeps(25 * 60, 10)).get("octo-org/repo-1") ?? [];
    // While its last runner is an hour past or less, as often as an active one.
    const idle = gaps(times).filter((gap) => gap > 10);
    expect(idle.every((gap) => gap === 360)).toBe(true);
    expect(idle.length).toBeGreaterThanOrEqual(3);
    ledger.clock += 12 * DAY;
    await sweeps(1);
    expect(await ledger.rows("SELECT scope FROM scopes")).toHaveLength(1);
    ledger.clock += 2 * DAY;
    await sweeps(1);
    expect(await ledger.rows("SELECT scope FROM scopes")).toEqual([]);
  });

  test("of 167 active scopes each has its turn, at 60 requests an hour", async () => {
    await active(167);
    const times = await sweeps(10 + 2 * 167);
    expect(requests(times)).toBeLessThanOrEqual(10 + 2 * 167);
    expect([...times.values()].every((at) => at.length === 2)).toBe(true);
    expect(times.size).toBe(167);
    expect(new Set([...times.values()].flatMap(gaps))).toEqual(new Set([167]));
  });

  test("a first sighting is followed up before others have had their turn, but not in every sweep", async () => {
    await active(50);
    await sweeps(60);
    await run(`INSERT INTO strays SELECT 'abcdef-linux-1-1', 'octo-org/repo-1', 'github', 1, '', 1, 0, 0, 0`);
    await run("UPDATE scopes SET next_at = iif(scope = 'octo-org/repo-1', 1, 0)");
    const turns: string[] = [];
    for (let minute = 0; minute < 4; minute++) {
      ledger.clock += MINUTE;
      const { scope } = await dueCleanUp(ledger.context, true);
      turns.push(scope?.scope ?? "");
      // Not compared: what is preferred stays so.
      await run(`UPDATE scopes SET next_at = 2 WHERE scope = '${scope?.scope ?? ""}'`);
    }
    expect(turns.map((scope) => scope === "octo-org/repo-1").filter(Boolean)).toHaveLength(2);
    expect(new Set(turns).size).toBe(3);
  });

  test("a pass that is under way goes on before any other begins", async () => {
    await active(3);
    await dueCleanUp(ledger.context, true);
    ledger.clock += 10 * MINUTE;
    const { scope } = await dueCleanUp(ledger.context, true);
    if (scope === null) throw new Error("no scope is due");
    await compare(scope, { complete: false, page: 6, seen: '["x"]' });
    for (let minute = 0; minute < 3; minute++) {
      ledger.clock += MINUTE;
      expect((await dueCleanUp(ledger.context, true)).scope).toEqual({ ...scope, page: 6, seen: '["x"]' });
    }
  });

  test("a scope that comes back to life is compared ten minutes later, whatever was planned", async () => {
    await active(1);
    await sweeps(11);
    await scopeNotFound(ledger.context, "octo-org/repo-1");
    await end();
    expect(requests(await sweeps(61))).toBe(0);
    await run("UPDATE runners SET live = 1");
    expect(requests(await sweeps(11))).toBe(1);
  });

  test("that a scope is active is not written each minute", async () => {
    await active(1);
    await sweeps(11);
    const [before] = await ledger.rows("SELECT active_at FROM scopes");
    await sweeps(18);
    expect(await ledger.rows("SELECT active_at FROM scopes")).toEqual([before]);
    await sweeps(10);
    expect(await ledger.rows("SELECT active_at FROM scopes")).not.toEqual([before]);
  });

  test("strays are settled for one scope in a sweep, the longest known first", async () => {
    await run(`INSERT INTO strays VALUES ('a', 'octo-org/one', 'github', 1, '', 2, 5, 0, 0),
      ('b', 'octo-org/two', 'github', 2, '', 2, 3, 0, 0), ('c', 'octo-org/two', 'github', 3, '', 2, 4, 0, 0)`);
    const names = async () => (await dueCleanUp(ledger.context, true)).strays.map(({ name }) => name);
    expect(await names()).toEqual(["b", "c"]);
    expect((await dueCleanUp(ledger.context, false)).strays).toEqual([]);
    await recordSettled(ledger.context, {
      deleted: [],
      ended: [],
      cleared: ["b"],
      kept: ["c"],
      waitMs: HOUR,
    });
    expect(await names()).toEqual(["a"]);
  });

  test("costs no more rows because thousands of runners are over", async () => {
    const counter = { read: 0 };
    const { db } = ledger.context;
    const context: LedgerContext = {
      ...ledger.context,
      db: {
        prepare: (sql: string) => db.prepare(sql),
        batch: async (statements: D1PreparedStatement[]) => {
          const results = await db.batch(statements);
          for (const result of results) counter.read += result.meta.rows_read;
          return results;
        },
      } as unknown as D1Database,
    };
    const cost = async (): Promise<number> => {
      await run("DELETE FROM scopes");
      await dueCleanUp(ledger.context, true);
      await run("UPDATE scopes SET next_at = 0");
      counter.read = 0;
      const { scope } = await dueCleanUp(context, true);
      if (scope === null) throw new Error("no scope is due");
      await recordCompared(context, {
        ...scope,
        idle: [["abcdef-linux-9-9", 1]],
        busy: ["abcdef-linux-1-1"],
        seen: '["abcdef-linux-1-1"]',
        complete: true,
        waitMs: 0,
      });
      return counter.read;
    };
    await active(1);
    // The first time there is nothing to write over.
    await cost();
    const young = await cost();
    const at = String(ledger.clock - HOUR);
    await run(`INSERT INTO runners (name, job_id, ordinal, scope, class, state, live, until, requested_at, next_attempt_at,
        ended_at, end_reason, op)
      WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5001)
      SELECT 'old-' || i, i, 1, 'octo-org/repo-1', 'linux', 'ended', 0, 0, 0, 0, ${at}, 'done', 'op' FROM n`);
    expect(await cost()).toBe(young);
    expect(young).toBeLessThan(60);
  });
});
