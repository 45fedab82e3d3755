import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, acceptingNomad, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  NO_LEADER,
  NO_SUCH_JOB,
  claimOf,
  gate,
  jobs,
  postJob,
  queueUnsent,
  tokens,
  until,
} from "./support/dispatching";

describe.each(RUNTIMES)("sending to Nomad (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterEach(async () => {
    // What still retries in the background ends with this.
    harness.nomad.reply = acceptingNomad;
    await harness.runtime.idle();
  });
  afterAll(async () => harness.close());

  const isDispatched = async (): Promise<boolean> =>
    (await harness.rows("SELECT 1 FROM runners WHERE state = 'dispatched'")).length === 1;

  test("is not waited for by the answer to GitHub, which waits for the ledger", async () => {
    const nomad = gate<Reply>();
    harness.nomad.reply = () => nomad.opened;
    const response = await postJob(harness, { id: 1 });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({
      outcome: "accepted",
      job_id: 1,
      state: "waiting",
      duplicate: false,
    });
    expect(await harness.rows("SELECT job_id, state FROM jobs")).toEqual([{ job_id: 1, state: "waiting" }]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "requested" }]);
    await until("Nomad was asked", () => harness.nomad.seen.length === 1);
    nomad.open(acceptingNomad());
    await until("the dispatch was recorded", isDispatched);
  });

  test("gives a Nomad that hangs eight seconds, and then tries again with the same token", async () => {
    let asked = 0;
    harness.nomad.reply = () => ((asked += 1) === 1 ? "hang" : acceptingNomad());
    expect((await postJob(harness, { id: 1 })).status).toBe(202);
    await until("the second attempt got through", isDispatched, 15);
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await harness.rows("SELECT source, kind, detail FROM problems")).toEqual([
      { source: "nomad", kind: "unreachable", detail: "no answer: TimeoutError" },
    ]);
  });

  test("is tried again soon after a failure that may pass, without a sweep", async () => {
    const replies: Reply[] = [NO_LEADER, "drop"];
    harness.nomad.reply = () => replies.shift() ?? acceptingNomad();
    expect((await postJob(harness, { id: 1 })).status).toBe(202);
    await until("the third attempt got through", isDispatched, 8);
    expect(tokens(harness)).toEqual(["1:1", "1:1", "1:1"]);
    expect(await harness.rows("SELECT attempts, error FROM runners")).toEqual([{ attempts: 3, error: null }]);
  });

  test("is left to the sweep where another attempt cannot help yet", async () => {
    harness.nomad.reply = () => NO_SUCH_JOB;
    await harness.deliver(workflowJob({ id: 1 }));
    harness.nomad.reply = acceptingNomad;
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.age(60);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await isDispatched()).toBe(true);
  });

  test("ends when the runner claims, although Nomad's answer was lost", async () => {
    harness.nomad.reply = () => "drop";
    await postJob(harness, { id: 1 });
    await until(
      "the failure was recorded",
      async () => (await harness.rows("SELECT 1 FROM runners WHERE error = 'unreachable'")).length === 1,
    );
    const response = await harness.runtime.fetch("/runners/claim", {
      method: "POST",
      headers: { Authorization: `Bearer ${claimOf(harness, "1:1")}` },
    });
    expect(response.status).toBe(201);
    // The first retry would have come after a second.
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "claimed" }]);
  });

  test("does not undo a claim that came before Nomad's answer did", async () => {
    const nomad = gate<Reply>();
    harness.nomad.reply = () => nomad.opened;
    await postJob(harness, { id: 1 });
    await until("Nomad was asked", () => harness.nomad.seen.length === 1);
    const headers = { Authorization: `Bearer ${claimOf(harness, "1:1")}` };
    expect((await harness.runtime.fetch("/runners/claim", { method: "POST", headers })).status).toBe(201);
    nomad.open(NO_LEADER);
    await until(
      "the answer was taken note of",
      async () => (await harness.rows("SELECT 1 FROM problems")).length > 0,
    );
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "claimed" }]);
  });

  test("is taken back when the job is cancelled while Nomad is down", async () => {
    await queueUnsent(harness, [{ id: 1 }, { id: 2 }]);
    await postJob(harness, { id: 1, action: "completed", conclusion: "cancelled" });
    harness.nomad.reply = acceptingNomad;
    harness.nomad.seen.length = 0;
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["2:1"]);
    expect(await harness.rows("SELECT state, end_reason FROM runners WHERE job_id = 1")).toEqual([
      { state: "ended", end_reason: "unneeded" },
    ]);
  });

  test("is taken back by the next sweep when it was just being sent as its job was cancelled, and failed", async () => {
    const nomad = gate<Reply>();
    harness.nomad.reply = () => nomad.opened;
    await postJob(harness, { id: 1 });
    await until("Nomad was asked", () => harness.nomad.seen.length === 1);
    await postJob(harness, { id: 1, action: "completed", conclusion: "cancelled" });
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "requested" }]);
    nomad.open(NO_SUCH_JOB);
    await until(
      "the failure was recorded",
      async () => (await harness.rows("SELECT 1 FROM runners WHERE error IS NOT NULL")).length === 1,
    );
    harness.nomad.reply = acceptingNomad;
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    expect(await harness.rows("SELECT state, end_reason FROM runners")).toEqual([
      { state: "ended", end_reason: "unneeded" },
    ]);
  });

  test("of a class whose Nomad job is missing does not hold up another class", async () => {
    const gpu = { ...LINUX, name: "gpu", job: "github-runner-gpu", labels: ["self-hosted", "gpu"] };
    await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [LINUX, gpu] } });
    const labels = gpu.labels;
    await queueUnsent(
      harness,
      jobs(8).map((job) => ({ ...job, labels })),
    );
    harness.nomad.reply = ({ path }) => (path.includes("gpu") ? NO_SUCH_JOB : acceptingNomad());
    await harness.deliver(workflowJob({ id: 9 }));
    expect(tokens(harness)).toContain("9:1");
    expect(await harness.rows("SELECT state FROM runners WHERE job_id = 9")).toEqual([
      { state: "dispatched" },
    ]);
  });
});
