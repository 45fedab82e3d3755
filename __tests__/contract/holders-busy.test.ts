import {
  type Registry,
  SCOPE,
  STACK,
  answer,
  asked,
  finish,
  granted,
  policyWith,
  registry,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const OVERDUE = LINUX.maxDurationSeconds + 600;
const NAME = `${STACK}-linux-1-1`;
const RUNNER = `/repos/${SCOPE}/actions/runners/701`;
const FIRST = "SELECT state, live, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";
const BUSY = [{ state: "busy", live: 1, end_reason: null }];

describe.each(RUNTIMES)("a runner at work for longer than it may (%s)", (runtime) => {
  let harness: Harness;
  let github: Registry;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    github = registry();
    harness.github.reply = github.reply;
  });
  afterAll(async () => harness.close());

  /** A runner of job 1 at work, as the ledger has it. */
  const work = async (): Promise<string> => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await start(harness, 1, NAME);
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    harness.github.seen.length = 0;
    return claim;
  };
  const after = async (seconds: number): Promise<void> => {
    await harness.age(seconds);
    await harness.sweep();
  };

  test("is believed in for its maximum duration and ten minutes, without a question", async () => {
    await work();
    await after(3600);
    await after(OVERDUE - 3600 - 5);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(BUSY);
  });

  test("and still at work stays, and is asked about every ten minutes", async () => {
    await work();
    await after(OVERDUE + 1);
    expect(asked(harness)).toEqual([`GET ${RUNNER}`]);
    expect(await harness.rows(FIRST)).toEqual(BUSY);
    await after(590);
    expect(asked(harness)).toHaveLength(1);
    await after(15);
    expect(asked(harness)).toHaveLength(2);
    await finish(harness, 1, NAME);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "done" }]);
  });

  test("and no longer at GitHub is gone", async () => {
    await work();
    github.remove(701);
    await after(OVERDUE + 1);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "gone" }]);
    await after(3600);
    expect(asked(harness)).toEqual([`GET ${RUNNER}`]);
  });

  test("and idle is removed, and no other name", async () => {
    await work();
    github.add("my-own-runner", { status: "online" });
    Object.assign(github.runners[0] ?? {}, { busy: false });
    await after(OVERDUE + 1);
    expect(await harness.rows(FIRST)).toEqual([{ state: "removing", live: 1, end_reason: null }]);
    await harness.sweep();
    expect(asked(harness)).toEqual([`GET ${RUNNER}`, `GET ${RUNNER}`, `DELETE ${RUNNER}`]);
    expect(github.runners.map((one) => one.name)).toEqual(["my-own-runner"]);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "gone" }]);
  });

  test("stays while GitHub says nothing", async () => {
    await work();
    answer(harness, () => ({ status: 503 }));
    await after(OVERDUE + 1);
    expect(await harness.rows(FIRST)).toEqual(BUSY);
    expect(await harness.rows("SELECT source, kind FROM problems")).toEqual([
      { source: "github", kind: "unavailable" },
    ]);
    harness.github.reply = github.reply;
    github.remove(701);
    await after(601);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", live: 0, end_reason: "gone" }]);
  });

  test("gives its place under maxRunners to a job that waits once it is gone", async () => {
    await harness.bind({ RUNNER_POLICY: policyWith({ maxRunners: 1, maxDurationSeconds: 60 }) });
    await work();
    await harness.deliver(workflowJob({ id: 2 }));
    await after(120);
    expect(tokens(harness)).toEqual(["1:1"]);
    github.remove(701);
    await after(60 + 600);
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });

  test("is forgotten at GitHub by nobody but its own stack: one of another stack's name is never asked about", async () => {
    await harness.deliver(workflowJob({ id: 1 }));
    await start(harness, 1, "000000-linux-1-1");
    await after(OVERDUE + 1);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows(`SELECT count(*) AS n FROM runners WHERE name NOT LIKE '${STACK}-%'`)).toEqual([
      { n: 0 },
    ]);
  });
});
