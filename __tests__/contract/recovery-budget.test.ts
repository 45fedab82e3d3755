import { generateKeyPairSync } from "node:crypto";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { states } from "../support/webhook";
import { queueManyUnsent, tokens } from "./support/dispatching";
import { type ListingGithub, RECOVERING, active, begin, listings } from "./support/recovery";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

/** Subrequests of one invocation on the free plan.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const FREE_PLAN = 50;

const REPOS = ["octo-org/one", "octo-org/two", "octo-org/three"];

describe("the subrequests of a sweep that looks for queued jobs", () => {
  // The shipped bundle takes no counting ledger, so this is counted on its sources in Node.
  let harness: Harness;
  let github: ListingGithub;
  let bindings: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  const start = async () => {
    await harness.reset();
    bindings = { RUNNER_POLICY: { ...RECOVERING, cleanUp: "delete" } };
    await harness.bind(bindings);
    github = await begin(harness);
    await active(harness, ...REPOS);
    REPOS.forEach((repo, index) => {
      github.runs.push({ id: 500 + index, repo, jobs: [{ id: 2 * index + 1 }, { id: 2 * index + 2 }] });
    });
  };
  beforeEach(start);
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

  const allFound = { 1: "waiting", 2: "waiting", 3: "waiting", 4: "waiting", 5: "waiting", 6: "waiting" };

  test("are at most 50, dispatches go first, and the jobs are found in the sweeps after it", async () => {
    await queueManyUnsent(harness, 60);
    await harness.runtime.db().prepare("DELETE FROM jobs WHERE job_id < 7").run();
    await harness.runtime.db().prepare("DELETE FROM runners WHERE job_id < 7").run();
    harness.nomad.reply = acceptingNomad;
    expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
    expect(tokens(harness).length).toBeGreaterThanOrEqual(33);
    expect(listings(harness)).toEqual([]);
    for (let sweeps = 1; tokens(harness).length < 60; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(8);
    }
    expect(await states(harness)).toMatchObject(allFound);
  });

  test("are at most 50 with an App that needs a token", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    bindings = {
      ...bindings,
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }),
      GITHUB_API_URL: `${harness.github.url}/recovery-of-an-app`,
    };
    github.instead = ({ path }) => {
      if (path.endsWith("/installation")) return { status: 200, body: { id: 7 } };
      if (!path.endsWith("/access_tokens")) return null;
      const expires = new Date(Date.now() + 3_600_000).toISOString();
      return { status: 201, body: { token: "ghs_for_tests", expires_at: expires } };
    };
    for (let sweeps = 1; Object.keys(await states(harness)).length < 6; sweeps++) {
      expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
      expect(sweeps).toBeLessThanOrEqual(8);
    }
    expect(await harness.rows("SELECT * FROM problems")).toEqual([]);
  });

  test.each(["before", "after"] as const)(
    "are at most 50 with any one batch lost %s it was done, and nothing counts or comes twice",
    async (how) => {
      for (let lost = 1; lost <= 10; lost++) {
        await start();
        expect(await counted((batch) => (batch === lost ? how : "commit"))).toBeLessThanOrEqual(FREE_PLAN);
        for (let sweeps = 1; Object.keys(await states(harness)).length < 6; sweeps++) {
          expect(await counted()).toBeLessThanOrEqual(FREE_PLAN);
          expect(sweeps).toBeLessThanOrEqual(8);
        }
        await counted();
        expect(tokens(harness).sort()).toEqual([1, 2, 3, 4, 5, 6].map((id) => `${String(id)}:1`));
        const [mark] = await harness.rows("SELECT value FROM marks WHERE name = 'recovered'");
        expect(JSON.parse(String(mark?.["value"]))).toEqual({ jobs: 6 });
      }
    },
    60_000,
  );
});
