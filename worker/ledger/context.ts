import type { RunnerPolicy } from "../../contracts/policy";

/** What every ledger operation needs from outside. Times are Unix milliseconds everywhere in the ledger. */
export interface LedgerContext {
  readonly db: D1Database;
  /** First part of every runner name. */
  readonly stackId: string;
  readonly policy: RunnerPolicy;
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

/** What most statements bind: now, a stamp, and the stack's id for names of new runners. */
export function common(ledger: LedgerContext): {
  readonly now: number;
  readonly op: string;
  readonly stack: string;
} {
  return { now: ledger.now(), op: ledger.newOp(), stack: ledger.stackId };
}

/** Milliseconds until a runner of the class should have claimed. */
export function pickupMs(ledger: LedgerContext, className: string): number {
  const found = ledger.policy.classes.find((one) => one.name === className);
  return (found?.pickupDeadlineSeconds ?? 300) * 1000;
}
