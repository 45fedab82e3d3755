import type { WorkerHost } from "./worker-host";

/** Names of columns that are times; the schema has no other of these forms. */
const TIME = /(?:^|_)(?:at|until|since)$/;

/** Not aged: when versions were applied, and what the observer writes. */
const KEPT = /^(?:ledger_version|chaos_.*)$/;

/** The Worker's and the observer's; those of the runtime itself cannot be read. */
export const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'";

/** Finds the ledger's times. @returns statements that make all of them older by so many milliseconds */
export async function readAgeing(host: WorkerHost): Promise<(ms: number) => readonly string[]> {
  const [names = []] = await host.transaction([TABLES]);
  const columns = await host.transaction(names.map(({ name }) => `PRAGMA table_info("${String(name)}")`));
  const tables = new Map<string, string[]>();
  for (const [index, { name }] of names.entries()) {
    const times = (columns[index] ?? [])
      .map((row) => String(row["name"]))
      .filter((column) => TIME.test(column));
    if (times.length > 0 && !KEPT.test(String(name))) tables.set(String(name), times);
  }
  if (!["jobs", "runners", "marks"].every((table) => tables.has(table))) {
    throw new Error(`the ledger's times were not found, only those of ${[...tables.keys()].join(", ")}`);
  }
  return (ms) =>
    [...tables].map(([table, names]) => {
      const set = names.map((name) => `${name} = ${name} - ${String(ms)}`);
      return `UPDATE ${table} SET ${set.join(", ")}`;
    });
}
