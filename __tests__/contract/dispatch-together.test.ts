import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, acceptingNomad, startHarness } from "../support/harness/harness";
import { jobs, postJob, queueUnsent, tokens } from "./support/dispatching";
import { type WatchedLedger, watchLedger } from "./support/watched-ledger";

/** What the ledger is asked between a delivery and its dispatch. On the sources in Node, whose ledger can be watched. */
describe("the ledger's time", () => {
  let harness: Harness;
  let ledger: WatchedLedger;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    ledger = watchLedger(harness.runtime.db());
    await harness.bind({ LEDGER: ledger.database });
    // The first delivery reads the version of the tables.
    await harness.deliver(workflowJob({ id: 999 }));
    harness.nomad.seen.length = 0;
    ledger.batches.length = 0;
  });
  afterAll(async () => harness.close());

  const runners = async () =>
    harness.rows("SELECT job_id, state, attempts FROM runners WHERE job_id < 999 ORDER BY job_id");
  const dispatched = (count: number) =>
    jobs(count).map(({ id }) => ({ job_id: id, state: "dispatched", attempts: 1 }));

  test("is taken twice for a job: for its answer, and when it was sent", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    expect(ledger.batches.map(([first]) => first)).toEqual(["INSERT INTO", "UPDATE runners"]);
    expect(await runners()).toEqual(dispatched(1));
  });

  test("is taken once for a delivery that says nothing new, and for the end of a job", async () => {
    await harness.deliver(workflowJob({ id: 1 }), "a1b2c3d4-0000-4000-8000-000000000001");
    ledger.batches.length = 0;
    await harness.deliver(workflowJob({ id: 1 }), "a1b2c3d4-0000-4000-8000-000000000001");
    expect(ledger.batches).toHaveLength(1);
    await harness.deliver(workflowJob({ id: 1, action: "completed" }));
    expect(ledger.batches).toHaveLength(2);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("is shared by deliveries that come together: their dispatches are written at once", async () => {
    await Promise.all(jobs(20).map(async (job) => postJob(harness, job)));
    await harness.runtime.idle();
    expect(await runners()).toEqual(dispatched(20));
    const written = ledger.batches.filter(([first]) => first === "UPDATE runners");
    expect(written.length).toBeLessThan(10);
    expect(tokens(harness)).toHaveLength(20);
  });

  test("is taken for what else is due as well", async () => {
    await queueUnsent(harness, [{ id: 1 }]);
    harness.nomad.reply = acceptingNomad;
    await harness.deliver(workflowJob({ id: 2 }));
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
  });

  test.each([{ maxRunners: 1 }, { maxRunnersPerRepository: 1 }])(
    "is asked whose turn it is where a class has limits: %j",
    async (limit) => {
      await harness.bind({
        LEDGER: ledger.database,
        RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, ...limit }] },
      });
      await harness.rows("DELETE FROM runners");
      await harness.rows("DELETE FROM jobs");
      for (const job of jobs(3)) await harness.deliver(workflowJob(job));
      expect(tokens(harness)).toEqual(["1:1"]);
    },
  );

  test("lost with an answer changes nothing: the batch comes again and leases nothing twice", async () => {
    ledger.fate = (batch) => (batch === 1 ? "after" : "commit");
    await harness.deliver(workflowJob({ id: 1 }));
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await runners()).toEqual(dispatched(1));
  });

  test("not had after a dispatch makes the sweep send it again, under the same token", async () => {
    ledger.fate = (batch) => (batch === 1 ? "commit" : "before");
    await harness.deliver(workflowJob({ id: 1 }));
    expect(await runners()).toEqual([{ job_id: 1, state: "requested", attempts: 1 }]);
    ledger.fate = () => "commit";
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.age(31);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await runners()).toEqual([{ job_id: 1, state: "dispatched", attempts: 2 }]);
  });

  test("is not taken for a job of a paused repository before the pause is over", async () => {
    await harness.rows("INSERT INTO pauses (repo, since) VALUES ('octo-org/example', 1)");
    await harness.deliver(workflowJob({ id: 1 }));
    expect(tokens(harness)).toEqual([]);
    await harness.rows("DELETE FROM pauses");
    await harness.deliver(workflowJob({ id: 2 }));
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
  });
});
