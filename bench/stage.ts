import { join } from "node:path";
import { type Child, startChild } from "./child";
import type { Driven } from "./load/drive";
import type { LoadQuestion } from "./load/main";
import type { ClaimPlan, DeliveryPlan } from "./load/requests";
import type { OriginAnswer, OriginQuestion, SeenDispatch } from "./origin/main";
import { type BenchWorker, LABELS, SECRETS } from "./workers";

/** What all measures use: who sends, and who is GitHub and Nomad. Both are processes of their own. */
export interface Stage {
  readonly originPort: number;
  readonly quick: boolean;
  /** @throws Error when an answer has another status than the one expected */
  send(worker: Pick<BenchWorker, "port">, question: SendQuestion): Promise<Driven>;
  /** Forgets what the origin has seen. */
  forget(): Promise<void>;
  /** Waits until the origin has seen so many dispatches. @throws Error when they do not come within a minute */
  dispatches(count: number): Promise<readonly SeenDispatch[]>;
  close(): Promise<void>;
}

export interface SendQuestion {
  readonly plan: DeliveryPlan | ClaimPlan;
  /** @default 1 */
  readonly connections?: number;
  /** @default 0 */
  readonly pauseMs?: number;
  /** Every answer's. */
  readonly status: number;
}

const PATIENCE_MS = 60_000;

export async function startStage(quick: boolean): Promise<Stage> {
  const load: Child<LoadQuestion, Driven> = startChild(join(__dirname, "load", "main.ts"));
  const origin: Child<OriginQuestion, OriginAnswer> = startChild(join(__dirname, "origin", "main.ts"));
  const { port } = await origin.ask("begin");
  return {
    originPort: port,
    quick,
    send: async ({ port: to }, { plan, connections = 1, pauseMs = 0, status }) => {
      const driven = await load.ask({ port: to, connections, pauseMs, plan });
      const wrong = driven.statuses.filter((one) => one !== status);
      if (wrong.length === 0) return driven;
      throw new Error(
        `${String(wrong.length)} of ${String(driven.statuses.length)} answers are not ${String(status)}, but ${String(wrong[0])}; the last said ${driven.lastBody}`,
      );
    },
    forget: async () => {
      await origin.ask("begin");
    },
    dispatches: (count) => waitFor(origin, count),
    close: async () => {
      await Promise.all([load.close(), origin.close()]);
    },
  };
}

async function waitFor(
  origin: Child<OriginQuestion, OriginAnswer>,
  count: number,
): Promise<readonly SeenDispatch[]> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const { dispatches } = await origin.ask("seen");
    if (dispatches.length >= count) return dispatches;
    if (Date.now() > end)
      throw new Error(
        `Nomad saw ${String(dispatches.length)} dispatches of ${String(count)} within a minute.`,
      );
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

let lastJob = 0;

/** Ids of jobs that no measure has had yet. */
export function freshJobs(count: number): number[] {
  const first = lastJob + 1;
  lastJob += count;
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Deliveries of one action for these jobs, of a hundred repositories, signed as GitHub would. */
export function deliveries(jobs: readonly number[], changes: Partial<DeliveryPlan> = {}): DeliveryPlan {
  return {
    kind: "delivery",
    action: "queued",
    jobs,
    repositories: 100,
    labels: LABELS,
    secret: SECRETS.webhook,
    ...changes,
  };
}

/** Empties the tables of jobs and runners: backlog is measured where it is meant to be. */
export async function emptyLedger({ ledger }: BenchWorker): Promise<void> {
  await ledger.batch(["jobs", "runners"].map((table) => ledger.prepare(`DELETE FROM ${table}`)));
}
