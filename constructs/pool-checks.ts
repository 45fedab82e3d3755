import { parseCronWindow } from "../contracts/cron-window";
import type { RunnerClass } from "../contracts/policy";
import { namesRepository } from "./repository-pattern";
import type { RunnerScope } from "./runner-scope";
import type { WarmPool } from "./warm-pool";

/**
 * What is wrong between pools, scopes and classes, one sentence each. Shape, size and window of a pool by itself, and that
 * its class is there, are told with the policy, by the one who will read it.
 */
export function poolProblems(
  pools: readonly WarmPool[],
  scopes: readonly RunnerScope[],
  classes: readonly RunnerClass[],
): string[] {
  const found = pools.flatMap((pool, index) => [
    ...scopeProblems(`pools[${String(index)}]`, pool, scopes),
    ...timeZoneProblems(`pools[${String(index)}]`, pool),
    ...repositoryCapProblems(`pools[${String(index)}]`, pool, classes),
  ]);
  for (const { name, maxRunners } of classes) {
    const kept = keptOf(name, pools);
    if (maxRunners === 0 || kept === 0) continue;
    // Where runners can register in one place only, there is nobody else to leave a place for.
    const most = scopes.length === 1 && scopes[0]?.kind === "organization" ? maxRunners : maxRunners - 1;
    if (kept <= most) continue;
    found.push(
      `pools: must keep at most ${String(most)} runners of the class "${name}", whose maxRunners is ${String(maxRunners)}, ` +
        `got ${String(kept)}; idle runners of one scope would leave no place for jobs of another. Make the pools smaller, or ` +
        "maxRunners larger.",
    );
  }
  return found;
}

/** What is legal about pools and has a price, one sentence each. */
export function poolWarnings(pools: readonly WarmPool[], scopes: readonly RunnerScope[]): string[] {
  if (pools.length === 0) return [];
  const size = pools.reduce((sum, { props }) => sum + props.size, 0);
  const found = [
    `Pools keep ${String(size)} ${size === 1 ? "runner" : "runners"} ready, with ${size === 1 ? "its" : "their"} CPU and memory. ` +
      "GitHub removes an idle runner after some minutes, so each place costs a registration every few minutes.",
  ];
  const open = pools.map(({ props }) => props.scope).filter((scope) => servesPublic(scope, scopes));
  if (open.length > 0) {
    found.push(
      `Pools wait for jobs of public repositories in "${[...new Set(open)].join('", "')}": GitHub gives a ready runner any job ` +
        "there, before the Worker hears of it. Unless forkPullRequests allows them, the runner's hook fails a fork's job " +
        "before its first step, and the runner is spent.",
    );
  }
  return found;
}

function scopeProblems(at: string, { props: { scope } }: WarmPool, scopes: readonly RunnerScope[]): string[] {
  const isRepository = scope.includes("/");
  const ruler = rulerOf(scope, scopes);
  const isRuled = isRepository
    ? ruler !== undefined && ruler.kind !== "organization"
    : scopes.some(({ organization }) => organization?.toLowerCase() === scope.toLowerCase());
  if (isRuled) return [];
  return [
    `${at}.scope: must be ${
      isRepository
        ? "a repository that a repository scope's patterns name"
        : "the organization of an organization scope"
    }, got "${scope}"; its runners would register where the stack takes no jobs`,
  ];
}

/** The first scope whose patterns name a repository, as in the Worker. */
function rulerOf(fullName: string, scopes: readonly RunnerScope[]): RunnerScope | undefined {
  return scopes.find(({ patterns }) => patterns.some((pattern) => namesRepository(pattern, fullName)));
}

function servesPublic(scope: string, scopes: readonly RunnerScope[]): boolean {
  return scopes.some(({ organization, settings: { publicRepositories = [] } }) =>
    scope.includes("/")
      ? publicRepositories.some((pattern) => namesRepository(pattern, scope))
      : publicRepositories.length > 0 && organization?.toLowerCase() === scope.toLowerCase(),
  );
}

/** Whether the runtime knows the zone: Node and workerd have the same names. */
function timeZoneProblems(at: string, { when: { window, timeZone } }: WarmPool): string[] {
  // One that is no window at all is told with the policy.
  if (typeof window !== "string" || timeZone === undefined || parseCronWindow(window) === null) return [];
  try {
    new Intl.DateTimeFormat("en-US", { timeZone });
    return [];
  } catch {
    return [
      `${at}.timeZone: must be a time zone of the IANA database, got ${JSON.stringify(timeZone)}; write it as Europe/Berlin`,
    ];
  }
}

function repositoryCapProblems(
  at: string,
  { props: { className, scope, size } }: WarmPool,
  classes: readonly RunnerClass[],
): string[] {
  const cap = classes.find(({ name }) => name === className)?.maxRunnersPerRepository ?? 0;
  if (cap === 0 || size <= cap || !scope.includes("/")) return [];
  return [
    `${at}.size: must be at most the class's maxRunnersPerRepository, which is ${String(cap)}, got ${String(size)}; make the ` +
      "pool smaller, or the maximum larger",
  ];
}

/** How many runners of a class the pools keep at most: of several of one scope, which may have windows of their own, the
 *  largest counts. */
function keptOf(className: string, pools: readonly WarmPool[]): number {
  const sizes = new Map<string, number>();
  for (const { props } of pools.filter((pool) => pool.props.className === className)) {
    const key = props.scope.toLowerCase();
    sizes.set(key, Math.max(sizes.get(key) ?? 0, props.size));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
