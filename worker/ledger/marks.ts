import type { LedgerContext } from "./context";
import { transaction } from "./statement";

/** Sets a mark; name, time and value are SQL. One that stands is replaced. */
export function setMark(name: string, at: string, value: string): string {
  return `INSERT INTO marks (name, at, value) VALUES (${name}, ${at}, ${value})
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = excluded.value`;
}

/** What a mark says. @param what `at`, or an expression over `value` */
export function markOf(name: string, what: string): string {
  return `(SELECT ${what} FROM marks WHERE name = '${name}')`;
}

/** Notes when something last happened; what the mark's value has besides stays. */
export async function mark(
  ledger: LedgerContext,
  name: string,
  value: Readonly<Record<string, number>>,
): Promise<void> {
  await transaction(ledger, [
    {
      sql: `INSERT INTO marks (name, at, value) VALUES (:name, :now, :value)
        ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = json_patch(value, excluded.value)`,
      params: { name, now: ledger.now(), value: JSON.stringify(value) },
    },
  ]);
}
