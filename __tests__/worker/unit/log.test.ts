import { type LogFields, log } from "../../../worker/log";

const linesOf = (write: () => void): unknown[] => {
  const printed = jest.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    write();
    return printed.mock.calls.map(([line]: unknown[]) => line);
  } finally {
    printed.mockRestore();
  }
};

describe("a log line", () => {
  test("is one line of JSON with its level, its event and its fields", () => {
    const lines = linesOf(() => {
      log("info", "delivery", { delivery: "d", job_id: 42, repo: "octo-org/example", outcome: "accepted" });
    });
    expect(lines).toEqual([
      '{"level":"info","event":"delivery","delivery":"d","job_id":42,"repo":"octo-org/example","outcome":"accepted"}',
    ]);
  });

  test("leaves out what is not known", () => {
    const lines = linesOf(() => {
      log("warn", "x", { delivery: null, job_id: undefined, ms: Number.NaN, count: 0 });
    });
    expect(lines).toEqual(['{"level":"warn","event":"x","count":0}']);
  });

  test("carries no field that is not on the list, and no object, whatever it is given", () => {
    const fields = { delivery: { secret: "s3cret" }, body: "s3cret", authorization: "s3cret" };
    const lines = linesOf(() => {
      log("error", "x", fields as unknown as LogFields);
    });
    expect(lines).toEqual(['{"level":"error","event":"x"}']);
  });

  test("stays one line and short, whatever its texts are", () => {
    const lines = linesOf(() => {
      log("error", "x", { detail: `a\n{"level":"info"}\u2028\r${"x".repeat(1_000)}` });
    });
    expect(lines).toHaveLength(1);
    const [line] = lines as [string];
    expect(line).not.toMatch(/[\n\r]/);
    expect((JSON.parse(line) as { detail: string }).detail).toHaveLength(300);
  });
});
