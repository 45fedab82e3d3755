import { Miniflare } from "miniflare";
import { COMPATIBILITY_DATE } from "../../../contracts/runtime";
import type { TestDatabase, TestStatement } from "./test-database";

/** A D1 for code that runs in Node, with the part of its interface that the Worker uses. */
export interface LocalD1 extends TestDatabase {
  prepare(sql: string): LocalStatement;
  close(): Promise<void>;
}

interface LocalStatement extends TestStatement {
  bind(...values: unknown[]): LocalStatement;
  first(): Promise<unknown>;
}

type Row = Record<string, string | number | null>;
type Answer = { readonly results: readonly { readonly results: Row[] }[] } | { readonly error: string };

/** Runs what it is sent as one batch of the real local D1. */
const SCRIPT = `export default {
  async fetch(request, env) {
    const statements = await request.json();
    try {
      const prepared = statements.map(({ sql, values }) => env.LEDGER.prepare(sql).bind(...values));
      return Response.json({ results: await env.LEDGER.batch(prepared) });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};`;

/**
 * Starts workerd with a local D1, asked once per batch. Miniflare's own proxy of a D1 asks for every `prepare` and every
 * `bind`, each with a request that blocks this process.
 */
export async function startLocalD1(): Promise<LocalD1> {
  const miniflare = new Miniflare({
    modules: true,
    script: SCRIPT,
    d1Databases: ["LEDGER"],
    compatibilityDate: COMPATIBILITY_DATE,
  });
  await miniflare.ready;
  const sent = new WeakMap<TestStatement, { readonly sql: string; readonly values: readonly unknown[] }>();

  async function batch(statements: readonly TestStatement[]): Promise<readonly { results: Row[] }[]> {
    const body = JSON.stringify(statements.map((one) => sent.get(one)));
    const response = await miniflare.dispatchFetch("http://ledger", { method: "POST", body });
    const answer = (await response.json()) as Answer;
    if ("error" in answer) throw new Error(answer.error);
    return answer.results;
  }
  function statement(sql: string, values: readonly unknown[]): LocalStatement {
    // JSON would make null of it, where D1 refuses it.
    if (values.includes(undefined)) throw new TypeError("D1_TYPE_ERROR: Type 'undefined' not supported");
    const all = async (): Promise<{ results: Row[] }> => (await batch([self]))[0] ?? { results: [] };
    const self: LocalStatement = {
      bind: (...given) => statement(sql, given),
      all,
      run: all,
      first: async () => (await all()).results[0] ?? null,
    };
    sent.set(self, { sql, values });
    return self;
  }
  return {
    prepare: (sql) => statement(sql, []),
    batch,
    close: async () => miniflare.dispose(),
  };
}
