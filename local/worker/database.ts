export type Row = Record<string, string | number | null>;

export interface Statement {
  /** @throws TypeError when a value is undefined, as D1 does */
  bind(...values: readonly unknown[]): Statement;
  /** @throws Error with what SQLite said */
  all<T = Row>(): Promise<Result<T>>;
  /** The first row, or null. */
  first(): Promise<Row | null>;
  run(): Promise<unknown>;
}

export interface Result<T = Row> {
  readonly results: T[];
  /** `size_after`: the database's, in bytes. The rows are those that D1 would bill. */
  readonly meta: { readonly size_after: number; readonly rows_read: number; readonly rows_written: number };
}

/** A D1 database as code outside workerd sees it: the part of D1's own interface that is used. */
export interface Database {
  prepare(sql: string): Statement;
  /** One transaction. @throws Error with what SQLite said; nothing has happened then */
  batch(statements: readonly Statement[]): Promise<readonly Result[]>;
}

export interface Query {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** The database to which `ask` takes the queries of a transaction. */
export function databaseOver(ask: (queries: readonly Query[]) => Promise<readonly Result[]>): Database {
  const queries = new WeakMap<Statement, Query>();
  const batch = async (statements: readonly Statement[]): Promise<readonly Result[]> =>
    ask(statements.map((one) => queries.get(one) ?? fail("It takes statements that it prepared itself.")));
  const statement = (sql: string, values: readonly unknown[]): Statement => {
    // JSON would make null of it, where D1 refuses it.
    if (values.includes(undefined)) throw new TypeError("D1_TYPE_ERROR: Type 'undefined' not supported");
    const all = async <T>(): Promise<Result<T>> => {
      const [result = fail("It gave no result.")] = await batch([self]);
      return result as Result<T>;
    };
    const self: Statement = {
      bind: (...given) => statement(sql, given),
      all,
      run: all,
      first: async () => (await all<Row>()).results[0] ?? null,
    };
    queries.set(self, { sql, values });
    return self;
  };
  return { prepare: (sql) => statement(sql, []), batch };
}

function fail(what: string): never {
  throw new Error(`The local database failed. ${what}`);
}
