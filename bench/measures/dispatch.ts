import type { DispatchResults, MatrixResults, Series, StormResults } from "../results";
import { type Stage, deliveries, emptyLedger, freshJobs, pause } from "../stage";
import { quantileOf, spreadOf } from "../statistics";
import { type BenchWorker, startProduct } from "../workers";

/** Between deliveries, so that each finds the Worker at rest. */
const PAUSE_MS = 25;

async function withProduct<T>(stage: Stage, measure: (worker: BenchWorker) => Promise<T>): Promise<T> {
  const worker = await startProduct(stage.originPort);
  try {
    return await measure(worker);
  } finally {
    await worker.close();
  }
}

function series(rounds: readonly (readonly number[])[]): Series {
  return {
    p50: spreadOf(rounds.map((one) => quantileOf(one, 0.5))),
    p99: spreadOf(rounds.map((one) => quantileOf(one, 0.99))),
    perSecond: spreadOf(rounds.map((one) => (one.length / one.reduce((sum, ms) => sum + ms, 0)) * 1000)),
    cpuMs: null,
  };
}

/** How long a delivery takes until Nomad sees its dispatch, and a claim until its JIT config is there. */
export function measureDispatch(stage: Stage): Promise<DispatchResults> {
  const count = stage.quick ? 10 : 50;
  return withProduct(stage, async (worker) => {
    const dispatch: number[][] = [];
    const claim: number[][] = [];
    for (let round = -1; round < (stage.quick ? 2 : 5); round++) {
      await emptyLedger(worker);
      await stage.forget();
      const jobs = freshJobs(count);
      const { sentAt } = await stage.send(worker, { plan: deliveries(jobs), pauseMs: PAUSE_MS, status: 202 });
      const seen = await stage.dispatches(count);
      const arrived = new Map(seen.map(({ token, at }) => [token, at]));
      const waits = jobs.map(
        (job, index) => (arrived.get(`${String(job)}:1`) ?? NaN) - (sentAt[index] ?? NaN),
      );
      const plan = { kind: "claim", method: "POST", claims: seen.map((one) => one.claim) } as const;
      const claimed = await stage.send(worker, { plan, pauseMs: PAUSE_MS, status: 201 });
      if (round < 0) continue;
      dispatch.push(waits);
      claim.push([...claimed.milliseconds]);
    }
    return { dispatch: series(dispatch), claim: series(claim) };
  });
}

/** GitHub's largest matrix.
 *  @see https://docs.github.com/actions/reference/limits */
export const MATRIX_JOBS = 256;

/** A matrix's jobs arrive all at once, over as many connections as a sender may keep. */
export function measureMatrix(stage: Stage): Promise<MatrixResults> {
  const connections = 64;
  return withProduct(stage, async (worker) => {
    const wall: number[] = [];
    const answered: number[] = [];
    for (let round = -1; round < (stage.quick ? 2 : 7); round++) {
      await emptyLedger(worker);
      await stage.forget();
      const plan = deliveries(freshJobs(MATRIX_JOBS), { repositories: 1 });
      const driven = await stage.send(worker, { plan, connections, status: 202 });
      const seen = await stage.dispatches(MATRIX_JOBS);
      if (round < 0) continue;
      answered.push(driven.wallMs);
      wall.push(Math.max(...seen.map(({ at }) => at)) - Math.min(...driven.sentAt));
    }
    return { jobs: MATRIX_JOBS, connections, wallMs: spreadOf(wall), answeredMs: spreadOf(answered) };
  });
}

/** Nine of ten deliveries are repetitions of one that came before, in an order of their own. */
export function measureStorm(stage: Stage): Promise<StormResults> {
  const [count, connections] = [stage.quick ? 100 : 1_000, 32];
  return withProduct(stage, async (worker) => {
    await stage.forget();
    const fresh = freshJobs(count);
    const all = shuffled(Array.from({ length: 10 }, () => fresh).flat());
    const driven = await stage.send(worker, { plan: deliveries(all), connections, status: 202 });
    await stage.dispatches(count);
    // One too many would come after them.
    await pause(500);
    const seen = await stage.dispatches(count);
    return {
      deliveries: all.length,
      jobs: count,
      connections,
      perSecond: (all.length / driven.wallMs) * 1000,
      dispatches: seen.length,
      tokens: new Set(seen.map(({ token }) => token)).size,
      wallMs: Math.max(...seen.map(({ at }) => at)) - Math.min(...driven.sentAt),
    };
  });
}

/** The same order in every run. */
export function shuffled<T>(items: readonly T[]): T[] {
  const list = [...items];
  let state = 1;
  for (let index = list.length - 1; index > 0; index--) {
    // Park and Miller's generator: its products stay whole numbers.
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (index + 1);
    [list[index], list[other]] = [list[other] as T, list[index] as T];
  }
  return list;
}
