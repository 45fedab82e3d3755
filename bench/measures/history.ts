import { costOf, takeCounts } from "../counts";
import type { HistoryResults, HistoryStep, StepCost } from "../results";
import { HISTORY_STEPS } from "../results";
import { type Stage, deliveries, freshJobs, pause } from "../stage";
import { quantileOf, spreadOf } from "../statistics";
import { type BenchWorker, startProduct } from "../workers";

/** Past jobs of each ledger. */
export const HISTORIES = [10, 10_000, 1_000_000] as const;

/** Ids of past jobs, far from those of deliveries. */
const FIRST_PAST_JOB = 2_000_000_000;

/** What is over stays for two weeks; a little less, so that no sweep has it to delete. */
const PAST_MS = 13 * 24 * 3_600_000;

/** A day's queue is what one statement may take long for. */
const ROWS_AT_ONCE = 100_000;

const REPOSITORIES = 100;

interface Measured {
  readonly ms: number[];
  rowsRead: number;
  rowsWritten: number;
}

/** The same steps on ledgers with little and much behind them, in turns. */
export async function measureHistory(stage: Stage): Promise<readonly HistoryResults[]> {
  const sizes = stage.quick ? HISTORIES.map((size) => Math.min(size, 100_000)) : HISTORIES;
  const workers: BenchWorker[] = [];
  try {
    const megabytes: number[] = [];
    for (const size of sizes) {
      const worker = await startProduct(stage.originPort, true);
      workers.push(worker);
      megabytes.push((await fill(worker, size)) / 1e6);
    }
    const measured = sizes.map(
      () =>
        Object.fromEntries(
          HISTORY_STEPS.map((step) => [step, { ms: [], rowsRead: 0, rowsWritten: 0 }]),
        ) as unknown as Record<HistoryStep, Measured>,
    );
    for (let round = -1; round < (stage.quick ? 3 : 9); round++) {
      for (const [index, worker] of workers.entries()) {
        const costs = await play(stage, worker);
        if (round < 0) continue;
        for (const step of HISTORY_STEPS) add(measured[index]?.[step], costs[step]);
      }
    }
    return sizes.map((jobs, index) => ({
      jobs,
      megabytes: megabytes[index] ?? 0,
      steps: Object.fromEntries(
        HISTORY_STEPS.map((step) => [step, stepCost(measured[index]?.[step], measured[0]?.[step])]),
      ) as Record<HistoryStep, StepCost>,
    }));
  } finally {
    for (const worker of workers.reverse()) await worker.close();
  }
}

function add(to: Measured | undefined, { ms, rowsRead, rowsWritten }: Played): void {
  if (to === undefined) return;
  to.ms.push(ms);
  to.rowsRead = rowsRead;
  to.rowsWritten = rowsWritten;
}

function stepCost(of: Measured | undefined, smallest: Measured | undefined): StepCost {
  if (of === undefined || smallest === undefined) throw new Error("A step was never measured.");
  return {
    ms: spreadOf(of.ms),
    ratio: spreadOf(of.ms.map((value, round) => value / (smallest.ms[round] ?? Number.NaN))),
    rowsRead: of.rowsRead,
    rowsWritten: of.rowsWritten,
  };
}

interface Played {
  readonly ms: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** Some jobs: delivered, claimed, over; and a sweep between, while they wait. Leaves nothing that is not over. */
async function play(stage: Stage, worker: BenchWorker): Promise<Record<HistoryStep, Played>> {
  const jobs = freshJobs(stage.quick ? 5 : 20);
  await stage.forget();
  await takeCounts(worker);
  const delivered = await stage.send(worker, { plan: deliveries(jobs), pauseMs: 40, status: 202 });
  const claims = (await stage.dispatches(jobs.length)).map(({ claim }) => claim);
  await pause(100);
  const delivery = await costs(worker, quantileOf(delivered.milliseconds, 0.5), jobs.length);
  const sweeps: number[] = [];
  for (let count = 0; count < 3; count++) {
    const began = performance.now();
    await worker.sweep();
    sweeps.push(performance.now() - began);
  }
  const sweep = await costs(worker, quantileOf(sweeps, 0.5), sweeps.length);
  const claimed = await stage.send(worker, {
    plan: { kind: "claim", method: "POST", claims },
    pauseMs: 10,
    status: 201,
  });
  const claim = await costs(worker, quantileOf(claimed.milliseconds, 0.5), jobs.length);
  const { results } = await worker.ledger
    .prepare("SELECT job_id AS job, name FROM runners WHERE state = 'claimed' ORDER BY job_id")
    .all<{ readonly job: number; readonly name: string }>();
  const ends = {
    action: "completed",
    runners: results.map(({ name }) => name),
  } as const;
  await stage.send(worker, {
    plan: deliveries(
      results.map(({ job }) => job),
      ends,
    ),
    status: 202,
  });
  return { delivery, claim, sweep };
}

async function costs(worker: BenchWorker, ms: number, among: number): Promise<Played> {
  const { rowsRead, rowsWritten } = costOf(await takeCounts(worker), among);
  return { ms, rowsRead, rowsWritten };
}

/** Puts past jobs in, each with its runner. @returns bytes of the database */
async function fill({ ledger }: BenchWorker, count: number): Promise<number> {
  let bytes = 0;
  for (let from = 0; from < count; from += ROWS_AT_ONCE) {
    const rows = Math.min(ROWS_AT_ONCE, count - from);
    const values = [FIRST_PAST_JOB + from, rows, Date.now(), PAST_MS / count, from];
    const results = await ledger.batch(
      [PAST_JOBS, PAST_RUNNERS].map((sql) => ledger.prepare(sql).bind(...values)),
    );
    bytes = results.at(-1)?.meta.size_after ?? bytes;
  }
  return bytes;
}

/** Jobs, one after another in time: ?1 the first id, ?2 how many, ?3 now, ?4 milliseconds between two, ?5 how many are
 *  there already. */
const SERIES = `WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2),
  past AS (SELECT ?1 + i AS id, CAST(?3 - ${String(PAST_MS)} + (?5 + i) * ?4 AS INTEGER) AS at,
    'octo-org/service-' || ((?1 + i) % ${String(REPOSITORIES)}) AS repo FROM n)`;

const PAST_JOBS = `INSERT INTO jobs (job_id, scope, class, repo, run_id, name, fork, state, delivery, arrived_at, queued_at,
    started_at, completed_at, conclusion, runner_name, updated_at, op)
  ${SERIES} SELECT id, repo, 'linux', repo, id + 1, 'build', 0, 'completed', printf('%08x-0000-4000-8000-%012x', id, id),
    at - 120000, at - 120000, at - 60000, at, 'success', 'abcdef-linux-' || id || '-1', at, 'past' FROM past`;

const PAST_RUNNERS = `INSERT INTO runners (name, job_id, ordinal, scope, class, state, live, until, requested_at,
    next_attempt_at, attempts, dispatched_at, claimed_at, holder, jit_tried, registration_id, taken_job_id, taken_done, busy_at,
    ended_at, end_reason, op)
  ${SERIES} SELECT 'abcdef-linux-' || id || '-1', id, 1, repo, 'linux', 'ended', 0, at, at - 120000, at - 120000, 1,
    at - 119000, at - 90000, 'allocation', 1, id, id, 1, at - 60000, at, 'done', 'past' FROM past`;
