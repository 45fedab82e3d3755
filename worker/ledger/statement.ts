import { type LedgerContext, LedgerUnavailable } from "./context";

type Value = string | number | null;
export type Params = Readonly<Record<string, Value>>;

/** One statement with named parameters (`:name`), bound when it is sent. */
export interface Statement {
  readonly sql: string;
  readonly params: Params;
}

/** GitHub waits 10 s for an answer; what is not durable after 8 is answered as such. */
export const LEDGER_TIMEOUT_MS = 8_000;

export type Row = Readonly<Record<string, Value>>;

/** The rows of each statement, in the statements' order. */
type Results<T extends readonly Statement[]> = { readonly [K in keyof T]: readonly Row[] };

/**
 * Runs the statements in one transaction. Sent a second time when the first failed: a transition's statements are
 * written so that a batch which did commit changes nothing more when it comes again.
 * @returns the rows of each statement
 * @throws LedgerUnavailable when it failed twice or took longer than {@link LEDGER_TIMEOUT_MS}
 */
export async function transaction<const T extends readonly Statement[]>(
  ledger: LedgerContext,
  statements: T,
): Promise<Results<T>> {
  return within(LEDGER_TIMEOUT_MS, async (expired) => {
    try {
      return await send(ledger, statements);
    } catch (error) {
      if (expired()) throw error;
      return send(ledger, statements);
    }
  });
}

async function send<T extends readonly Statement[]>(
  ledger: LedgerContext,
  statements: T,
): Promise<Results<T>> {
  ledger.onStatements?.(statements.length);
  const results = await ledger.db.batch<Row>(statements.map((one) => prepare(ledger.db, one)));
  return results.map((result) => result.results) as unknown as Results<T>;
}

function prepare(db: D1Database, { sql, params }: Statement): D1PreparedStatement {
  const names: string[] = [];
  const text = sql.replace(/:([a-zA-Z]\w*)/g, (_, name: string) => {
    let index = names.indexOf(name);
    if (index < 0) index = names.push(name) - 1;
    return `?${index + 1}`;
  });
  return db.prepare(text).bind(
    ...names.map((name) => {
      const value = params[name];
      if (value === undefined) throw new TypeError(`ledger statement lacks parameter ${name}`);
      return value;
    }),
  );
}

/** @throws LedgerUnavailable instead of whatever the work threw, or when it takes longer than `ms` */
export async function within<T>(ms: number, work: (expired: () => boolean) => Promise<T>): Promise<T> {
  let late = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const alarm = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new LedgerUnavailable(`the ledger did not answer within ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([work(() => late), alarm]);
  } catch (error) {
    if (error instanceof LedgerUnavailable) throw error;
    throw new LedgerUnavailable(error instanceof Error ? error.message : "unknown error");
  } finally {
    clearTimeout(timer);
  }
}
