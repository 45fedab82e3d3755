import { isInWindow, parseCronWindow } from "../contracts/cron-window";
import type { RunnerPolicy, RunnerPool } from "../contracts/policy";
import { isListed } from "../contracts/repository-pattern";
import type { App } from "./app";
import type { GithubResult } from "./github/client";
import { keepWanted } from "./ledger/pools";
import { recordProblems } from "./ledger/problems";
import { groupOf, rulesOf } from "./policy";

/** What the policy's pools of one scope and class come to. */
export interface PoolNow {
  readonly scope: string;
  readonly class: string;
  /** How many should be ready: the largest of its open pools, of all where none is open. */
  readonly size: number;
  readonly open: boolean;
}

/** `scope` and `time_zone` are mistakes that keep a pool closed, and the kinds of problem that tell of them. */
type PoolState = "open" | "closed" | "scope" | "time_zone";

/** The pools at a moment, one for each scope and class.
 *  @param now milliseconds since the epoch */
export function poolsAt(policy: RunnerPolicy, now: number): readonly PoolNow[] {
  const pools = new Map<string, PoolNow>();
  const windows: Windows = new Map();
  for (const pool of policy.pools) {
    const key = keyOf(pool.scope, pool.class);
    const open = stateOf(policy, pool, now, windows) === "open";
    const before = pools.get(key);
    if (before === undefined || open > before.open || (open === before.open && pool.size > before.size)) {
      pools.set(key, { scope: pool.scope, class: pool.class, size: pool.size, open });
    }
  }
  return [...pools.values()];
}

/** How many runners a scope's and class's pool should have ready now; 0 where it is closed, or there is none. */
export function wantedSize(policy: RunnerPolicy, scope: string, className: string, now: number): number {
  const [found] = poolsAt({ ...policy, pools: poolsOf(policy, scope, className) }, now);
  return found?.open === true ? found.size : 0;
}

/** The most that any pool of a scope and class has, at least 1: one that the policy no longer has may still be dispatched. */
export function poolSize(policy: RunnerPolicy, scope: string, className: string): number {
  return Math.max(1, ...poolsOf(policy, scope, className).map(({ size }) => size));
}

function poolsOf(policy: RunnerPolicy, scope: string, className: string): readonly RunnerPool[] {
  return policy.pools.filter((pool) => keyOf(pool.scope, pool.class) === keyOf(scope, className));
}

/** How GitHub compares names. */
export function keyOf(scope: string, className: string): string {
  return `${scope.toLowerCase()} ${className}`;
}

/** Requests what open pools lack; costs one statement, and nothing where none is open.
 *  @returns whether any is */
export async function keepPools(app: App): Promise<boolean> {
  const wanted = openPools(app);
  if (wanted.length > 0) await keepWanted(app.ledger, wanted);
  return wanted.length > 0;
}

/** Tells of pools that cannot be kept; costs nothing where all can. */
export async function tellPools(app: App): Promise<void> {
  await recordProblems(app.ledger, "pools", problemsOf(app.config.policy, app.now()));
}

/**
 * Whether a pool's runner may be registered: not in a public repository that the policy does not list as such. A job's
 * runner is held back by the delivery, which says so; a pool's is there before any job.
 * @returns `refused` when it may not
 */
export async function askFence(app: App, scope: string): Promise<GithubResult<null>> {
  const { publicRepositories } = rulesOf(app.config.policy, scope);
  // Of an organization, the runner group keeps public repositories out.
  if (!scope.includes("/") || isListed(publicRepositories, scope)) {
    return { ok: true, value: null };
  }
  const found = await app.github.isPrivate(scope);
  if (!found.ok) return found;
  if (found.value) return { ok: true, value: null };
  const detail = `${scope} is public and not in publicRepositories: its pool gets no runner`;
  return { ok: false, error: "refused", detail, retryAfterSeconds: null };
}

/** Those to be kept now. */
export function openPools(app: App): readonly PoolNow[] {
  return poolsAt(app.config.policy, app.now()).filter(({ open }) => open);
}

function problemsOf(policy: RunnerPolicy, now: number): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  const windows: Windows = new Map();
  for (const pool of policy.pools) {
    const state = stateOf(policy, pool, now, windows);
    if (state === "open" || state === "closed") continue;
    const text =
      state === "scope"
        ? "no scope of the policy has these runners"
        : `this runtime does not know the time zone ${pool.timeZone}`;
    problems.set(state, `${pool.scope}, class ${pool.class}: ${text}; the pool is closed`);
  }
  return problems;
}

/** What was found of each window and time zone: a clock of another time zone costs a good part of a millisecond, of
 *  which an invocation on the free plan has ten. */
type Windows = Map<string, PoolState>;

function stateOf(
  policy: RunnerPolicy,
  { scope, window, timeZone }: RunnerPool,
  now: number,
  windows: Windows,
): PoolState {
  if (!isRuled(policy, scope)) return "scope";
  if (window === null) return "open";
  const key = `${window} ${timeZone}`;
  const state = windows.get(key) ?? windowState(window, timeZone, now);
  windows.set(key, state);
  return state;
}

function windowState(window: string, timeZone: string, now: number): PoolState {
  const parsed = parseCronWindow(window);
  try {
    return parsed !== null && isInWindow(parsed, timeZone, now) ? "open" : "closed";
  } catch {
    return "time_zone";
  }
}

/** Whether the policy would place a job of that scope there; runners anywhere else are nobody's. */
function isRuled(policy: RunnerPolicy, scope: string): boolean {
  if (!scope.includes("/")) return groupOf(policy, scope) !== null;
  const rules = rulesOf(policy, scope);
  return rules.scope === "repository" && isListed(rules.repositories, scope);
}
