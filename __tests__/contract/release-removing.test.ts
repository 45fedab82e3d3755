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
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const NAME = `${STACK}-linux-1-1`;
const RUNNER = `/repos/${SCOPE}/actions/runners/701`;
const FIRST = "SELECT state, live, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";
const REMOVING = [{ state: "removing", live: 1, end_reason: null }];
const GONE = [{ state: "ended", live: 0, end_reason: "gone" }];

describe.each(RUNTIMES)("a released runner that GitHub keeps because it is at work (%s)", (runtime) => {
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

  /** Its node died in the middle of job 1: GitHub does not know yet. */
  const die = async (): Promise<string> => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await start(harness, 1, NAME);
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    harness.github.seen.length = 0;
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    return claim;
  };

  /** Seconds until it is looked at again, to the minute. */
  const pause = async (): Promise<number> => {
    const [row] = await harness.rows("SELECT next_look_at FROM runners WHERE ordinal = 1");
    return Math.round((Number(row?.["next_look_at"]) - Date.now()) / 60_000) * 60;
  };

  test("is kept as removing, and said again is 204 again", async () => {
    const claim = await die();
    expect(asked(harness)).toEqual([`DELETE ${RUNNER}`]);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    expect(github.runners).toHaveLength(1);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("is deleted by the sweep as soon as GitHub lets go, in pauses that double up to ten minutes", async () => {
    await die();
    await harness.sweep();
    expect(asked(harness)).toEqual([`DELETE ${RUNNER}`]);
    const pauses = [await pause()];
    for (let turn = 0; turn < 5; turn++) {
      await harness.age(pauses.at(-1) ?? 0);
      await harness.sweep();
      pauses.push(await pause());
    }
    expect(pauses).toEqual([60, 120, 240, 480, 600, 600]);
    expect(asked(harness)).toHaveLength(1 + 5 * 2);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    Object.assign(github.runners[0] ?? {}, { busy: false });
    await harness.age(600);
    await harness.sweep();
    expect(asked(harness).slice(-2)).toEqual([`GET ${RUNNER}`, `DELETE ${RUNNER}`]);
    expect(github.runners).toEqual([]);
    expect(await harness.rows(FIRST)).toEqual(GONE);
    await harness.age(3600);
    harness.github.seen.length = 0;
    await harness.sweep();
    expect(asked(harness)).toEqual([]);
  });

  test("is over when GitHub has removed it by itself", async () => {
    await die();
    github.remove(701);
    await harness.age(61);
    await harness.sweep();
    expect(await harness.rows(FIRST)).toEqual(GONE);
  });

  test("waits on while GitHub fails", async () => {
    await die();
    answer(harness, () => ({ status: 500 }));
    await harness.age(61);
    await harness.sweep();
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    harness.github.reply = github.reply;
    Object.assign(github.runners[0] ?? {}, { busy: false });
    await harness.age(121);
    await harness.sweep();
    expect(await harness.rows(FIRST)).toEqual(GONE);
  });

  test("takes its place under maxRunners until its job completes, and is removed after that", async () => {
    await harness.bind({ RUNNER_POLICY: policyWith({ maxRunners: 1 }) });
    await die();
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await finish(harness, 1, NAME);
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    Object.assign(github.runners[0] ?? {}, { busy: false });
    await harness.age(61);
    await harness.sweep();
    expect(await harness.rows(FIRST)).toEqual(GONE);
    expect(github.runners).toEqual([]);
  });

  test("whose job nobody had heard of: GitHub's word counts, and the job that waits gets another", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    // The delivery that names it comes late: it was job 1 after all, which waits no more.
    await start(harness, 1, NAME);
    expect((await harness.claim(harness.dispatches()[1]?.payload.claim ?? "")).status).toBe(410);
    expect(await harness.rows(FIRST)).toEqual(REMOVING);
  });
});
