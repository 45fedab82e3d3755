import { costOf, passTime, takeCounts } from "../../bench/counts";
import { FETCH_FLOOR, HMAC_FLOOR, transactionFloor } from "../../bench/floors";
import { cpuMs, workerdProcesses } from "../../bench/processes";
import { type Stage, deliveries, emptyLedger, freshJobs, startStage } from "../../bench/stage";
import { type BenchWorker, floorBindings, startProduct, startWorker } from "../../bench/workers";

jest.setTimeout(120_000);

describe("what the product is compared with", () => {
  let stage: Stage;
  const open: BenchWorker[] = [];
  const start = async (script: string): Promise<BenchWorker> => {
    const worker = await startWorker({ script, bindings: floorBindings(stage.originPort) });
    open.push(worker);
    return worker;
  };
  beforeAll(async () => {
    stage = await startStage(true);
  });
  afterAll(async () => {
    for (const worker of open.reverse()) await worker.close();
    await stage.close();
  });

  test("checks signatures for real", async () => {
    const worker = await start(HMAC_FLOOR);
    await stage.send(worker, { plan: deliveries(freshJobs(2)), status: 200 });
    await stage.send(worker, { plan: deliveries(freshJobs(2), { secret: "another" }), status: 401 });
    await expect(
      stage.send(worker, { plan: deliveries(freshJobs(1), { secret: "another" }), status: 200 }),
    ).rejects.toThrow("1 of 1 answers are not 200, but 401");
  });

  test("has a process of its own, whose time is told", async () => {
    const worker = await start(HMAC_FLOOR);
    expect(workerdProcesses()).toContain(worker.pid);
    const before = cpuMs(worker.pid);
    await stage.send(worker, { plan: deliveries(freshJobs(400)), status: 200, connections: 8 });
    expect(cpuMs(worker.pid)).toBeGreaterThan(before);
    await worker.close();
    open.splice(open.indexOf(worker), 1);
    await expect(stage.send(worker, { plan: deliveries(freshJobs(1)), status: 200 })).rejects.toThrow(
      "ECONNREFUSED",
    );
  });

  test("makes one fetch for each delivery with a right signature", async () => {
    const worker = await start(FETCH_FLOOR);
    await stage.forget();
    const jobs = freshJobs(3);
    await stage.send(worker, { plan: deliveries(jobs), status: 202 });
    await stage.send(worker, { plan: deliveries(freshJobs(1), { secret: "another" }), status: 401 });
    expect((await stage.dispatches(3)).map(({ token }) => token)).toEqual(
      jobs.map((id) => `${String(id)}:1`),
    );
  });

  test("repeats a recorded transaction, each time for another job and under other UUIDs", async () => {
    const uuid = "11111111-2222-4333-8444-555555555555";
    const insert = { sql: "INSERT INTO t VALUES (?1, ?2, ?3, ?4)", params: [987, uuid, "kept", null] };
    const worker = await start(transactionFloor([insert], 987));
    await worker.ledger
      .prepare("CREATE TABLE t (id INTEGER PRIMARY KEY, op TEXT, text TEXT, empty TEXT)")
      .run();
    await stage.send(worker, { plan: deliveries(freshJobs(3)), status: 200 });
    const { results } = await worker.ledger.prepare("SELECT * FROM t ORDER BY id").all();
    expect(results.map(({ id }) => id)).toEqual([1_000_001, 1_000_002, 1_000_003]);
    expect(new Set(results.map(({ op }) => op)).size).toBe(3);
    expect(results.map(({ op }) => op)).not.toContain(uuid);
    expect(results.map(({ text, empty }) => [text, empty])).toEqual([
      ["kept", null],
      ["kept", null],
      ["kept", null],
    ]);
  });

  test("counts what the product sends: requests, fetches, statements and D1's own rows", async () => {
    const worker = await startProduct(stage.originPort, true);
    open.push(worker);
    await stage.send(worker, { plan: deliveries(freshJobs(1)), status: 202 });
    await stage.forget();
    await emptyLedger(worker);
    await takeCounts(worker);
    await stage.send(worker, { plan: deliveries(freshJobs(4)), status: 202, pauseMs: 60 });
    await stage.dispatches(4);
    const cost = costOf(await takeCounts(worker), 4);
    expect(cost).toMatchObject({ requests: 1, fetches: 1 });
    // A job with three indexes and a runner with four at the least.
    expect(cost.rowsWritten).toBeGreaterThanOrEqual(9);
    expect(cost.rowsRead).toBeGreaterThan(0);
    expect(costOf(await takeCounts(worker))).toMatchObject({ requests: 0, fetches: 0, statements: 0 });
    // A day later no job waits any more.
    await passTime(worker, 25 * 3_600_000);
    await worker.sweep();
    const { results } = await worker.ledger.prepare("SELECT DISTINCT state FROM jobs").all();
    expect(results).toEqual([{ state: "expired" }]);
  });
});
