import type { LedgerContext } from "./context";
import { type Row, type Statement, transaction } from "./statement";

/** What is paused, and since when (Unix milliseconds). */
export interface Pause {
  /** `owner/name`, or `*` for everything. */
  readonly repo: string;
  readonly since: number;
}

/** Begins a pause; one that stands already keeps its time. */
export async function pause(ledger: LedgerContext, repo: string): Promise<void> {
  const sql = "INSERT INTO pauses (repo, since) VALUES (:repo, :now) ON CONFLICT (repo) DO NOTHING";
  await transaction(ledger, [{ sql, params: { repo, now: ledger.now() } }]);
}

/** Ends a pause, and only that one: a repository paused by itself stays so when everything else goes on. */
export async function resume(ledger: LedgerContext, repo: string): Promise<void> {
  await transaction(ledger, [{ sql: "DELETE FROM pauses WHERE repo = :repo", params: { repo } }]);
}

export async function listPauses(ledger: LedgerContext): Promise<readonly Pause[]> {
  const [rows] = await transaction(ledger, [PAUSES]);
  return pausesOf(rows);
}

/** Reads all pauses; `*` sorts before any login. */
export const PAUSES: Statement = { sql: "SELECT repo, since FROM pauses ORDER BY repo", params: {} };

export function pausesOf(rows: readonly Row[]): readonly Pause[] {
  return rows as unknown as readonly Pause[];
}
