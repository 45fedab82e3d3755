import type { Evidence } from "./evidence";

/** A pool with more registered runners than it has places. */
export interface CrowdedPool {
  readonly scope: string;
  readonly names: readonly string[];
  readonly size: number;
}

/** One that was granted for a job, which another runner then took, leaves after its idle timeout. */
export function crowdedPools({
  policy,
  registered,
  stack,
}: Pick<Evidence, "policy" | "registered" | "stack">): CrowdedPool[] {
  return policy.pools.flatMap(({ scope, class: className, size }) => {
    const names = registered
      .filter((runner) => runner.scope.toLowerCase() === scope.toLowerCase())
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${stack}-${className}-warm-`));
    return names.length > size ? [{ scope, names, size }] : [];
  });
}
