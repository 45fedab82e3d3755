import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { NO_SUCH_JOB, claimOf, holderOf, postJob, tokens } from "./support/dispatching";
import { type Fate, type WatchedLedger, watchLedger } from "./support/watched-ledger";

// The shipped bundle takes no failing ledger, so all of this runs on its sources in Node.

let harness: Harness;
let ledger: WatchedLedger;
beforeAll(async () => {
  harness = await startHarness("node");
});
beforeEach(async () => {
  await harness.reset();
  ledger = watchLedger(harness.runtime.db());
  await harness.bind({ LEDGER: ledger.database });
  // The first request reads the ledger's version; that is not what is looked at here.
  await harness.sweep();
  ledger.batches.length = 0;
});
afterAll(async () => harness.close());

const lost: WatchedLedger["fate"] = () => "before";

/** Everything that must not depend on how often a batch was sent. */
async function ledgerNow(): Promise<unknown> {
  return {
    jobs: await harness.rows("SELECT job_id, state, conclusion, runner_name FROM jobs ORDER BY job_id"),
    runners: await harness.rows(
      `SELECT job_id, ordinal, state, live, end_reason, holder, registration_id IS NULL AS unregistered, attempts,
        taken_job_id, taken_done FROM runners ORDER BY job_id, ordinal`,
    ),
  };
}

/** A bit of everything: two jobs, one is cancelled, a runner dies, one works, one lost, sweeps between. */
async function story(): Promise<void> {
  const claim = async (token: string): Promise<string> => {
    const response = await harness.claim(claimOf(harness, token), holderOf(token));
    expect(response.status).toBe(201);
    return ((await response.json()) as { runner_name: string }).runner_name;
  };
  await harness.deliver(workflowJob({ id: 1 }), "one");
  await harness.deliver(workflowJob({ id: 2 }), "two");
  await harness.deliver(workflowJob({ id: 2 }), "two-again");
  await claim("1:1");
  expect((await harness.release(claimOf(harness, "1:1"), holderOf("1:1"))).status).toBe(204);
  const runner = await claim("1:2");
  await harness.deliver(workflowJob({ id: 1, action: "in_progress", runner }));
  await harness.deliver(workflowJob({ id: 2, action: "completed", conclusion: "cancelled" }));
  expect((await harness.claim(claimOf(harness, "2:1"), "late")).status).toBe(410);
  await harness.deliver(workflowJob({ id: 3 }), "three");
  await harness.age(301);
  await harness.sweep();
  await harness.deliver(workflowJob({ id: 1, action: "completed", runner }));
}

describe("a transition", () => {
  test("is one batch: a delivery's is the only thing the answer waits for", async () => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    const writes: string[][] = [];
    for (const options of [
      { id: 1 },
      { id: 1, action: "in_progress" },
      { id: 1, action: "completed" },
    ] as const) {
      ledger.batches.length = 0;
      expect((await postJob(harness, options)).status).toBe(202);
      writes.push(ledger.batches[0] ?? []);
      await harness.runtime.idle();
    }
    for (const batch of writes) {
      expect(batch[0]).toBe("INSERT INTO");
      expect(batch.at(-1)).toMatch(/^SELECT/);
      expect(batch.length).toBeGreaterThanOrEqual(4);
    }
  });

  test.each([
    // Nothing was done, so it matters little which batch it is.
    ["before", 7],
    ["after", 1],
  ] as const)(
    "that is lost %s it was done is sent again, and comes to the same",
    async (how, step) => {
      await story();
      const expected = await ledgerNow();
      const sent = tokens(harness);
      const batches = ledger.batches.length;
      expect(batches).toBeGreaterThan(20);
      for (let nth = 1; nth <= batches; nth += step) {
        await harness.reset();
        ledger = watchLedger(harness.runtime.db());
        await harness.bind({ LEDGER: ledger.database });
        await harness.sweep();
        ledger.batches.length = 0;
        // A batch that failed once is sent a second time as batch n + 1.
        ledger.fate = (batch): Fate => (batch === nth ? how : "commit");
        await story();
        expect({ nth, ledger: await ledgerNow(), sent: tokens(harness) }).toEqual({
          nth,
          ledger: expected,
          sent,
        });
      }
    },
    120_000,
  );

  test("that is lost twice is answered with 503 and Retry-After, and a redelivery makes it good", async () => {
    ledger.fate = lost;
    const response = await postJob(harness, { id: 1 }, "one-guid");
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(ledger.batches).toHaveLength(2);
    ledger.fate = () => "commit";
    expect(await harness.rows("SELECT 1 FROM jobs")).toEqual([]);
    expect((await harness.deliver(workflowJob({ id: 1 }), "one-guid")).status).toBe(202);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("of a claim that is lost twice is answered with 503, and the runner asks again", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    ledger.fate = lost;
    const refused = await harness.claim(claimOf(harness, "1:1"), "a");
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await harness.release(claimOf(harness, "1:1"), "a")).status).toBe(503);
    ledger.fate = () => "commit";
    expect((await harness.claim(claimOf(harness, "1:1"), "a")).status).toBe(201);
  });

  test("that cannot be done leaves /status unavailable and a line in the sweep's log, no more", async () => {
    ledger.fate = lost;
    harness.runtime.lines.length = 0;
    await harness.sweep();
    expect(harness.runtime.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: "error", event: "sweep_failed", detail: "D1_ERROR: Network connection lost." },
    ]);
  });

  test("after which Nomad's answer cannot be written is sent again under the same token when its lease is over", async () => {
    let leased = 0;
    harness.nomad.reply = () => {
      leased = ledger.batches.length;
      return acceptingNomad();
    };
    ledger.fate = (batch) => (leased > 0 && batch > leased ? "before" : "commit");
    await harness.deliver(workflowJob({ id: 1 }));
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "requested" }]);
    expect(harness.runtime.lines.join("\n")).toContain('"follow_failed"');
    ledger.fate = () => "commit";
    await harness.age(31);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await harness.rows("SELECT ordinal, state FROM runners")).toEqual([
      { ordinal: 1, state: "dispatched" },
    ]);
  });
});

describe("a ledger that never answers", () => {
  afterEach(() => jest.useRealTimers());

  test("is given eight seconds: then GitHub hears 503, within the ten that it waits", async () => {
    ledger.fate = () => "hang";
    // Only the Worker's own alarm is moved; the database is not asked for anything that would need real time.
    jest.useFakeTimers({
      doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "hrtime"],
    });
    let answered: Response | null = null;
    const asking = postJob(harness, { id: 1 }).then((response) => {
      answered = response;
    });
    while (ledger.batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(7_900);
    expect(answered).toBeNull();
    await jest.advanceTimersByTimeAsync(200);
    await asking;
    expect((answered as Response | null)?.status).toBe(503);
    // Nothing is sent again after the time is over.
    expect(ledger.batches).toHaveLength(1);
  });

  test("that fails only after its eight seconds is not asked again", async () => {
    let fail: (error: Error) => void = () => undefined;
    const database = {
      ...ledger.database,
      batch: async () =>
        new Promise<never>((_, reject) => {
          asked += 1;
          fail = reject;
        }),
    };
    let asked = 0;
    await harness.bind({ LEDGER: database });
    jest.useFakeTimers({
      doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "hrtime"],
    });
    const asking = postJob(harness, { id: 1 });
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(8_000);
    expect((await asking).status).toBe(503);
    fail(new Error("D1_ERROR: late"));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(asked).toBe(1);
  });
});
