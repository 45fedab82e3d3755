/** One statement as the Worker sent it. */
export interface CountedStatement {
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** What the Worker has sent since it was asked last. */
export interface Counted {
  readonly requests: number;
  readonly fetches: number;
  readonly batches: readonly (readonly CountedStatement[])[];
}

/** Path under which {@link COUNTING} tells its counts and begins anew; with `?pass=<ms>` its clock goes on by so much
 *  instead. */
export const COUNTS_PATH = "/bench/counts";

/** Name of the module that holds the Worker. */
export const COUNTED_MODULE = "./product.js";

/** Stands before the Worker's bundle and counts what it sends. What it takes itself is the same for all that is compared. */
export const COUNTING = `
import worker from "${COUNTED_MODULE}";
let counts = { requests: 0, fetches: 0, batches: [] };
let passed = 0;
const now = Date.now;
Date.now = () => now() + passed;
const send = globalThis.fetch;
globalThis.fetch = (...args) => {
  counts.fetches += 1;
  return send(...args);
};
const seen = (result, statement) => ({
  sql: statement.sql, params: statement.params, rowsRead: result.meta.rows_read, rowsWritten: result.meta.rows_written,
});
function counted(database) {
  const wrap = (sql, params, inner) => ({
    sql, params, inner,
    bind: (...values) => wrap(sql, values, inner.bind(...values)),
    first: async () => {
      const result = await inner.all();
      counts.batches.push([seen(result, { sql, params })]);
      return result.results[0] ?? null;
    },
  });
  return {
    prepare: (sql) => wrap(sql, [], database.prepare(sql)),
    batch: async (statements) => {
      const results = await database.batch(statements.map((one) => one.inner));
      counts.batches.push(results.map((result, index) => seen(result, statements[index])));
      return results;
    },
  };
}
let environment;
const environmentOf = (env) => (environment ??= { ...env, LEDGER: counted(env.LEDGER) });
export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    if (url.pathname === "${COUNTS_PATH}") {
      const pass = Number(url.searchParams.get("pass") ?? 0);
      passed += pass;
      if (pass > 0) return Response.json(passed);
      const told = counts;
      counts = { requests: 0, fetches: 0, batches: [] };
      return Response.json(told);
    }
    counts.requests += 1;
    return worker.fetch(request, environmentOf(env), context);
  },
  async scheduled(event, env, context) {
    counts.requests += 1;
    return worker.scheduled(event, environmentOf(env), context);
  },
};`;
