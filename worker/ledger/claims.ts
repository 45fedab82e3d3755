import type { Claim } from "../../contracts/claim";
import type { RunnerClass } from "../../contracts/policy";
import { type LedgerContext, common } from "./context";
import { IS_BUSY, IS_HOLDER, requestShortage } from "./fragments";
import { REPO_OF_R, isPaused, repoOfScope } from "./limits";
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
  /** Nothing waits, the class or the repository is at its maximum, or the repository is paused; the claim is spent. */
  | { readonly outcome: "nothing_waits" }
  | { readonly outcome: "used" };

const THIS = "job_id = :job AND ordinal = :ordinal AND scope = :scope AND class = :class";

/** Never used, or taken so long ago without a registration that whoever took it is gone. */
const UNUSED = `(state IN ('requested', 'dispatched') OR (state = 'ended' AND end_reason = 'unneeded')
  OR (state = 'claimed' AND registration_id IS NULL AND claimed_at <= :now - ${FREE_AGAIN_MS}))`;

const SAME_HOLDER = `(state = 'claimed' AND holder = nullif(:holder, '') AND claimed_at > :now - ${SAME_HOLDER_MS})`;

/** Every other live runner of the class; the claim's own row may be a holder already, when it is free again. */
const OTHERS = `(SELECT count(*) FROM runners r WHERE r.live = 1 AND r.class = :class
  AND NOT (r.job_id = :job AND r.ordinal = :ordinal)`;

/** While jobs wait that no other claim is taken for. */
const FOR_A_JOB = `(SELECT count(*) FROM jobs j WHERE j.state = 'waiting' AND j.scope = :scope AND j.class = :class) >
      ${OTHERS} AND r.scope = :scope AND ${IS_HOLDER})`;

/** While a pool has fewer holders than `:size`, which is 0 for a job's claim. */
const FOR_A_PLACE = `:size > ${OTHERS} AND r.scope = :scope AND r.warm = 1 AND ${IS_HOLDER})`;

/** The repository of the job that the claim was made for. In organization scope GitHub may give the runner another's, and
 *  a pool's runner has none (NULL). */
const OWN_REPO = `coalesce((SELECT own.repo FROM jobs own WHERE own.job_id = :job), ${repoOfScope(":scope")})`;

/** Test and taking are one statement: two claims cannot both see the last waiting job, or a pool's last place. A pool's
 *  claim is granted for a job as well, since jobs and runners are counted and never paired. */
const TAKE = `UPDATE runners SET state = 'claimed', live = 1, ended_at = NULL,
    end_reason = NULL, jit_tried = 1,
    claimed_at = iif(${SAME_HOLDER}, claimed_at, :now), until = iif(${SAME_HOLDER}, until, :now + :hold), span = :span,
    holder = nullif(:holder, ''), looks = 0, next_look_at = :now + min(:pickup, :hold), op = :op
  WHERE ${THIS} AND (${SAME_HOLDER} OR (${UNUSED}
    AND (${FOR_A_JOB} OR ${FOR_A_PLACE})
    AND NOT ${isPaused(OWN_REPO)}
    AND (:cap = 0 OR :cap > ${OTHERS} AND (${IS_HOLDER} OR ${IS_BUSY})))
    AND (:share = 0 OR :share > ${OTHERS} AND (${IS_HOLDER} OR ${IS_BUSY})
      AND ${REPO_OF_R} = ${OWN_REPO} COLLATE NOCASE))))`;

/** Where a JIT config was once asked for, a registration may exist whose answer was lost: that is removed first. */
const SPEND = `UPDATE runners SET state = iif(jit_tried, 'removing', 'ended'), live = jit_tried, end_reason = 'refused',
    ended_at = :now, looks = 0, next_look_at = :now, op = :spent
  WHERE ${THIS} AND op IS NOT :op AND ${UNUSED}`;

/** How much longer than its idle timeout a claim taken counts as a runner on the way. */
const HOLDER_GRACE_SECONDS = 60;

/** How much longer than its maximum duration a busy runner is believed in without asking GitHub. */
const OVERDUE_GRACE_SECONDS = 600;

/**
 * Takes a claim: granted while waiting jobs exceed holders, or a pool has fewer holders than it should have ready, the
 * class and the repository in it are below their maxima and the repository is not paused.
 * @param holder what the runner calls itself, or null
 * @param size how many its pool should have ready now; of no account to a job's claim
 */
export async function takeClaim(
  ledger: LedgerContext,
  claim: Claim,
  holder: string | null,
  runnerClass: Omit<RunnerClass, "name" | "job" | "labels">,
  size = 0,
): Promise<TakeResult> {
  const always = common(ledger);
  const { op } = always;
  const params: Params = {
    ...always,
    job: claim.job,
    ordinal: claim.ordinal,
    scope: claim.scope,
    class: claim.class,
    holder: holder ?? "",
    size: claim.job === 0 ? size : 0,
    cap: runnerClass.maxRunners,
    share: runnerClass.maxRunnersPerRepository,
    hold: (runnerClass.idleTimeoutSeconds + HOLDER_GRACE_SECONDS) * 1000,
    span: (runnerClass.maxDurationSeconds + OVERDUE_GRACE_SECONDS) * 1000,
    pickup: runnerClass.pickupDeadlineSeconds * 1000,
    spent: `${op}-spent`,
  };
  const results = await transaction(ledger, [
    { sql: TAKE, params },
    { sql: SPEND, params },
    {
      // A place that only a limit or a pause denied leaves the job waiting with one runner less on the way.
      sql: requestShortage(`SELECT scope, class FROM runners WHERE ${THIS} AND op = :spent`),
      params,
    },
    {
      sql: `SELECT name AS runnerName, op, registration_id AS registrationId FROM runners WHERE ${THIS}`,
      params,
    },
  ]);
  const row = results.at(-1)?.[0];
  if (row === undefined || row["op"] === params["spent"]) return { outcome: "nothing_waits" };
  if (row["op"] !== op) return { outcome: "used" };
  return { outcome: "taken", claim: row as unknown as TakenClaim };
}

/** Records the registration that GitHub made.
 *  @returns false when the claim is no longer this caller's: released, or taken anew by a second POST */
export async function recordRegistration(
  ledger: LedgerContext,
  claim: TakenClaim,
  registrationId: number,
): Promise<boolean> {
  return changeTaken(ledger, claim, "registration_id = :registration", { registration: registrationId });
}

/** Gives a claim back, for the runner to try again: it is alive, so its deadline starts anew. */
export async function giveBack(ledger: LedgerContext, claim: TakenClaim, pickup: number): Promise<boolean> {
  return changeTaken(
    ledger,
    claim,
    `state = 'dispatched', claimed_at = NULL, holder = NULL, registration_id = NULL,
      dispatched_at = coalesce(dispatched_at, :now), until = :now + :pickup`,
    { pickup },
  );
}

async function changeTaken(
  ledger: LedgerContext,
  claim: TakenClaim,
  change: string,
  extra: Params,
): Promise<boolean> {
  const params: Params = { ...extra, now: ledger.now(), name: claim.runnerName, op: claim.op };
  const [, rows] = await transaction(ledger, [
    { sql: `UPDATE runners SET ${change} WHERE name = :name AND op = :op AND state = 'claimed'`, params },
    { sql: "SELECT 1 AS held FROM runners WHERE name = :name AND op = :op", params },
  ]);
  return rows.length === 1;
}
