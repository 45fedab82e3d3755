export interface TestStatement {
  bind(...values: unknown[]): TestStatement;
  all(): Promise<{ results: Record<string, string | number | null>[] }>;
  run(): Promise<unknown>;
}

/** The ledger as tests see it: a local D1. */
export interface TestDatabase {
  prepare(sql: string): TestStatement;
  batch(statements: TestStatement[]): Promise<unknown>;
}
