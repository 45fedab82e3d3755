import type { Claim } from "../../contracts/claim";
import type { LedgerContext } from "./context";
import { CLASSES, IS_BUSY, IS_HOLDER, LIVE, requestShortage } from "./fragments";
import { type Params, transaction } from "./statement";

/** The same holder may ask again for so long: its first answer was lost. */
export const SAME_HOLDER_MS = 120_000;

/** A claim taken for so long without a recorded registration is free again. */
export const FREE_AGAIN_MS = 60_000;

/** A claim that was just taken; `op` is what must still stand in the ledger when its registration is recorded. */
export interface TakenClaim {
  readonly op: string;
  readonly runnerName: string;
  /** A registration that an earlier, lost answer left behind. */
  readonly registrationId: number | null;
}

export type TakeResult =
  | { readonly outcome: "taken"; readonly claim: TakenClaim }
  /** Nothing waits, or the class is at its maximum; the claim is spent. */
  | { readonly outcome: "nothing_waits" }
  | { readonly outcome: "used" };

const THIS = "job_id = :job AND ordinal = :ordinal AND scope = :scope AND class = :class";

/** Never used, or taken so long ago without a registration that whoever took it is gone. */
const UNUSED = `(state IN ('requested', 'dispatched') OR (state = 'ended' AND end_reason = 'unneeded')
  OR (state = 'claimed' AND registration_id IS NULL AND claimed_at <= :now - ${String(FREE_AGAIN_MS)}))`;

const SAME_HOLDER = `(state = 'claimed' AND holder = nullif(:holder, '') AND claimed_at > :now - ${String(SAME_HOLDER_MS)})`;

/** Every other holder and busy runner; the claim's own row may be a holder already, when it is free again. */
const OTHERS = `${LIVE} AND NOT (r.job_id = :job AND r.ordinal = :ordinal)`;

/** Test and taking are one statement: two claims cannot both see the last waiting job. */
const TAKE = `UPDATE runners SET state = 'claimed', live = 1, ended_at = NULL, end_reason = NULL, jit_tried = 1,
    claimed_at = CASE WHEN ${SAME_HOLDER} THEN claimed_at ELSE :now END,
    holder = nullif(:holder, ''), looks = 0, next_look_at = 0, op = :op
  WHERE ${THIS} AND (${SAME_HOLDER} OR (${UNUSED}
    AND (SELECT count(*) FROM jobs j WHERE j.state = 'waiting' AND j.scope = :scope AND j.class = :class) >
      (WITH ${CLASSES} SELECT count(*) FROM ${OTHERS} AND r.scope = :scope AND r.class = :class AND ${IS_HOLDER})
    AND (:cap = 0 OR :cap >
      (WITH ${CLASSES} SELECT count(*) FROM ${OTHERS} AND r.class = :class AND (${IS_HOLDER} OR ${IS_BUSY})))))`;

const SPEND = `UPDATE runners SET state = 'ended', live = 0, end_reason = 'refused', ended_at = :now, op = :spent
  WHERE ${THIS} AND op IS NOT :op AND ${UNUSED}`;

/**
 * Takes a claim: granted while waiting jobs exceed holders and the class is below its maximum.
 * @param holder what the runner calls itself, or null
 * @param cap the class's `maxRunners`; 0 = none
 */
export async function takeClaim(ledger: LedgerContext, claim: Claim, holder: string | null, cap: number): Promise<TakeResult> {
  const op = ledger.newOp();
  const params: Params = {
    ...claimParams(ledger, claim),
    holder: holder ?? "",
    cap,
    op,
    spent: `${op}-spent`,
  };
  const results = await transaction(ledger, [
    { sql: TAKE, params },
    { sql: SPEND, params },
    {
      // A place that only `maxRunners` denied leaves the job waiting with one runner less on the way.
      sql: requestShortage(`SELECT scope, class FROM runners WHERE ${THIS} AND op = :spent`),
      params,
    },
    { sql: `SELECT name, op, registration_id FROM runners WHERE ${THIS}`, params },
  ]);
  const row = results.at(-1)?.[0];
  if (row === undefined || row["op"] === params["spent"]) return { outcome: "nothing_waits" };
  if (row["op"] !== op) return { outcome: "used" };
  const { name, registration_id: registrationId } = row;
  return {
    outcome: "taken",
    claim: {
      op,
      runnerName: String(name),
      registrationId: typeof registrationId === "number" ? registrationId : null,
    },
  };
}

/** Records the registration that GitHub made.
 *  @returns false when the claim is no longer this caller's: released, or taken anew by a second POST */
export async function recordRegistration(ledger: LedgerContext, claim: TakenClaim, registrationId: number): Promise<boolean> {
  return changeTaken(ledger, claim, "registration_id = :registration", { registration: registrationId });
}

/** Gives a claim back, for the runner to try again: it is alive, so its deadline starts anew. */
export async function giveBack(ledger: LedgerContext, claim: TakenClaim, deadlineMs: number): Promise<boolean> {
  return changeTaken(
    ledger,
    claim,
    `state = 'dispatched', claimed_at = NULL, holder = NULL, registration_id = NULL,
      dispatched_at = coalesce(dispatched_at, :now), deadline_at = max(coalesce(deadline_at, 0), :now + :deadline)`,
    { deadline: deadlineMs },
  );
}

async function changeTaken(ledger: LedgerContext, claim: TakenClaim, change: string, extra: Params): Promise<boolean> {
  const params: Params = { ...extra, now: ledger.now(), name: claim.runnerName, op: claim.op };
  const [, rows] = await transaction(ledger, [
    { sql: `UPDATE runners SET ${change} WHERE name = :name AND op = :op AND state = 'claimed'`, params },
    { sql: "SELECT 1 AS held FROM runners WHERE name = :name AND op = :op", params },
  ]);
  return rows?.length === 1;
}

function claimParams(ledger: LedgerContext, claim: Claim): Params {
  return {
    now: ledger.now(),
    classes: ledger.classes,
    stack: ledger.stackId,
    job: claim.job,
    ordinal: claim.ordinal,
    scope: claim.scope,
    class: claim.class,
  };
}
