import { takeCounts } from "../counts";
import { FETCH_FLOOR, HMAC_FLOOR, type RecordedStatement, transactionFloor } from "../floors";
import type { Driven } from "../load/drive";
import { type DeliveryPlan, requestsOf } from "../load/requests";
import { cpuMs } from "../processes";
import type { DeliveryResults, Pace, Ratios, Series, Subject } from "../results";
import { type Stage, deliveries, emptyLedger, freshJobs, pause } from "../stage";
import { quantileOf, spreadOf } from "../statistics";
import { type BenchWorker, floorBindings, startProduct, startWorker } from "../workers";

/** Far from every other number of a delivery, so that it is found in what was recorded. */
const RECORDED_JOB = 987_654_321;

/** Long enough for everything that follows an answer. */
const PAUSE_MS = 25;

interface Asked {
  readonly worker: BenchWorker;
  readonly status: number;
  readonly changes: Partial<DeliveryPlan>;
}

/** What one round has measured of one subject. */
interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly cpuMs: number;
}

/** Deliveries of every kind and the floors, in turns: what the machine does meanwhile meets all alike. */
export async function measureDeliveries(stage: Stage): Promise<DeliveryResults> {
  const rounds = stage.quick ? 3 : 9;
  const requests = {
    "1": stage.quick ? 50 : 150,
    "32": stage.quick ? 96 : 320,
    paced: stage.quick ? 10 : 20,
  };
  const { subjects, close } = await startSubjects(stage);
  try {
    const measured: Record<string, Record<string, Round[]>> = {};
    for (const pace of ["1", "32", "paced"] as const) {
      const of: Record<string, Round[]> = (measured[pace] = {});
      for (let round = -1; round < rounds; round++) {
        for (const [subject, asked] of Object.entries(subjects)) {
          const one = await measure(stage, asked, pace, requests[pace]);
          // The first warms up.
          if (round >= 0) (of[subject] ??= []).push(one);
        }
      }
    }
    const each = <T>(make: (rounds: Readonly<Record<Subject, readonly Round[]>>) => T): Record<Pace, T> => ({
      "1": make(measured["1"] as Record<Subject, Round[]>),
      "32": make(measured["32"] as Record<Subject, Round[]>),
      paced: make(measured["paced"] as Record<Subject, Round[]>),
    });
    return {
      requests,
      rounds,
      pauseMs: PAUSE_MS,
      bytes: bodyBytes(),
      series: each(seriesOf),
      ratios: each(ratiosOf),
    };
  } finally {
    await close();
  }
}

/** Bytes of a delivery's body. */
function bodyBytes(): number {
  const [request = Buffer.alloc(0)] = requestsOf(deliveries([1]));
  return request.length - request.indexOf("\r\n\r\n") - 4;
}

async function measure(stage: Stage, asked: Asked, pace: Pace, count: number): Promise<Round> {
  const { worker, status, changes } = asked;
  await emptyLedger(worker);
  const plan = deliveries(freshJobs(count), changes);
  const before = cpuMs(worker.pid);
  const driven = await stage.send(worker, {
    plan,
    status,
    connections: pace === "32" ? 32 : 1,
    pauseMs: pace === "paced" ? PAUSE_MS : 0,
  });
  // What follows the last answers is this round's, too.
  await pause(pace === "32" ? 150 : 50);
  const used = cpuMs(worker.pid) - before;
  return { ...roundOf(driven), cpuMs: used / count };
}

function roundOf({ milliseconds, wallMs }: Driven): Omit<Round, "cpuMs"> {
  return {
    p50: quantileOf(milliseconds, 0.5),
    p99: quantileOf(milliseconds, 0.99),
    perSecond: (milliseconds.length / wallMs) * 1000,
  };
}

type Rounds = Readonly<Record<Subject, readonly Round[]>>;

function seriesOf(rounds: Rounds): Record<Subject, Series> {
  const entries = Object.entries(rounds).map(([subject, of]) => [
    subject,
    {
      p50: spreadOf(of.map((one) => one.p50)),
      p99: spreadOf(of.map((one) => one.p99)),
      perSecond: spreadOf(of.map((one) => one.perSecond)),
      cpuMs: of.reduce((sum, one) => sum + one.cpuMs, 0) / of.length,
    },
  ]);
  return Object.fromEntries(entries) as Record<Subject, Series>;
}

/** Ratios within each round, then their spread: both sides of one have met the same neighbours. */
function ratiosOf(rounds: Rounds): Ratios {
  const p50 = (subject: Subject): readonly number[] => rounds[subject].map((one) => one.p50);
  const over = (above: readonly number[], below: readonly number[]): number[] =>
    above.map((value, index) => value / (below[index] ?? Number.NaN));
  const less = (above: readonly number[], below: readonly number[]): number[] =>
    above.map((value, index) => value - (below[index] ?? Number.NaN));
  const transaction = less(p50("transaction"), p50("hmac-right"));
  const allowed = p50("fetch").map((value, index) => 2 * value + (transaction[index] ?? Number.NaN));
  return {
    rejected: spreadOf(over(p50("rejected"), p50("hmac-wrong"))),
    ignored: spreadOf(over(p50("ignored"), p50("hmac-right"))),
    accepted: spreadOf(over(p50("accepted"), allowed)),
    acceptedToFetch: spreadOf(over(p50("accepted"), p50("fetch"))),
    transactionMs: spreadOf(transaction),
    minimalMs: spreadOf(less(p50("minimal"), p50("hmac-right"))),
  };
}

async function startSubjects(
  stage: Stage,
): Promise<{ readonly subjects: Record<Subject, Asked>; readonly close: () => Promise<void> }> {
  const closing: BenchWorker[] = [];
  const kept = async (starting: Promise<BenchWorker>): Promise<BenchWorker> => {
    const worker = await starting;
    closing.push(worker);
    return worker;
  };
  const close = async (): Promise<void> => {
    for (const worker of closing.reverse()) await worker.close();
  };
  try {
    const { statements, tables } = await recordTransaction(stage);
    const floor = async (script: string): Promise<BenchWorker> => {
      const worker = await kept(startWorker({ script, bindings: floorBindings(stage.originPort) }));
      await worker.ledger.batch(tables.map((sql) => worker.ledger.prepare(sql)));
      return worker;
    };
    const hmac = await floor(HMAC_FLOOR);
    const fetching = await floor(FETCH_FLOOR);
    const minimal = await floor(transactionFloor([{ sql: "SELECT 1", params: [] }], RECORDED_JOB));
    const transaction = await floor(transactionFloor(statements, RECORDED_JOB));
    const product = await kept(startProduct(stage.originPort));
    const foreign = { labels: ["ubuntu-latest"] };
    const wrong = { secret: "another secret, of which GitHub knows nothing" };
    const subjects: Record<Subject, Asked> = {
      "hmac-wrong": { worker: hmac, status: 401, changes: wrong },
      rejected: { worker: product, status: 401, changes: wrong },
      "hmac-right": { worker: hmac, status: 200, changes: foreign },
      ignored: { worker: product, status: 200, changes: foreign },
      fetch: { worker: fetching, status: 202, changes: {} },
      accepted: { worker: product, status: 202, changes: {} },
      minimal: { worker: minimal, status: 200, changes: {} },
      transaction: { worker: transaction, status: 200, changes: {} },
    };
    return { subjects, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The statements of an accepted delivery's transaction as the bundle sends them, and the tables that they are for. */
async function recordTransaction(
  stage: Stage,
): Promise<{ readonly statements: readonly RecordedStatement[]; readonly tables: readonly string[] }> {
  const worker = await startProduct(stage.originPort, true);
  try {
    await stage.send(worker, { plan: deliveries(freshJobs(3)), status: 202 });
    await pause(500);
    await takeCounts(worker);
    await stage.send(worker, { plan: deliveries([RECORDED_JOB]), status: 202 });
    const { batches } = await takeCounts(worker);
    const found = batches.find((batch) => batch.some(({ sql }) => sql.startsWith("INSERT INTO jobs ")));
    if (found === undefined)
      throw new Error("The accepted delivery has sent no transaction that inserts a job.");
    const { results } = await worker.ledger
      .prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN ('jobs', 'runners', 'pauses')",
      )
      .all<{ readonly sql: string }>();
    return {
      statements: found.map(({ sql, params }) => ({ sql, params })),
      tables: results.map(({ sql }) => sql),
    };
  } finally {
    await worker.close();
  }
}
