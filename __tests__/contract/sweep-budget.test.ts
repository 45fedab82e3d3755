import { generateKeyPairSync } from "node:crypto";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, POLICY, acceptingNomad, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import { jobs, queueManyUnsent, tokens } from "./support/dispatching";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

/** Subrequests of one invocation on the free plan.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const FREE_PLAN = 50;

const MOST_AT_ONCE = 6;

describe.each(RUNTIMES)("a sweep with much to send (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("does at least 35 dispatches, six at a time, and goes on at the next", async () => {
    await queueManyUnsent(harness, 40);
    let open = 0;
    let most = 0;
    harness.nomad.reply = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 15));
      open -= 1;
      return acceptingNomad();
    };
    await harness.sweep();
    const first = tokens(harness).length;
    expect(first).toBeGreaterThanOrEqual(35);
    expect(first).toBeLessThan(40);
    expect(most).toBe(MOST_AT_ONCE);
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(40);
    expect(new Set(tokens(harness)).size).toBe(40);
    expect(await harness.rows("SELECT DISTINCT state FROM runners")).toEqual([{ state: "dispatched" }]);
  });

  test("asks at both origins together for no more than the free plan has, with everything due at once", async () => {
    await queueManyUnsent(harness, 20);
    harness.nomad.reply = acceptingNomad;
    // Each of these jobs has waited for long enough to be looked up, too.
    await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
    harness.github.seen.length = 0;
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(20);
    expect(harness.nomad.seen.length + harness.github.seen.length).toBeLessThan(FREE_PLAN);
    expect(harness.github.seen.length).toBeGreaterThan(0);
  });
});

describe("the subrequests of a sweep, statements of the ledger counted with its fetches", () => {
  // The shipped bundle takes no counting ledger, so this is counted on its sources in Node.
  let harness: Harness;
  let ledger: WatchedLedger;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  async function countedSweep(
    bindings: Readonly<Record<string, unknown>> = {},
    fate: WatchedLedger["fate"] = () => "commit",
  ): Promise<number> {
    // A ledger the isolate has not seen yet: reading its version counts, too.
    ledger = watchLedger(harness.runtime.db());
    ledger.fate = fate;
    await harness.bind({ ...bindings, LEDGER: ledger.database });
    const before = harness.nomad.seen.length + harness.github.seen.length;
    await harness.sweep();
    return ledger.statements + harness.nomad.seen.length + harness.github.seen.length - before;
  }

  test("are few where nothing is due", async () => {
    expect(await countedSweep()).toBeLessThanOrEqual(15);
  });

  test("are at most 50 with 60 dispatches due", async () => {
    await queueManyUnsent(harness, 60);
    harness.nomad.reply = acceptingNomad;
    expect(await countedSweep()).toBeLessThanOrEqual(FREE_PLAN);
    expect(tokens(harness).length).toBeGreaterThanOrEqual(35);
  });

  test("are at most 50 with 60 dispatches that fail, and questions and removals due besides", async () => {
    await queueManyUnsent(harness, 60);
    await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
    for (const reply of ["drop", { status: 500, body: "parameterized job not found" }] satisfies Reply[]) {
      harness.nomad.reply = () => reply;
      await harness.age(61);
      expect(await countedSweep()).toBeLessThanOrEqual(FREE_PLAN);
    }
    expect(harness.nomad.seen.length).toBeGreaterThanOrEqual(70);
  });

  test("are at most 50 with more to ask than fits, and the rest is asked at the next", async () => {
    for (const job of jobs(40)) await harness.deliver(workflowJob(job));
    await harness.age(120);
    await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
    const asked = new Set<string>();
    for (let sweeps = 1; asked.size < 40; sweeps++) {
      harness.github.seen.length = 0;
      expect(await countedSweep()).toBeLessThanOrEqual(FREE_PLAN);
      for (const { path } of harness.github.seen) asked.add(path);
      expect(sweeps).toBeLessThanOrEqual(4);
    }
    expect(tokens(harness)).toHaveLength(40);
  });

  test("are at most 50 when an App must first get a token for each of twenty owners, and the answers are kept", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const bindings = {
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }),
      GITHUB_API_URL: `${harness.github.url}/of-an-app`,
      RUNNER_POLICY: { ...POLICY, repositories: ["owner-*/*"] },
    };
    await harness.bind(bindings);
    for (const { id = 0 } of jobs(20)) {
      await harness.deliver(workflowJob({ id, repository: `owner-${String(id)}/tool` }));
    }
    await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
    harness.github.reply = ({ path }) => {
      if (path.endsWith("/installation"))
        return { status: 200, body: { id: Number(/owner-(\d+)/.exec(path)?.[1]) } };
      if (path.endsWith("/access_tokens")) {
        const expires = new Date(Date.now() + 3_600_000).toISOString();
        return { status: 201, body: { token: "ghs_for_tests", expires_at: expires } };
      }
      return { status: 200, body: { status: "completed", conclusion: "success", runner_name: null } };
    };
    expect(await countedSweep(bindings)).toBeLessThanOrEqual(FREE_PLAN);
    expect((await harness.rows("SELECT 1 FROM jobs WHERE state = 'completed'")).length).toBeGreaterThan(5);
    for (let sweeps = 1; sweeps <= 6; sweeps++) {
      await harness.runtime.db().prepare("UPDATE jobs SET next_look_at = 0").run();
      expect(await countedSweep(bindings)).toBeLessThanOrEqual(FREE_PLAN);
    }
    expect(await harness.rows("SELECT DISTINCT state FROM jobs")).toEqual([{ state: "completed" }]);
  });

  test.each(["before", "after"] as const)(
    "are at most 50 with 60 dispatches due and any one batch lost %s it was done",
    async (how) => {
      for (let lost = 1; lost <= 4; lost++) {
        await harness.reset();
        await queueManyUnsent(harness, 60);
        harness.nomad.reply = acceptingNomad;
        const fate: WatchedLedger["fate"] = (batch) => (batch === lost ? how : "commit");
        expect(await countedSweep({}, fate)).toBeLessThanOrEqual(FREE_PLAN);
        expect(new Set(tokens(harness)).size).toBe(tokens(harness).length);
        expect(tokens(harness).length).toBeGreaterThanOrEqual(30);
      }
    },
  );

  test("are at most 50 with two batches lost, and what must wait then waits: old rows, not the dispatches", async () => {
    await queueManyUnsent(harness, 60);
    harness.nomad.reply = acceptingNomad;
    // The first batch ends what time has ended, the one after it leases; both are sent twice.
    expect(
      await countedSweep({}, (batch) => (batch === 1 || batch === 3 ? "after" : "commit")),
    ).toBeLessThanOrEqual(FREE_PLAN);
    expect(tokens(harness).length).toBeGreaterThanOrEqual(30);
    expect(ledger.batches.flat()).not.toContain("DELETE FROM");
    await countedSweep();
    expect(tokens(harness)).toHaveLength(60);
    expect(ledger.batches.flat()).toContain("DELETE FROM");
  });
});
