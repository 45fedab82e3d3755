import type { App } from "../../../worker/app";
import { dispatchDue, dispatchSoon } from "../../../worker/dispatch";
import type { LeasedDispatch } from "../../../worker/ledger/dispatches";
import { countSubrequests } from "../../../worker/subrequests";
import { policy } from "./support/policies";

/** What an invocation may still do after its answer, in seconds. */
const AFTER_ANSWER = 25;

function leased(number: number, attempts: number): LeasedDispatch {
  return {
    name: `a1b2c3-linux-${String(number)}-1`,
    op: "op",
    jobId: number,
    ordinal: 1,
    scope: "octo-org/example",
    class: "linux",
    attempts,
    warm: 0,
    unheard: 0,
    repo: "octo-org/example",
    runId: 1,
    jobName: "build",
    fork: 0,
  };
}

/** An invocation whose ledger hands out `due(time)` and whose Nomad takes `seconds` to fail; both tell when. */
function appOf(due: (pass: number) => readonly LeasedDispatch[], seconds: number, limit = 50) {
  const startedAt = Date.now();
  const elapsed = (): number => (Date.now() - startedAt) / 1000;
  const begun: number[] = [];
  const written: string[][] = [];
  const subrequests = countSubrequests(limit, async () => {
    begun.push(elapsed());
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    throw new TypeError("no route");
  });
  let passes = 0;
  const app = {
    now: Date.now,
    fetch: subrequests.fetch,
    subrequests,
    config: {
      policy: policy(),
      publicUrl: "https://hooks.example.com",
      claimKeys: ["key"],
      nomad: { addr: "https://nomad.example.com", token: "t", namespace: "n", accessClientId: null },
    },
    ledger: {
      policy: policy(),
      stackId: "a1b2c3",
      now: Date.now,
      newOp: () => "op",
      onStatements: subrequests.add,
      db: {
        prepare: (sql: string) => ({ bind: (...values: unknown[]) => ({ sql, values }) }),
        batch: (statements: { sql: string; values: unknown[] }[]) => {
          if (statements[1]?.sql.startsWith("SELECT") === true)
            return Promise.resolve([{ results: [] }, { results: due((passes += 1)) }]);
          const results = statements[0]?.values.find((value) => typeof value === "string") as string;
          written.push((JSON.parse(results) as { name: string }[]).map((one) => one.name));
          return Promise.resolve(statements.map(() => ({ results: [] })));
        },
      },
    },
  } as unknown as App;
  return { app, begun, written, elapsed };
}

describe("what is sent after an answer", () => {
  beforeEach(() => {
    jest.useFakeTimers();
    // Signing happens on another thread, in real time; here time only passes where a test lets it.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a key that nothing looks into
    jest.spyOn(crypto.subtle, "importKey").mockResolvedValue({} as CryptoKey);
    jest.spyOn(crypto.subtle, "sign").mockResolvedValue(new ArrayBuffer(32));
    jest.spyOn(console, "log").mockImplementation(() => undefined);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  async function run(work: Promise<unknown>): Promise<void> {
    let ended = false;
    const ending = work.finally(() => (ended = true));
    for (let second = 0; second < 120 && !(ended as boolean); second++)
      await jest.advanceTimersByTimeAsync(1000);
    await ending;
  }

  test("is tried again after 1, 2, 4 and 8 seconds, and begins nothing that 25 seconds would cut off", async () => {
    const { app, begun, elapsed } = appOf((pass) => [leased(1, pass)], 0);
    await run(dispatchSoon(app));
    expect(begun.map((at) => Math.floor(at))).toEqual([0, 1, 3, 7, 15]);
    expect(elapsed()).toBeLessThanOrEqual(AFTER_ANSWER);
  });

  test("is tried twice where each try takes the whole of its eight seconds", async () => {
    const { app, begun, elapsed } = appOf((pass) => [leased(1, pass)], 8);
    await run(dispatchSoon(app));
    expect(begun.map((at) => Math.floor(at))).toEqual([0, 9]);
    expect(elapsed()).toBeLessThanOrEqual(AFTER_ANSWER);
  });

  test("ends before the invocation's subrequests do", async () => {
    // Each pass: a lease of two statements, one send, two statements to write it down.
    const { app, begun } = appOf((pass) => [leased(1, pass)], 0, 18);
    await run(dispatchSoon(app));
    expect(begun).toHaveLength(2);
    expect(app.subrequests.left()).toBeGreaterThanOrEqual(0);
  });

  test("is nothing where nothing is due", async () => {
    const { app, begun, written } = appOf(() => [], 0);
    await run(dispatchSoon(app));
    expect(begun).toEqual([]);
    expect(written).toEqual([]);
  });

  test("of a class with limits is leased at once: there is nothing of its own to write before", async () => {
    const { app, begun } = appOf((pass) => (pass === 1 ? [leased(1, 1)] : []), 0);
    const work = dispatchSoon(app, { leased: [], now: Date.now(), due: true });
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toEqual([0]);
    await run(work);
  });

  test("of a class that the policy no longer has is left alone", async () => {
    const { app, begun, written } = appOf(
      (pass) => (pass === 1 ? [{ ...leased(1, 1), class: "gone" }] : []),
      0,
    );
    await run(dispatchSoon(app));
    expect(begun).toEqual([]);
    expect(written).toEqual([]);
  });

  test("within one lease begins only what ends within it, and leaves the rest to the next sender", async () => {
    const all = Array.from({ length: 35 }, (_, index) => leased(index + 1, 1));
    const { app, begun, written } = appOf((pass) => (pass === 1 ? all : []), 8);
    await run(dispatchDue(app, 35));
    expect(begun).toHaveLength(18);
    expect(Math.max(...begun)).toBeLessThanOrEqual(22);
    expect(written).toEqual([all.slice(0, 18).map((one) => one.name)]);
  });
});
