import { OWNER, REPOSITORY_FULL_NAME, isId, matches } from "../contracts/patterns";
import type { RunnerPolicy } from "../contracts/policy";
import { type Json, asRecord, parseJson } from "./json";
import type { LedgerContext } from "./ledger/context";
import { hearHook } from "./ledger/hooks";
import { isConcerned } from "./policy";

/** Hooks that this isolate has noted: a usual delivery costs the ledger nothing more. */
const heard = new Set<number>();
const MOST_HEARD = 5_000;

/**
 * Notes by which hook a delivery came whose signature was right, so that the sweep can look at its failed deliveries. The
 * headers are not signed: they are hints, and the sweep asks GitHub whose hook it is.
 * @returns what is to be done once GitHub has its answer; null when there is nothing to note
 */
export function hearOf(
  headers: Headers,
  body: Uint8Array,
  policy: RunnerPolicy,
): ((ledger: LedgerContext) => Promise<void>) | null {
  const text = headers.get("x-github-hook-id") ?? "";
  const id = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  const type = headers.get("x-github-hook-installation-target-type");
  if (policy.redelivery === "off" || !isId(id) || heard.has(id)) return null;
  if (heard.size >= MOST_HEARD) heard.clear();
  heard.add(id);
  return async (ledger) => {
    const target = targetOf(asRecord(parseJson(new TextDecoder().decode(body))), type);
    if (target === null || !isConcerned(policy, target)) return;
    try {
      await hearHook(ledger, id, target);
    } catch (error) {
      heard.delete(id);
      throw error;
    }
  };
}

function targetOf(payload: Json | null, type: string | null): string | null {
  const { repository, organization } = payload ?? {};
  const name = asRecord(repository)?.["full_name"];
  const login = asRecord(organization)?.["login"];
  if (type === "repository") return matches(REPOSITORY_FULL_NAME, name) ? name : null;
  return type === "organization" && matches(OWNER, login) ? login : null;
}
