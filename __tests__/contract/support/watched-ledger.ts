import type { TestDatabase, TestStatement } from "../../support/harness/runtimes";

/** What one batch does: `before` fails on its way, `after` commits and loses the answer, `hang` never answers. */
export type Fate = "commit" | "before" | "after" | "hang";

/** A ledger that counts what it is asked, and fails where a test says so. */
export interface WatchedLedger {
  readonly database: TestDatabase;
  /** Statements, each counted as one subrequest: in a batch or on its own, a statement is prepared each time it is sent. */
  statements: number;
  /** First words of every statement of each batch. */
  readonly batches: string[][];
  /** Decides on the n-th batch, from 1. */
  fate: (batch: number) => Fate;
}

/** Wraps a database; works on the sources in Node, which take whatever database is bound. */
export function watchLedger(database: TestDatabase): WatchedLedger {
  const texts = new WeakMap<TestStatement, string>();
  const watched: WatchedLedger = {
    statements: 0,
    batches: [],
    fate: () => "commit",
    database: {
      prepare: (sql) => {
        watched.statements += 1;
        return named(texts, database.prepare(sql), sql);
      },
      batch: async (statements) => {
        watched.batches.push(statements.map((one) => texts.get(one) ?? ""));
        const fate = watched.fate(watched.batches.length);
        if (fate === "hang") return new Promise(() => undefined);
        if (fate === "before") throw new Error("D1_ERROR: Network connection lost.");
        const results = await database.batch(statements);
        if (fate === "after") throw new Error("D1_ERROR: Network connection lost.");
        return results;
      },
    },
  };
  return watched;
}

/** `bind` makes a new statement, which keeps its text here, too. */
function named(texts: WeakMap<TestStatement, string>, statement: TestStatement, sql: string): TestStatement {
  texts.set(statement, sql.trim().split(/\s+/, 2).join(" "));
  const bind = statement.bind.bind(statement);
  statement.bind = (...values) => named(texts, bind(...values), sql);
  return statement;
}
