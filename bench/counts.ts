import { COUNTS_PATH, type Counted } from "./counting";
import type { Cost } from "./results";
import type { BenchWorker } from "./workers";

/** What the Worker has sent since it was asked last, see {@link startProduct}. */
export async function takeCounts({ port }: Pick<BenchWorker, "port">): Promise<Counted> {
  const response = await fetch(`http://127.0.0.1:${String(port)}${COUNTS_PATH}`);
  return (await response.json()) as Counted;
}

/** Moves the counted Worker's clock on. */
export async function passTime({ port }: Pick<BenchWorker, "port">, ms: number): Promise<void> {
  await fetch(`http://127.0.0.1:${String(port)}${COUNTS_PATH}?pass=${String(ms)}`);
}

/** The sums of what was counted, shared out. @param among how many jobs, or sweeps */
export function costOf({ requests, fetches, batches }: Counted, among = 1): Cost {
  const statements = batches.flat();
  const sum = (of: (one: (typeof statements)[number]) => number): number =>
    statements.reduce((total, one) => total + of(one), 0) / among;
  return {
    requests: requests / among,
    fetches: fetches / among,
    statements: statements.length / among,
    rowsRead: sum(({ rowsRead }) => rowsRead),
    rowsWritten: sum(({ rowsWritten }) => rowsWritten),
  };
}
