import type { LedgerContext } from "./context";
import { transaction } from "./statement";

/** Notes when something last happened, for `/status`. */
export async function mark(
  ledger: LedgerContext,
  name: string,
  value: Readonly<Record<string, number>>,
): Promise<void> {
  await transaction(ledger, [
    {
      sql: `INSERT INTO marks (name, at, value) VALUES (:name, :now, :value)
        ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = excluded.value`,
      params: { name, now: ledger.now(), value: JSON.stringify(value) },
    },
  ]);
}
