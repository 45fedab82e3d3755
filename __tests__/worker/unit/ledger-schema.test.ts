import { type LedgerContext, LedgerUnavailable } from "../../../worker/ledger/context";
import { SCHEMA_VERSION, upgrade } from "../../../worker/ledger/schema";
import { type LocalD1, startLocalD1 } from "../../support/harness/local-d1";
import { policy } from "./support/policies";

let ledger: LocalD1;
let db: D1Database;
beforeEach(async () => {
  // Each test has a database that nobody has written to.
  ledger = await startLocalD1();
  db = ledger as unknown as D1Database;
});
afterEach(async () => ledger.close());

function contextOf(
  database: D1Database = db,
  onStatements: (count: number) => void = () => undefined,
): LedgerContext {
  return {
    db: database,
    policy: policy(),
    stackId: "abcdef",
    now: () => 1_800_000_000_000,
    newOp: () => "op",
    onStatements,
  };
}

const versions = async (): Promise<unknown> =>
  (await db.prepare("SELECT version FROM ledger_version ORDER BY version").all()).results;
const columns = async (table: string): Promise<unknown[]> =>
  (await db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all()).results.map(
    (row) => row["name"],
  );

/** A row for each version of this Worker. */
const ALL = Array.from({ length: SCHEMA_VERSION }, (_, index) => ({ version: index + 1 }));

/** What versions look like: a first, and one that only adds. */
const FIRST = [
  "CREATE TABLE ledger_version (version INTEGER PRIMARY KEY, applied_at INT NOT NULL)",
  "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
  "INSERT INTO ledger_version (version, applied_at) VALUES (1, 0)",
];
const SECOND = [
  "INSERT INTO ledger_version (version, applied_at) VALUES (2, 0)",
  "ALTER TABLE things ADD COLUMN weight INT NOT NULL DEFAULT 1",
  "CREATE TABLE others (id INTEGER PRIMARY KEY)",
];
const THIRD = [
  "INSERT INTO ledger_version (version, applied_at) VALUES (3, 0)",
  "ALTER TABLE things ADD COLUMN colour TEXT",
];

describe("the ledger's schema", () => {
  test("is made once, and after that costs one statement", async () => {
    const counts: number[] = [];
    const count = (n: number): void => void counts.push(n);
    await upgrade(contextOf(db, count));
    expect(await versions()).toEqual(ALL);
    expect(counts.length).toBeGreaterThan(2);
    counts.length = 0;
    await upgrade(contextOf(db, count));
    expect(counts).toEqual([1]);
  });

  test("is made by one of two Workers that begin at once; the other finds it made", async () => {
    await Promise.all([upgrade(contextOf()), upgrade(contextOf()), upgrade(contextOf())]);
    expect(await versions()).toEqual(ALL);
    expect((await columns("runners")).length).toBeGreaterThan(20);
  });

  test("goes up by the versions that are missing, in order, whichever Worker is first", async () => {
    await upgrade(contextOf(), [FIRST]);
    await db.prepare("INSERT INTO things (id, name) VALUES (1, 'kept')").run();
    const all = [FIRST, SECOND, THIRD];
    await Promise.all([upgrade(contextOf(), all), upgrade(contextOf(), all)]);
    expect(await versions()).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect((await db.prepare("SELECT * FROM things").all()).results).toEqual([
      { id: 1, name: "kept", weight: 1, colour: null },
    ]);
  });

  test("of a newer Worker is left as it is by the one before, which works on it", async () => {
    await upgrade(contextOf(), [FIRST, SECOND]);
    await upgrade(contextOf(), [FIRST]);
    expect(await versions()).toEqual([{ version: 1 }, { version: 2 }]);
    await db.prepare("INSERT INTO things (id, name) VALUES (1, 'by the older')").run();
    expect((await db.prepare("SELECT * FROM things").all()).results).toEqual([
      { id: 1, name: "by the older", weight: 1 },
    ]);
  });

  test("that half of a version would leave behind is rolled back whole", async () => {
    const broken = [SECOND[0] ?? "", SECOND[1] ?? "", "CREATE TABLE things (id INT)"];
    await expect(upgrade(contextOf(), [FIRST, broken])).rejects.toThrow(LedgerUnavailable);
    expect(await versions()).toEqual([{ version: 1 }]);
    expect(await columns("things")).toEqual(["id", "name"]);
    // The next Worker brings a version that works.
    await upgrade(contextOf(), [FIRST, SECOND]);
    expect(await columns("things")).toEqual(["id", "name", "weight"]);
  });

  test("that was made although its answer was lost is found made", async () => {
    let lost = 0;
    const database = {
      prepare: (sql: string) => db.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        await db.batch(statements);
        lost += 1;
        throw new Error("D1_ERROR: Network connection lost.");
      },
    } as unknown as D1Database;
    await upgrade(contextOf(database));
    expect(lost).toBe(SCHEMA_VERSION);
    expect(await versions()).toEqual(ALL);
  });

  test("whose version row somebody deleted is unavailable, and nothing is made over it", async () => {
    await upgrade(contextOf(), [FIRST]);
    await db.prepare("DELETE FROM ledger_version").run();
    await expect(upgrade(contextOf(), [FIRST])).rejects.toThrow(/already exists/);
    expect(await versions()).toEqual([]);
  });

  test("that cannot be read is unavailable, not empty: nothing is made then", async () => {
    const database = {
      prepare: () => ({ first: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")) }),
      batch: () => Promise.reject(new Error("not to be asked")),
    } as unknown as D1Database;
    await expect(upgrade(contextOf(database))).rejects.toThrow(
      new LedgerUnavailable("D1_ERROR: Network connection lost."),
    );
  });

  test("whose reading fails with no error at all is unavailable, too", async () => {
    const database = {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a runtime throws is anything
      prepare: () => ({ first: () => Promise.reject("nothing") }),
    } as unknown as D1Database;
    await expect(upgrade(contextOf(database))).rejects.toThrow(new LedgerUnavailable("unknown error"));
  });
});
