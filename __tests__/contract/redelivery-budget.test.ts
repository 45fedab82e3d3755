import { generateKeyPairSync } from "node:crypto";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { queueManyUnsent, tokens } from "./support/dispatching";
import {
  type HookAtGithub,
  type HookedGithub,
  REPEATING,
  appAnswers,
  begin,
  know,
  repeated,
  visited,
} from "./support/redelivery";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

/** Subrequests of one invocation on the free plan.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const FREE_PLAN = 50;

/** Repositories of the stack that this is made for. */
const REPOSITORIES = 167;

/** With a sweep each minute, a round within ten minutes. */
const SWEEPS = 10;

const DAY = 86_400;

describe("the subrequests of a sweep that walks through hooks, statements of the ledger counted with its fetches", () => {
  // The shipped bundle takes no counting ledger, so this is counted on its sources in Node.
  let harness: Harness;
  let github: HookedGithub;
  let bindings: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    github = await begin(harness);
    bindings = {};
    await policy({});
  });
  afterAll(async () => harness.close());

  async function policy(changes: Readonly<Record<string, unknown>>): Promise<void> {
    bindings = { ...bindings, RUNNER_POLICY: { ...REPEATING, ...changes } };
    await harness.bind(bindings);
    harness.github.seen.length = 0;
  }

  /** Of one sweep, with a ledger the isolate has not seen yet: reading its version counts, too. */
  async function counted(fate: WatchedLedger["fate"] = () => "commit"): Promise<number> {
    const ledger = watchLedger(harness.runtime.db());
    ledger.fate = fate;
    await harness.bind({ ...bindings, LEDGER: ledger.database });
    const before = harness.nomad.seen.length + harness.github.seen.length;
    await harness.sweep();
    return ledger.statements + harness.nomad.seen.length + harness.github.seen.length - before;
  }

  async function manyHooks(count = REPOSITORIES): Promise<readonly HookAtGithub[]> {
    const hooks = Array.from({ length: count }, (_, index) => github.add(`octo-org/tool-${String(index)}`));
    await know(harness, ...hooks);
    return hooks;
  }

  /** Sweeps until every hook was visited; each within the plan. */
  async function round(): Promise<number> {
    for (let sweeps = 1; ; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      if (new Set(visited(harness)).size === github.hooks.length) return sweeps;
      expect(sweeps).toBeLessThan(40);
    }
  }

  /** A scope that is due for the clean-up, and repositories that are due for the recovery. */
  async function othersDue(): Promise<void> {
    const db = harness.runtime.db();
    await db.batch([
      db.prepare(
        "INSERT OR REPLACE INTO scopes (scope, active_at, next_at) VALUES ('octo-org/tool-1', 9e15, 0)",
      ),
      db.prepare(
        "INSERT OR REPLACE INTO repos (repo, active_at, next_at) VALUES ('octo-org/tool-2', 9e15, 0)",
      ),
    ]);
  }

  /** Ten sweeps with clean-up and recovery due in each. @returns in how many either had its turn */
  async function tenSweeps(): Promise<{ readonly compared: number; readonly recovered: number }> {
    const met = { compared: 0, recovered: 0 };
    for (let sweeps = 1; sweeps <= SWEEPS; sweeps++) {
      await othersDue();
      const before = harness.github.seen.length;
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      const paths = harness.github.seen.slice(before).map(({ path }) => path);
      met.compared += Number(paths.some((path) => path.includes("/actions/runners?")));
      met.recovered += Number(paths.some((path) => path.includes("/actions/runs?")));
    }
    return met;
  }

  test("are few where nothing is due", async () => {
    expect(await counted()).toBeLessThanOrEqual(20);
    expect(harness.github.seen).toEqual([]);
  });

  test("are enough for 167 hooks in six sweeps where nothing else is on", async () => {
    await manyHooks();
    expect(await round()).toBeLessThanOrEqual(6);
  });

  test("are enough for 167 hooks in ten sweeps with clean-up and recovery due in each, and these get their turns", async () => {
    await policy({ cleanUp: "delete", recovery: "on" });
    await manyHooks();
    const { compared, recovered } = await tenSweeps();
    expect(new Set(visited(harness)).size).toBe(REPOSITORIES);
    expect(compared).toBeGreaterThanOrEqual(3);
    expect(recovered).toBeGreaterThanOrEqual(3);
  });

  test("are enough for them with an App whose tokens every isolate has to ask for anew", async () => {
    await policy({ cleanUp: "delete", recovery: "on" });
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const app = {
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }),
    };
    github.instead = appAnswers;
    await manyHooks();
    for (let sweeps = 1; sweeps <= SWEEPS; sweeps++) {
      // What an isolate remembers of GitHub is kept by API URL.
      bindings = { ...bindings, ...app, GITHUB_API_URL: `${harness.github.url}/isolate-${String(sweeps)}` };
      await othersDue();
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
    }
    expect(harness.github.seen.filter(({ path }) => path.endsWith("/access_tokens")).length).toBe(SWEEPS);
    expect(new Set(visited(harness)).size).toBe(REPOSITORIES);
    expect(await harness.rows("SELECT * FROM problems")).toEqual([]);
  });

  test("used up are no answer, however long a repository's name is: nothing counts as asked for that was not sent", async () => {
    const long = "a-repository-with-a-name-as-long-as-github-allows-".repeat(2);
    const hooks = Array.from({ length: 14 }, (_, index) =>
      github.add(`octo-org-of-thirty-nine-characters-long/${long.slice(0, 98)}${String(10 + index)}`),
    );
    await policy({ repositories: ["octo-org-of-thirty-nine-characters-long/*"] });
    await know(harness, ...hooks);
    for (const hook of hooks) for (let one = 0; one < 3; one++) github.attempt(hook);
    for (let sweeps = 0; sweeps < 3; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      const [sum] = await harness.rows("SELECT sum(tries) AS tries FROM redeliveries");
      expect(sum).toEqual({ tries: repeated(harness).length });
    }
    expect(await harness.rows("SELECT * FROM problems")).toEqual([]);
  });

  test("go to 35 dispatches first, and the walk goes on where it was", async () => {
    await manyHooks();
    await counted();
    const before = visited(harness);
    await queueManyUnsent(harness, 60);
    harness.nomad.reply = acceptingNomad;
    harness.github.seen.length = 0;
    expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
    expect(tokens(harness).length).toBeGreaterThanOrEqual(35);
    await counted();
    expect(tokens(harness)).toHaveLength(60);
    await counted();
    const after = visited(harness);
    expect(after.length).toBeGreaterThan(20);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });

  test("are at most 50 with failures at every hook, each asked for once, while the walk goes on", async () => {
    await policy({ cleanUp: "delete", recovery: "on" });
    const hooks = await manyHooks();
    const failed = hooks.map((hook) => github.attempt(hook).id);
    for (let sweeps = 1; repeated(harness).length < failed.length; sweeps++) {
      await othersDue();
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(60);
    }
    expect(repeated(harness).sort((one, other) => one - other)).toEqual(failed);
    expect(new Set(visited(harness)).size).toBe(REPOSITORIES);
  });

  test("are at most 50 where one hook has a thousand failures, and all of them are read", async () => {
    const [hook] = await manyHooks(1);
    if (hook === undefined) throw new Error("no hook");
    for (let count = 0; count < 1_000; count++) github.attempt(hook, { action: "completed" });
    for (let sweeps = 1; (await harness.rows("SELECT 1 FROM redeliveries")).length < 1_000; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(10);
    }
  });

  test.each(["before", "after"] as const)(
    "are at most 50 with any one batch lost %s it was done, and nothing is asked for twice",
    async (how) => {
      for (let lost = 1; lost <= 10; lost++) {
        await harness.reset();
        github = await begin(harness);
        await harness.bind(bindings);
        const hooks = await manyHooks(40);
        const failed = hooks.slice(0, 4).map((hook) => github.attempt(hook).id);
        expect(await counted((batch) => (batch === lost ? how : "commit"))).toBeLessThanOrEqual(FREE_PLAN);
        for (let sweeps = 1; sweeps <= 4; sweeps++) expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
        expect(repeated(harness).sort((one, other) => one - other)).toEqual(failed);
        expect(await harness.rows("SELECT DISTINCT tries FROM redeliveries")).toEqual([{ tries: 1 }]);
      }
    },
  );

  test("write nothing but the sweep's mark where nothing changed", async () => {
    const hooks = await manyHooks(20);
    for (const hook of hooks)
      github.attempt(hook, { delivered_at: new Date(Date.now() - 4 * DAY * 1000).toISOString() });
    await counted();
    const rows = async () => harness.rows("SELECT * FROM hooks ORDER BY id");
    const before = await rows();
    const ledger = watchLedger(harness.runtime.db());
    await harness.bind({ ...bindings, LEDGER: ledger.database });
    harness.github.seen.length = 0;
    await harness.sweep();
    expect(harness.github.seen.map(({ headers }) => headers["if-none-match"] !== undefined)).toEqual(
      hooks.map(() => true),
    );
    expect(await rows()).toEqual(before);
    expect(ledger.batches.flat().filter((words) => words === "INSERT INTO")).toEqual(["INSERT INTO"]);
  });
});
