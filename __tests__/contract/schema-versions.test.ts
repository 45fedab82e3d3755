import { workflowJob } from "../support/harness/deliveries";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { registerRunner, tokens } from "./support/dispatching";

const TABLES = [
  "hook_targets",
  "hooks",
  "jobs",
  "ledger_version",
  "marks",
  "pauses",
  "problems",
  "redeliveries",
  "repos",
  "runners",
  "scopes",
  "strays",
];

describe.each(RUNTIMES)("the ledger's tables (%s)", (runtime) => {
  let harness: Harness;
  beforeEach(async () => {
    // A database that nobody has ever written to.
    harness = await startHarness(runtime);
  });
  afterEach(async () => harness.close());

  async function oneJobToItsEnd(id: number): Promise<void> {
    expect((await harness.deliver(workflowJob({ id }))).status).toBe(202);
    const runner = await registerRunner(harness, `${String(id)}:1`);
    await harness.deliver(workflowJob({ id, action: "in_progress", runner }));
    await harness.deliver(workflowJob({ id, action: "completed", runner }));
    await harness.sweep();
    expect(await harness.rows(`SELECT state FROM jobs WHERE job_id = ${String(id)}`)).toEqual([
      { state: "completed" },
    ]);
  }

  test("are made by the Worker itself", async () => {
    const tables = await harness.rows(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
    );
    expect(tables.map(({ name }) => name)).toEqual(TABLES);
    const versions = await harness.rows("SELECT version, applied_at FROM ledger_version");
    expect(versions).toEqual(
      [1, 2, 3].map((version) => ({ version, applied_at: expect.any(Number) as number })),
    );
    expect(Math.abs(Number(versions[0]?.["applied_at"]) - Date.now())).toBeLessThan(60_000);
  });

  test("hold no column for a claim, a JIT config or a secret", async () => {
    const columns: string[] = [];
    for (const table of TABLES)
      for (const { name } of await harness.rows(`SELECT name FROM pragma_table_info('${table}')`))
        columns.push(String(name));
    expect(columns.length).toBeGreaterThan(40);
    for (const name of columns) expect(name).not.toMatch(/secret|token|jit_config|signature|^claim$/);
  });

  test("of the next version carry this Worker: it leaves them as they are and works", async () => {
    const db = harness.runtime.db();
    await db.batch([
      db.prepare("INSERT INTO ledger_version (version, applied_at) VALUES (4, 1)"),
      db.prepare("ALTER TABLE jobs ADD COLUMN priority INT NOT NULL DEFAULT 50"),
      db.prepare("ALTER TABLE runners ADD COLUMN node TEXT"),
      db.prepare("CREATE TABLE nodes (name TEXT PRIMARY KEY, seen_at INT NOT NULL)"),
      db.prepare("CREATE INDEX jobs_priority ON jobs (priority)"),
    ]);
    // In Node another object for the same database is one whose version this isolate has not read yet.
    if (runtime === "node") await harness.bind({ LEDGER: Object.assign(Object.create(db), { again: true }) });
    await oneJobToItsEnd(1);
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await harness.rows("SELECT version FROM ledger_version ORDER BY version")).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
    ]);
    expect(await harness.rows("SELECT priority FROM jobs")).toEqual([{ priority: 50 }]);
  });
});
