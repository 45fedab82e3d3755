import type { RunnerClass, RunnerPolicy } from "../../contracts/policy";

/** What every ledger operation needs from outside. Times are Unix milliseconds everywhere in the ledger. */
export interface LedgerContext {
  readonly db: D1Database;
  /** The policy's classes as the JSON text that the statements read with `json_each`. */
  readonly classes: string;
  /** First part of every runner name. */
  readonly stackId: string;
  readonly now: () => number;
  /** A fresh stamp for one transition. */
  readonly newOp: () => string;
  /** Told how many statements are about to be sent: the free plan counts each of them as a subrequest. */
  readonly onStatements?: (count: number) => void;
}

/** The ledger did not answer, or not in time; nothing can be said about what it holds. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

/** How much longer than its idle timeout a claim taken counts as a runner on the way. */
const HOLDER_GRACE_MS = 60_000;

/** How much longer than its maximum duration a busy runner is believed in without asking GitHub. */
const OVERDUE_GRACE_MS = 600_000;

/** Renders the classes for the statements: `cap` (0 = none) and three spans in milliseconds. */
export function classesJson(policy: RunnerPolicy): string {
  return JSON.stringify(policy.classes.map(classRow));
}

function classRow(runnerClass: RunnerClass): Record<string, string | number> {
  return {
    name: runnerClass.name,
    cap: runnerClass.maxRunners,
    pickup: runnerClass.pickupDeadlineSeconds * 1000,
    hold: runnerClass.idleTimeoutSeconds * 1000 + HOLDER_GRACE_MS,
    span: runnerClass.maxDurationSeconds * 1000 + OVERDUE_GRACE_MS,
  };
}
