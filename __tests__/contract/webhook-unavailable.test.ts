import { workflowJob } from "../support/harness/deliveries";
import type { Harness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import type { Database } from "../../local/worker/database";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  ignored,
  linesSoFar,
  postSigned,
  states,
  tokens,
  useHarness,
} from "../support/webhook";

const NOT_DURABLE = {
  status: 503,
  body: { error: "the ledger is not available; redeliver later" },
};
const NOT_CONFIGURED = {
  status: 503,
  body: { error: "the Worker is not configured; see /healthz" },
};
const GUID = { "X-GitHub-Delivery": "the-one" };

/** Takes a table of the ledger away while `work` runs. */
async function without(harness: Harness, table: string, work: () => Promise<void>): Promise<void> {
  const rename = async (from: string, to: string) =>
    harness.runtime.db().prepare(`ALTER TABLE ${from} RENAME TO ${to}`).run();
  await rename(table, `${table}_away`);
  try {
    await work();
  } finally {
    await rename(`${table}_away`, table);
  }
}

describe.each(RUNTIMES)("a ledger that fails (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  test.each([
    ["jobs", "queued"],
    ["jobs", "in_progress"],
    ["jobs", "completed"],
    ["runners", "queued"],
    ["runners", "in_progress"],
    ["runners", "completed"],
  ] as const)(
    "in its %s is 503 to a job %s, so that GitHub shows the delivery as failed",
    async (table, action) => {
      await without(harness(), table, async () => {
        const response = await postSigned(harness(), workflowJob({ id: 1, action }));
        expect(response.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
        expect(await answerOf(response)).toEqual(NOT_DURABLE);
        expect(harness().nomad.seen).toEqual([]);
      });
      await expectNothingHappened(harness());
    },
  );

  test("leaves nothing half done: the same delivery is accepted in full when it comes again", async () => {
    await without(harness(), "runners", async () => {
      expect((await postSigned(harness(), workflowJob({ id: 1 }), GUID)).status).toBe(503);
    });
    const again = await postSigned(harness(), workflowJob({ id: 1 }), GUID);
    expect((await answerOf(again)).body).toMatchObject({ outcome: "accepted", duplicate: false });
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("does not keep a job that waits from having been accepted before", async () => {
    await postSigned(harness(), workflowJob({ id: 1 }));
    await without(harness(), "jobs", async () => {
      expect((await postSigned(harness(), workflowJob({ id: 1, action: "completed" }))).status).toBe(503);
    });
    expect(await states(harness())).toEqual({ "1": "waiting" });
  });

  test("matters only to what needs it: whatever is ignored is ignored, what is forged is refused", async () => {
    await without(harness(), "jobs", async () => {
      const ping = await postSigned(harness(), workflowJob(), { "X-GitHub-Event": "ping" });
      expect(await answerOf(ping)).toEqual(ignored("ping"));
      const stranger = await postSigned(harness(), workflowJob({ repository: "stranger/repo" }));
      expect(await answerOf(stranger)).toEqual(ignored("repository_not_allowed"));
      const forged = await postSigned(harness(), workflowJob(), { "X-Hub-Signature-256": null });
      expect(forged.status).toBe(401);
    });
    await expectNothingHappened(harness());
  });

  test("is logged by the delivery's GUID, and is no error that nobody thought of", async () => {
    await without(harness(), "jobs", async () => {
      await postSigned(harness(), workflowJob({ id: 1 }), { "X-GitHub-Delivery": "find-me-again" });
    });
    const lines = (await linesSoFar(harness())).filter((line) => line.includes("find-me-again"));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ level: "error", event: "ledger_unavailable", delivery: "find-me-again" }),
    ]);
  });
});

// A database that fails once, or hangs, cannot be bound in workerd: what is bound there is a real D1.
describe("a ledger whose transport fails", () => {
  const harness = useHarness("node");
  beforeEach(async () => harness().reset());
  afterEach(() => {
    jest.useRealTimers();
  });

  /** The real ledger, whose batches the test may spoil. */
  const spoilt = (batch: (real: Database["batch"]) => Database["batch"]) => {
    const db = harness().runtime.db();
    const real: Database["batch"] = async (statements) => db.batch(statements);
    return { prepare: (sql: string) => db.prepare(sql), batch: batch(real) };
  };

  test("once, before or after it committed, is tried again and accepted with one runner", async () => {
    for (const [id, after] of [false, true].entries()) {
      let failures = 1;
      const LEDGER = spoilt((real) => async (statements) => {
        if (failures-- > 0) {
          if (after) await real(statements);
          throw new Error("D1_ERROR: Network connection lost.");
        }
        return real(statements);
      });
      await harness().bind({ LEDGER });
      expect((await postSigned(harness(), workflowJob({ id: id + 1 }))).status).toBe(202);
    }
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
  });

  test("twice is 503", async () => {
    let tries = 0;
    const LEDGER = spoilt(() => async () => {
      tries += 1;
      return Promise.reject(new Error("D1_ERROR: Network connection lost."));
    });
    await harness().bind({ LEDGER });
    expect(await answerOf(await postSigned(harness(), workflowJob({ id: 1 })))).toEqual(NOT_DURABLE);
    expect(tries).toBe(2);
    expect(harness().nomad.seen).toEqual([]);
  });

  test("by silence is 503 after 8 s, within GitHub's 10", async () => {
    let asked = (): void => undefined;
    const hanging = new Promise<void>((resolve) => (asked = resolve));
    const LEDGER = spoilt(() => async () => {
      asked();
      return new Promise(() => undefined);
    });
    await harness().bind({ LEDGER });
    jest.useFakeTimers({ doNotFake: ["Date", "nextTick", "queueMicrotask", "setImmediate", "setInterval"] });
    let answered = false;
    const answer = postSigned(harness(), workflowJob({ id: 1 })).finally(() => (answered = true));
    await hanging;
    await jest.advanceTimersByTimeAsync(7_999);
    expect(answered).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answerOf(await answer)).toEqual(NOT_DURABLE);
    expect(harness().nomad.seen).toEqual([]);
  });
});

describe.each(RUNTIMES)("a Worker without its webhook secret (%s)", (runtime) => {
  const harness = useHarness(runtime);

  test.each([
    ["not bound", undefined],
    ["empty", ""],
  ])("that is %s refuses everybody with 503, whatever they sign with", async (_, secret) => {
    await harness().bind({ GITHUB_WEBHOOK_SECRET: secret });
    const answers = [
      await postSigned(harness(), workflowJob({ id: 1 })),
      await postSigned(harness(), workflowJob({ id: 1 }), {}, ""),
      await postSigned(harness(), workflowJob({ id: 1 }), {}, "undefined"),
      await postSigned(harness(), workflowJob({ id: 1 }), { "X-Hub-Signature-256": null }),
      await postSigned(harness(), workflowJob({ id: 1 }), { "X-GitHub-Event": "ping" }),
    ];
    for (const response of answers) expect(await answerOf(response)).toEqual(NOT_CONFIGURED);
    expect(harness().nomad.seen).toEqual([]);
    expect(harness().github.seen).toEqual([]);
  });

  test("keeps to it when only the previous secret is bound", async () => {
    const previous = "the secret before this one, 32 bytes or more";
    await harness().bind({ GITHUB_WEBHOOK_SECRET: undefined, GITHUB_WEBHOOK_SECRET_PREVIOUS: previous });
    const response = await postSigned(harness(), workflowJob({ id: 1 }), {}, previous);
    expect(await answerOf(response)).toEqual(NOT_CONFIGURED);
    expect(harness().nomad.seen).toEqual([]);
  });

  test("takes deliveries again once it is bound", async () => {
    await harness().reset();
    expect((await postSigned(harness(), workflowJob({ id: 1 }))).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1"]);
  });
});
