import { type LedgerContext, LedgerUnavailable } from "../../../worker/ledger/context";
import { transaction, within } from "../../../worker/ledger/statement";
import { policy } from "./support/policies";

interface Sent {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** A database that answers each batch by `answer`, and keeps what was sent. */
function ledgerOf(answer: (batch: number) => Promise<unknown[]>) {
  const sent: Sent[][] = [];
  const counts: number[] = [];
  const db = {
    prepare: (sql: string) => ({ bind: (...values: unknown[]) => ({ sql, values }) }),
    batch: async (statements: unknown[]) => {
      sent.push(statements as Sent[]);
      return answer(sent.length);
    },
  } as unknown as D1Database;
  const context: LedgerContext = {
    db,
    policy: policy(),
    stackId: "abcdef",
    now: () => 1,
    newOp: () => "op",
    onStatements: (count) => void counts.push(count),
  };
  return { context, sent, counts };
}

const rows = (...results: unknown[]) => results.map((result) => ({ results: [result] }));

describe("a transaction", () => {
  test("is one batch of statements, its names bound by number, each name once", async () => {
    const { context, sent, counts } = ledgerOf(() => Promise.resolve(rows({ a: 1 }, { b: 2 })));
    const answer = await transaction(context, [
      { sql: "SELECT :one, :two, :one", params: { two: 2, one: "1", unused: null } },
      { sql: "SELECT 1", params: {} },
    ]);
    expect(sent).toEqual([
      [
        { sql: "SELECT ?1, ?2, ?1", values: ["1", 2] },
        { sql: "SELECT 1", values: [] },
      ],
    ]);
    expect(answer).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    expect(counts).toEqual([2]);
  });

  test("that failed is sent once more, and counted twice", async () => {
    const { context, sent, counts } = ledgerOf((batch) =>
      batch === 1 ? Promise.reject(new Error("lost")) : Promise.resolve(rows({ a: 1 })),
    );
    expect(await transaction(context, [{ sql: "SELECT 1", params: {} }])).toEqual([[{ a: 1 }]]);
    expect(sent[0]).toEqual(sent[1]);
    expect(counts).toEqual([1, 1]);
  });

  test("that failed twice is unavailable, with what was said last", async () => {
    const { context, sent } = ledgerOf((batch) => Promise.reject(new Error(`lost ${String(batch)}`)));
    await expect(transaction(context, [{ sql: "SELECT 1", params: {} }])).rejects.toThrow(
      new LedgerUnavailable("lost 2"),
    );
    expect(sent).toHaveLength(2);
  });

  test("of a statement that lacks a parameter names it, and sends nothing", async () => {
    const { context, sent } = ledgerOf(() => Promise.resolve([]));
    await expect(transaction(context, [{ sql: "SELECT :name", params: {} }])).rejects.toThrow(
      new LedgerUnavailable("ledger statement lacks parameter name"),
    );
    expect(sent).toEqual([]);
  });

  test("does without anybody who counts", async () => {
    const { context } = ledgerOf(() => Promise.resolve(rows({})));
    const { onStatements: _, ...quiet } = context;
    expect(await transaction(quiet, [{ sql: "SELECT 1", params: {} }])).toEqual([[{}]]);
  });
});

describe("work within a time", () => {
  test("gives its value, and knows that it is not late", async () => {
    expect(await within(1_000, (expired) => Promise.resolve(expired()))).toBe(false);
  });

  test("that takes longer is unavailable, and is told so when it asks", async () => {
    let asked: (() => boolean) | null = null;
    const hanging = within(10, (expired) => {
      asked = expired;
      return new Promise<never>(() => undefined);
    });
    await expect(hanging).rejects.toThrow(new LedgerUnavailable("the ledger did not answer within 10 ms"));
    expect((asked as (() => boolean) | null)?.()).toBe(true);
  });

  test.each([
    ["its message", new Error("no such table"), "no such table"],
    ["nothing known", "a text", "unknown error"],
  ])("that throws is unavailable with %s", async (_, thrown, message) => {
    await expect(
      within(1_000, () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a runtime throws is anything
        throw thrown;
      }),
    ).rejects.toThrow(new LedgerUnavailable(message));
  });

  test("passes an unavailable ledger on as it is", async () => {
    const error = new LedgerUnavailable("below");
    await expect(within(1_000, () => Promise.reject(error))).rejects.toBe(error);
    expect(error.name).toBe("LedgerUnavailable");
  });
});
