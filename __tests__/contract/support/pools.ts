import { JIT, SCOPE, answer, claimOf, granted, inSeconds, tokens } from "../../support/claims";
import { type Harness, LINUX, POLICY, signClaim } from "../../support/harness/harness";
import { readStatus } from "./dispatching";

/** A pool as the policy has it. */
export interface WrittenPool {
  readonly scope: string;
  readonly class: string;
  readonly size: number;
  readonly window?: string;
  readonly timeZone?: string;
}

export const POOL: WrittenPool = { scope: SCOPE, class: "linux", size: 2 };

/** The usual policy with pools, and with changes to its one class. */
export function withPools(
  pools: readonly WrittenPool[],
  changes: Partial<typeof LINUX> = {},
): Record<string, unknown> {
  return { RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, ...changes }], pools } };
}

/** Binds pools, which the first sweep then fills. */
export async function bindPools(
  harness: Harness,
  pools: readonly WrittenPool[],
  changes: Partial<typeof LINUX> = {},
): Promise<void> {
  await harness.bind(withPools(pools, changes));
  // In Node a change of bindings is no sweep; in workerd it was one already, and another changes nothing.
  await harness.sweep();
}

/** `idempotency_token` of the n-th runner of a pool. */
export function warm(ordinal: number, scope = SCOPE): string {
  return `pool:${scope}:linux:${String(ordinal)}`;
}

/** A claim of kind warm as the Worker signs it. */
export function warmClaim(ordinal: number, changes: Readonly<Record<string, unknown>> = {}): string {
  const exp = inSeconds(24 * 3600);
  return signClaim({ scope: SCOPE, class: "linux", kind: "warm", ordinal, exp, ...changes });
}

/** The warm dispatches, in order of their ordinals: two sent at once may come in any order. */
export function warmTokens(harness: Harness): string[] {
  const ordinal = (token: string): number => Number(token.split(":").at(-1));
  return tokens(harness)
    .filter((token) => token.startsWith("pool:"))
    .sort((a, b) => ordinal(a) - ordinal(b));
}

/** Takes the claims of dispatched runners of the pool; their names at GitHub. */
export async function idle(harness: Harness, ...ordinals: number[]): Promise<string[]> {
  const names: string[] = [];
  for (const ordinal of ordinals)
    names.push(await granted(harness, claimOf(harness, warm(ordinal)), `alloc-${String(ordinal)}`));
  return names;
}

/** The allocation of a pool's runner gives its claim back. */
export async function leave(harness: Harness, ordinal: number): Promise<Response> {
  return harness.release(claimOf(harness, warm(ordinal)), `alloc-${String(ordinal)}`);
}

/** How each of the pools stands, as `/status` says. */
export async function pools(harness: Harness): Promise<readonly Record<string, unknown>[]> {
  return ((await readStatus(harness)) as unknown as { pools: readonly Record<string, unknown>[] }).pools;
}

/** A month in which it is not now, as a window; and one in which it is, in every time zone for some days yet. */
export function windows(now = new Date()): { readonly closed: string; readonly open: string } {
  const months = (offset: number): number => ((now.getUTCMonth() + offset + 12) % 12) + 1;
  return { closed: `* * * ${String(months(6))} *`, open: `* * * ${[-1, 0, 1].map(months).join(",")} *` };
}

/** A GitHub that refuses every registration. */
export function refuseRegistrations(harness: Harness): void {
  answer(harness, ({ method, path }) =>
    `${method} ${path}`.endsWith(JIT.slice(5))
      ? { status: 403, body: { message: "Resource not accessible" } }
      : null,
  );
}
