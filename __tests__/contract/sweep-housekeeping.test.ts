import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingGithub, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { queueUnsent, readStatus, registerRunner, tokens, until } from "./support/dispatching";

const DAY = 24 * 3600;

describe.each(RUNTIMES)("the sweep (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const count = async (table: string, where = "true"): Promise<number> =>
    (await harness.rows(`SELECT 1 FROM ${table} WHERE ${where}`)).length;

  async function finished(id: number): Promise<void> {
    await harness.deliver(workflowJob({ id }));
    const runner = await registerRunner(harness, `${String(id)}:1`);
    await harness.deliver(workflowJob({ id, action: "in_progress", runner }));
    await harness.deliver(workflowJob({ id, action: "completed", runner }));
  }

  test("deletes what ended more than 14 days ago, and keeps what is younger", async () => {
    await finished(1);
    await harness.age(2 * 3600);
    await finished(2);
    await harness.age(14 * DAY - 3600);
    await harness.sweep();
    expect(await harness.rows("SELECT job_id FROM jobs")).toEqual([{ job_id: 2 }]);
    expect(await harness.rows("SELECT job_id FROM runners")).toEqual([{ job_id: 2 }]);
    await harness.age(2 * 3600);
    await harness.sweep();
    expect(await count("jobs")).toBe(0);
    expect(await count("runners")).toBe(0);
  });

  test("deletes old jobs that never had a runner, and none that still runs or waits", async () => {
    await harness.deliver(workflowJob({ id: 1, action: "completed", conclusion: "cancelled" }));
    await finished(2);
    await harness.deliver(workflowJob({ id: 3 }));
    const runner = await registerRunner(harness, "3:1");
    await harness.deliver(workflowJob({ id: 3, action: "in_progress", runner }));
    harness.github.reply = ({ path }) =>
      path.includes("/actions/runners/")
        ? { status: 200, body: { id: 101, name: runner, status: "online", busy: true } }
        : { status: 404 };
    await harness.age(14 * DAY + 60);
    await harness.deliver(workflowJob({ id: 4 }));
    await harness.sweep();
    // The job at work is believed in as long as its runner lives.
    expect(await harness.rows("SELECT job_id FROM runners ORDER BY job_id")).toEqual([
      { job_id: 3 },
      { job_id: 4 },
    ]);
    expect(await harness.rows("SELECT job_id FROM jobs ORDER BY job_id")).toEqual([
      { job_id: 3 },
      { job_id: 4 },
    ]);
  });

  test("says in /status when it was there last", async () => {
    await harness.runtime.db().prepare("DELETE FROM marks").run();
    expect((await readStatus(harness)).last_sweep_at).toBeNull();
    const before = Date.now();
    await harness.sweep();
    const at = Date.parse((await readStatus(harness)).last_sweep_at ?? "");
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  });

  test("requests what is short, whoever lost it, and sends it in the same run", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.runtime.db().prepare("DELETE FROM runners").run();
    harness.nomad.seen.length = 0;
    await harness.sweep();
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(2);
  });

  test("takes back requests that nobody waits for, the youngest first", async () => {
    await queueUnsent(harness, [{ id: 1 }, { id: 2 }, { id: 3 }]);
    await harness.runtime.db().prepare("UPDATE jobs SET state = 'in_progress' WHERE job_id = 2").run();
    harness.nomad.reply = acceptingNomad;
    await harness.sweep();
    expect(tokens(harness).sort()).toEqual(["1:1", "3:1"]);
    expect(await harness.rows("SELECT job_id, end_reason FROM runners WHERE state = 'ended'")).toEqual([
      { job_id: 2, end_reason: "unneeded" },
    ]);
  });

  test("does no harm while Nomad and GitHub are both down, and everything goes on when they are back", async () => {
    await queueUnsent(harness, [{ id: 1 }, { id: 2 }]);
    harness.nomad.reply = () => "drop";
    harness.github.reply = () => "drop";
    for (let minute = 0; minute < 10; minute++) {
      await harness.age(61);
      await harness.sweep();
    }
    expect(await harness.rows("SELECT job_id, state FROM jobs ORDER BY job_id")).toEqual([
      { job_id: 1, state: "waiting" },
      { job_id: 2, state: "waiting" },
    ]);
    expect(await harness.rows("SELECT job_id, ordinal, state FROM runners ORDER BY job_id")).toEqual([
      { job_id: 1, ordinal: 1, state: "requested" },
      { job_id: 2, ordinal: 1, state: "requested" },
    ]);
    const { problems } = await readStatus(harness);
    expect(problems.map(({ source, kind }) => `${source} ${kind}`).sort()).toEqual([
      "github unavailable",
      "nomad permanent",
      "nomad unreachable",
    ]);
    harness.nomad.reply = acceptingNomad;
    harness.github.reply = acceptingGithub();
    harness.nomad.seen.length = 0;
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness).sort()).toEqual(["1:1", "2:1"]);
    await registerRunner(harness, "1:1");
    await registerRunner(harness, "2:1");
  });

  test("says in its log line how many it sent", async () => {
    await queueUnsent(harness, [{ id: 1 }, { id: 2 }]);
    harness.nomad.reply = acceptingNomad;
    harness.runtime.lines.length = 0;
    await harness.sweep();
    const swept = (): string | undefined => harness.runtime.lines.find((line) => line.includes('"swept"'));
    await until("the line was written", () => swept() !== undefined);
    expect(JSON.parse(swept() ?? "")).toMatchObject({ level: "info", event: "swept", count: 2 });
  });

  test("that is not configured says which binding is missing, and touches nothing", async () => {
    await harness.bind({ NOMAD_ADDR: undefined });
    harness.runtime.lines.length = 0;
    await harness.sweep();
    const line = (): string | undefined =>
      harness.runtime.lines.find((one) => one.includes("not_configured"));
    await until("the line was written", () => line() !== undefined);
    expect(JSON.parse(line() ?? "")).toMatchObject({ level: "error", detail: "NOMAD_ADDR" });
  });

  test("counts a problem's times, and begins anew after a day without it", async () => {
    await queueUnsent(harness, [{ id: 1 }]);
    const counts = async (): Promise<unknown> => (await readStatus(harness)).problems.map((one) => one.count);
    expect(await counts()).toEqual([1]);
    await harness.sweep();
    expect(await counts()).toEqual([2]);
    await harness.runtime.db().prepare("UPDATE problems SET last_at = last_at - 86400001").run();
    expect(await counts()).toEqual([]);
    await harness.age(61);
    await harness.sweep();
    expect(await counts()).toEqual([1]);
  });
});
