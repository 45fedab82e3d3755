import type { CleanUp, Recovery, Redelivery } from "../contracts/policy";
import type { App } from "./app";
import type { CleanUpView } from "./ledger/clean-up-view";
import { type LedgerView, type PoolLoad, readLedger } from "./ledger/read";
import type { RecoveryView } from "./ledger/recovery";
import { parseJson } from "./json";
import type { RedeliveryView } from "./ledger/redeliveries";
import { type PoolNow, keyOf, poolsAt } from "./pools";
import { shownPauses } from "./pause";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What `/status` and `/metrics` both show. */
export interface Status {
  readonly version: string;
  readonly stack: string;
  readonly view: LedgerView;
  /** The policy's pools, with what the ledger counts for each. */
  readonly pools: readonly (PoolNow & PoolLoad)[];
  readonly cleanUp: CleanUp;
  readonly recovery: Recovery;
  readonly redelivery: Redelivery;
  readonly now: number;
  /** Credential → whole days until it ends; negative when it has, null when it does not end or nobody said. */
  readonly daysLeft: Readonly<Record<string, number | null>>;
}

export async function readStatus(app: App, version: string): Promise<Status> {
  const now = app.now();
  const view = await readLedger(app.ledger);
  return {
    version,
    stack: app.ledger.stackId,
    view,
    pools: poolsAt(app.config.policy, now).map((pool) => ({ ...pool, ...countsOf(pool, view) })),
    cleanUp: app.config.policy.cleanUp,
    recovery: app.config.policy.recovery,
    redelivery: app.config.policy.redelivery,
    now,
    daysLeft: Object.fromEntries(
      Object.entries(app.config.credentialExpiry).map(([name, end]) => [name, daysLeft(end, now)]),
    ),
  };
}

function countsOf(pool: PoolNow, view: LedgerView): Pick<PoolLoad, "idle" | "starting" | "busy"> {
  const found = view.pools.find((one) => keyOf(one.scope, one.class) === keyOf(pool.scope, pool.class));
  return { idle: found?.idle ?? 0, starting: found?.starting ?? 0, busy: found?.busy ?? 0 };
}

function daysLeft(end: string | null, now: number): number | null {
  const at = end === null ? Number.NaN : Date.parse(end);
  return Number.isNaN(at) ? null : Math.floor((at - now) / DAY_MS);
}

/** A share of sorted values, or null when there are none. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

/** The JSON of `/status`. */
export function statusJson(status: Status): unknown {
  const { version, stack, view, pools, now, daysLeft: days } = status;
  return {
    version,
    stack_id: stack,
    scopes: view.loads,
    pools,
    jobs: view.jobs,
    runners: view.runners,
    queued_to_running_ms: {
      count: view.startMs.length,
      p50: quantile(view.startMs, 0.5),
      p95: quantile(view.startMs, 0.95),
    },
    oldest_waiting_seconds:
      view.oldestWaitingAt === null ? null : Math.round((now - view.oldestWaitingAt) / 1000),
    paused: shownPauses(view.pauses),
    problems: view.problems.map((problem) => ({
      ...problem,
      first_at: time(problem.first_at),
      last_at: time(problem.last_at),
    })),
    last_sweep_at: time(view.sweptAt),
    clean_up: cleanUpJson(status.cleanUp, view.cleanUp),
    recovery: recoveryJson(status.recovery, view.recovery, now),
    credential_days_left: days,
    redelivery: redeliveryJson(status),
  };
}

function redeliveryJson({ redelivery, view }: Status): unknown {
  const { hooks, roundAt, roundMs, pending, asked, givenUp } = view.redelivery;
  const why = offBecause(redelivery, view.redelivery);
  return {
    mode: why === null ? "on" : "off",
    why,
    hooks,
    last_round_at: time(roundAt),
    last_round_seconds: roundMs === null ? null : Math.round(roundMs / 1000),
    pending,
    asked,
    given_up: givenUp,
    last_problem: view.problems.find(({ source }) => source === "redelivery")?.detail ?? null,
  };
}

/** @returns null where it works */
function offBecause(mode: Redelivery, { hooks, denied }: RedeliveryView): string | null {
  if (mode === "off") return "policy";
  if ((hooks["ours"] ?? 0) > 0) return null;
  return (hooks["denied"] ?? 0) + denied > 0 ? "no_permission" : "no_hook_known";
}

function cleanUpJson(mode: CleanUp, view: CleanUpView): unknown {
  return {
    mode,
    last_pass_at: time(view.passAt),
    scope: view.scope,
    strays: view.strays.map((stray) => ({ ...stray, first_at: time(stray.first_at) })),
    removed: { registrations: view.registrations, runners: view.runners, last_at: time(view.removedAt) },
  };
}

function recoveryJson(mode: Recovery, view: RecoveryView, now: number): unknown {
  return {
    mode,
    last_pass_at: time(view.passAt),
    repositories: view.repositories,
    behind_seconds: behindSeconds(view, now),
    found: { jobs: view.jobs, last_at: time(view.foundAt) },
    // GitHub tells nothing of these owners' repositories, so nothing is found there.
    refused: parseJson(view.refused),
  };
}

/** How long the repository that has waited longest is overdue; 0 when none is. */
export function behindSeconds({ nextAt }: RecoveryView, now: number): number {
  return nextAt === null ? 0 : Math.max(0, Math.round((now - nextAt) / 1000));
}

function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
