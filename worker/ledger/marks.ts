import type { LedgerContext } from "./context";
import { transaction } from "./statement";

/** Sets a mark; name, time and value are SQL. One that stands is replaced. */
export function setMark(name: string, at: string, value: string): string {
  return `INSERT INTO marks (name, at, value) VALUES (${name}, ${at}, ${value})
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = excluded.value`;
}

/** Notes when something last happened, for `/status`. */
export async function mark(
  ledger: LedgerContext,
  name: string,
  value: Readonly<Record<string, number>>,
): Promise<void> {
  await transaction(ledger, [
    {
      sql: setMark(":name", ":now", ":value"),
      params: { name, now: ledger.now(), value: JSON.stringify(value) },
    },
  ]);
}
