import type { Database, Statement } from "../../../local/worker/database";

/** What becomes of one batch: `before` is lost on its way, `after` commits and its answer is lost, `hang` never answers. */
export type Fate = "commit" | "before" | "after" | "hang";

/** A ledger that counts what it is asked, and fails where a test says so. */
export interface WatchedLedger {
  readonly database: Database;
  /** Statements, each counted as one subrequest: in a batch or on its own, a statement is prepared each time it is sent. */
  statements: number;
  /** First two words of every statement of each batch. */
  readonly batches: string[][];
  /** Decides on the n-th batch, from 1. */
  fate: (batch: number) => Fate;
}

interface WatchedStatement extends Statement {
  readonly words: string;
  readonly inner: Statement;
}

/** Wraps a database; works on the sources in Node, which take whatever database is bound. */
export function watchLedger(database: Database): WatchedLedger {
  const watched: WatchedLedger = {
    statements: 0,
    batches: [],
    fate: () => "commit",
    database: {
      prepare: (sql) => {
        watched.statements += 1;
        return watch(database.prepare(sql), sql.trim().split(/\s+/, 2).join(" "));
      },
      batch: async (given) => {
        const statements = given as WatchedStatement[];
        watched.batches.push(statements.map((one) => one.words));
        const fate = watched.fate(watched.batches.length);
        if (fate === "hang") return new Promise(() => undefined);
        if (fate === "before") throw new Error("D1_ERROR: Network connection lost.");
        const results = await database.batch(statements.map((one) => one.inner));
        if (fate === "after") throw new Error("D1_ERROR: Network connection lost.");
        return results;
      },
    },
  };
  return watched;
}

function watch(inner: Statement, words: string): WatchedStatement {
  return {
    words,
    inner,
    bind: (...values) => watch(inner.bind(...values), words),
    all: async () => inner.all(),
    run: async () => inner.run(),
    first: async () => inner.first(),
  };
}
