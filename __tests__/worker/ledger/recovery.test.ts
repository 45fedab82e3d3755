import type { App } from "../../../worker/app";
import { RECOVERY_ROOM, recover } from "../../../worker/recovery";
import { type CountedRows, type TestLedger, countRows, startLedger } from "./database";

/** What the sweep keeps for its end. */
const KEEP = 3;

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** What docs/operations.md says of the recovery's cost. */
interface Told {
  /** What else the sweep does: hooks without end, which leave room in every third sweep. */
  readonly beside: "nothing" | "many hooks";
  readonly repositories: number;
  /** Requests to GitHub in an hour. */
  readonly requests: number;
  /** Minutes between two visits of one repository: on average, and at most. */
  readonly mean: number;
  readonly most: number;
  /** Rows of D1 in a day, indexes included. */
  readonly read: number;
  readonly written: number;
}

const TOLD: readonly Told[] = [
  { beside: "nothing", repositories: 1, requests: 20, mean: 5, most: 5, read: 13_000, written: 2_100 },
  { beside: "nothing", repositories: 167, requests: 360, mean: 47, most: 52, read: 75_000, written: 13_500 },
  {
    beside: "nothing",
    repositories: 1_000,
    requests: 360,
    mean: 279,
    most: 305,
    read: 75_000,
    written: 13_500,
  },
  {
    beside: "many hooks",
    repositories: 167,
    requests: 100,
    mean: 168,
    most: 192,
    read: 30_000,
    written: 4_500,
  },
];

describe("what the search for queued jobs costs", () => {
  let ledger: TestLedger;
  /** When each repository's queued runs were asked for. */
  let asked: Map<string, number[]>;
  let requests: number;
  let app: App;
  /** Subrequests that the sweep of a minute has for it. */
  let roomAt: (minute: number) => number;
  let rows: CountedRows;
  beforeAll(async () => {
    ledger = await startLedger();
  });
  beforeEach(async () => {
    await ledger.empty();
    const counted = countRows(ledger.context);
    rows = counted.rows;
    asked = new Map();
    requests = 0;
    roomAt = () => KEEP + 37;
    const listRuns = async (repo: string, status: string) => {
      requests++;
      if (status === "queued") asked.set(repo, [...(asked.get(repo) ?? []), ledger.clock]);
      return Promise.resolve({ ok: true, value: { items: [], last: true } });
    };
    app = {
      config: { policy: ledger.context.policy },
      ledger: counted.context,
      github: { listRuns },
      now: () => ledger.clock,
      subrequests: { left: () => roomAt(ledger.clock / MINUTE) },
    } as unknown as App;
  });
  afterAll(async () => ledger.close());

  const run = async (sql: string) => ledger.context.db.prepare(sql).run();
  /** So many repositories with one job each. */
  const jobs = async (count: number, firstId = 1, at = ledger.clock) =>
    run(`INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, arrived_at, queued_at, updated_at, op)
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count - 1)})
      SELECT ${String(firstId)} + i, 'octo-org/repo-' || i, 'linux', 'octo-org/repo-' || i, 1, 'build', 0, 'completed',
        ${String(at)}, ${String(at)}, ${String(at)}, 'op' FROM n`);
  const minutes = async (count: number) => {
    for (let minute = 0; minute < count; minute++) {
      ledger.clock += MINUTE;
      await recover(app, KEEP);
    }
  };
  const forget = () => {
    asked.clear();
    requests = 0;
    rows.read = 0;
    rows.written = 0;
  };

  test.each(TOLD)(
    "$repositories active repositories beside $beside: $requests requests an hour, one visit each in $mean minutes",
    async (told) => {
      await jobs(told.repositories);
      if (told.beside === "many hooks") roomAt = (minute) => KEEP + (minute % 3 === 0 ? RECOVERY_ROOM : 0);
      // One round in which each is visited for the first time.
      await minutes(told.mean + 10);
      const first = new Map(asked);
      forget();
      const length = Math.max(120, told.mean);
      await minutes(length);
      const hours = length / 60;
      expect(requests / hours).toBeLessThanOrEqual(told.requests);
      expect(requests / hours).toBeGreaterThan(told.requests * 0.95);
      const visits = [...asked.values()].flat().length;
      expect((told.repositories * length) / visits).toBeLessThanOrEqual(told.mean);
      const gaps = [...asked].flatMap(([repo, at]) => {
        const all = [...(first.get(repo) ?? []), ...at];
        return all.slice(1).map((time, turn) => (time - (all[turn] ?? 0)) / MINUTE);
      });
      expect(Math.max(...gaps)).toBeLessThanOrEqual(told.most);
      const ofDay = (count: number) => (count / hours) * 24;
      expect(ofDay(rows.read)).toBeLessThanOrEqual(told.read);
      expect(ofDay(rows.written)).toBeLessThanOrEqual(told.written);
    },
    60_000,
  );

  test("reads no more rows because thousands of jobs are over, of today or of long ago", async () => {
    await jobs(10);
    await minutes(10);
    const hour = async (): Promise<CountedRows> => {
      forget();
      await minutes(60);
      return { ...rows };
    };
    const young = await hour();
    await jobs(5_000, 10_000, ledger.clock - DAY);
    await jobs(5_000, 20_000, ledger.clock - 10 * DAY);
    await run("UPDATE jobs SET repo = 'octo-org/repo-0' WHERE job_id >= 10000");
    const old = await hour();
    expect(old.read).toBeLessThanOrEqual(young.read * 1.05);
    expect(old.written).toBeLessThanOrEqual(young.written * 1.05);
  });
});
