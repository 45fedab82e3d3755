import type { Claim } from "../../contracts/claim";
import { type LedgerContext, common } from "./context";
import { requestShortage } from "./fragments";
import { type Params, transaction } from "./statement";

/** What the ledger knows of the runner behind a claim. */
export interface HeldRunner {
  readonly name: string;
  readonly state: string;
  readonly holder: string | null;
  /** 1 when a JIT config was ever asked for: then a registration may exist though its id is unknown. */
  readonly jitTried: number;
  readonly registrationId: number | null;
  readonly op: string;
}

/** @returns null when the ledger has never heard of it, or has forgotten it */
export async function findHeld(ledger: LedgerContext, claim: Claim): Promise<HeldRunner | null> {
  const params: Params = { job: claim.job, ordinal: claim.ordinal, scope: claim.scope, class: claim.class };
  const sql = `SELECT name, state, holder, jit_tried AS jitTried, registration_id AS registrationId, op FROM runners
    WHERE job_id = :job AND ordinal = :ordinal AND scope = :scope AND class = :class`;
  const [rows] = await transaction(ledger, [{ sql, params }]);
  return (rows[0] as unknown as HeldRunner | undefined) ?? null;
}

/** Ends a runner that its own node gave up, and requests another where jobs still wait.
 *  @returns false when the runner changed since it was read */
export async function release(ledger: LedgerContext, runner: HeldRunner): Promise<boolean> {
  return change(ledger, runner, "state = 'ended', live = 0, end_reason = 'released', ended_at = :now");
}

/** GitHub says the runner is busy although its process is gone: the sweep removes it later.
 *  @returns false when the runner changed since it was read */
export async function keepForRemoval(ledger: LedgerContext, runner: HeldRunner): Promise<boolean> {
  return change(
    ledger,
    runner,
    `state = 'removing', busy_at = coalesce(busy_at, :now), looks = 1, next_look_at = :now + 60000`,
  );
}

async function change(ledger: LedgerContext, runner: HeldRunner, set: string): Promise<boolean> {
  const params: Params = { ...common(ledger), name: runner.name, seen: runner.op };
  const ofOp = "SELECT scope, class FROM runners WHERE name = :name AND op = :op";
  const results = await transaction(ledger, [
    { sql: `UPDATE runners SET ${set}, op = :op WHERE name = :name AND op = :seen`, params },
    { sql: requestShortage(ofOp), params },
    { sql: ofOp, params },
  ]);
  return results.at(-1)?.length === 1;
}
