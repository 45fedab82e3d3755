import type { LedgerContext } from "./context";
import { type Statement, transaction } from "./statement";

/** Whose fault a problem is, seen from the Worker. */
export type ProblemSource = "nomad" | "github" | "runner" | "pools" | "clean_up" | "redelivery" | "recovery";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Counts problems by kind, so that `/status` can tell an operator what is wrong and since when.
 *  @param problems kind → the last detail, free of secrets */
export function problemStatement(
  source: ProblemSource,
  problems: ReadonlyMap<string, string>,
  now: number,
): Statement {
  return {
    sql: `INSERT INTO problems (source, kind, detail, count, first_at, last_at)
      SELECT :source, value ->> 0, value ->> 1, 1, :now, :now FROM json_each(:problems) WHERE true
      ON CONFLICT (source, kind) DO UPDATE SET detail = excluded.detail, last_at = :now,
        count = CASE WHEN last_at < :now - ${DAY_MS} THEN 1 ELSE count + 1 END,
        first_at = CASE WHEN last_at < :now - ${DAY_MS} THEN :now ELSE first_at END`,
    params: { source, problems: JSON.stringify([...problems]), now },
  };
}

/** Writes problems on their own; nothing to write costs nothing. */
export async function recordProblems(
  ledger: LedgerContext,
  source: ProblemSource,
  problems: ReadonlyMap<string, string>,
): Promise<void> {
  if (problems.size > 0) await transaction(ledger, [problemStatement(source, problems, ledger.now())]);
}
