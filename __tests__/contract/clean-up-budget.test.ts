import { generateKeyPairSync } from "node:crypto";
import { workflowJob } from "../support/harness/deliveries";
import { SCOPE, STACK } from "../support/claims";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { type PagedGithub, begin, cleaning, deletions, pages } from "./support/clean-up";
import { jobs, queueManyUnsent, tokens } from "./support/dispatching";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

/** Subrequests of one invocation on the free plan.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const FREE_PLAN = 50;

describe("the subrequests of a sweep that cleans up, statements of the ledger counted with its fetches", () => {
  // The shipped bundle takes no counting ledger, so this is counted on its sources in Node.
  let harness: Harness;
  let github: PagedGithub;
  let bindings: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    bindings = { RUNNER_POLICY: cleaning("delete") };
    await harness.bind(bindings);
    github = await begin(harness);
  });
  afterAll(async () => harness.close());

  /** Of one sweep, with a ledger the isolate has not seen yet: reading its version counts, too. */
  async function counted(fate: WatchedLedger["fate"] = () => "commit"): Promise<number> {
    const ledger = watchLedger(harness.runtime.db());
    ledger.fate = fate;
    await harness.bind({ ...bindings, LEDGER: ledger.database });
    const before = harness.nomad.seen.length + harness.github.seen.length;
    await harness.sweep();
    return ledger.statements + harness.nomad.seen.length + harness.github.seen.length - before;
  }

  /** Registrations that were sighted often and long enough, and a scope that is due. */
  async function strayed(count: number, scopes: readonly string[] = [SCOPE]): Promise<void> {
    const db = harness.runtime.db();
    const names = Array.from({ length: count }, (_, index) => `${STACK}-linux-${String(9000 + index)}-1`);
    await db.batch([
      ...names.map((name, index) =>
        db.prepare(
          `INSERT INTO strays (name, scope, side, registration_id, op, sightings, first_at, last_at)
            VALUES ('${name}', '${scopes[index % scopes.length] ?? ""}', 'github', ${String(github.add(name).id)}, '', 2, 0, 9e15)`,
        ),
      ),
      ...scopes.map((scope) =>
        db.prepare(`INSERT OR REPLACE INTO scopes (scope, active_at, next_at) VALUES ('${scope}', 9e15, 0)`),
      ),
    ]);
  }

  test("are few where nothing is due", async () => {
    expect(await counted()).toBeLessThanOrEqual(20);
    expect(harness.github.seen).toEqual([]);
  });

  test("are at most 50, dispatches go first, and the rest is done in the sweeps after it", async () => {
    await queueManyUnsent(harness, 60);
    harness.nomad.reply = acceptingNomad;
    await strayed(20);
    expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
    expect(tokens(harness).length).toBeGreaterThanOrEqual(33);
    expect(deletions(harness)).toEqual([]);
    for (let sweeps = 1; github.runners.length > 0; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(8);
    }
    expect(tokens(harness)).toHaveLength(60);
    expect(pages(harness).length).toBeGreaterThan(0);
  });

  test("are at most 50 with questions, strays and many pages due at once, and all of them get their turn", async () => {
    for (const job of jobs(30)) await harness.deliver(workflowJob(job));
    await strayed(12);
    for (let index = 0; index < 800; index++) github.add(`somebody-${String(index)}`);
    const questions = () => harness.github.seen.filter(({ path }) => path.includes("/actions/jobs/")).length;
    await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
    for (let sweeps = 1; deletions(harness).length < 12 || !pages(harness).includes(9); sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(8);
    }
    expect(questions()).toBeGreaterThanOrEqual(30);
    expect(pages(harness).sort((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("are at most 50 with an App that needs a token for each owner", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    bindings = {
      ...bindings,
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }),
      GITHUB_API_URL: `${harness.github.url}/clean-up-of-an-app`,
    };
    github.instead = ({ path }) => {
      if (path.endsWith("/installation"))
        return { status: 200, body: { id: Number(/owner-(\d+)/.exec(path)?.[1]) } };
      if (!path.endsWith("/access_tokens")) return null;
      const expires = new Date(Date.now() + 3_600_000).toISOString();
      return { status: 201, body: { token: "ghs_for_tests", expires_at: expires } };
    };
    await strayed(
      20,
      jobs(10).map(({ id = 0 }) => `owner-${String(id)}/tool`),
    );
    for (let sweeps = 1; github.runners.length > 0; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(20);
    }
    expect(await harness.rows("SELECT * FROM problems")).toEqual([]);
  });

  test.each(["before", "after"] as const)(
    "are at most 50 with any one batch lost %s it was done, and nothing counts twice",
    async (how) => {
      for (let lost = 1; lost <= 12; lost++) {
        await harness.reset();
        await harness.bind(bindings);
        github = await begin(harness);
        await strayed(1);
        github.add(`${STACK}-linux-1-1`);
        expect(await counted((batch) => (batch === lost ? how : "commit"))).toBeLessThanOrEqual(FREE_PLAN);
        expect(deletions(harness)).toHaveLength(1);
        expect(await harness.rows("SELECT sightings FROM strays")).toEqual([{ sightings: 1 }]);
        const [mark] = await harness.rows("SELECT value FROM marks WHERE name = 'cleaned_up'");
        expect(JSON.parse(String(mark?.["value"]))).toEqual({ registrations: 1, runners: 0 });
      }
    },
  );

  test("are spent on the rest where the clean-up cannot even tell that it failed", async () => {
    await strayed(1);
    const db = harness.runtime.db();
    const away = ["scopes", "problems"];
    await db.batch(away.map((table) => db.prepare(`ALTER TABLE ${table} RENAME TO ${table}_away`)));
    try {
      harness.runtime.lines.length = 0;
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      const events = harness.runtime.lines.map((line) => (JSON.parse(line) as { event: string }).event);
      expect(events).toEqual(["clean_up_failed", "swept"]);
    } finally {
      await db.batch(away.map((table) => db.prepare(`ALTER TABLE ${table}_away RENAME TO ${table}`)));
    }
  });
});
