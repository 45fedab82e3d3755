import {
  OTHER_SCOPE,
  asked,
  claimFor,
  claimOf,
  finish,
  granted,
  policyWith,
  rebind,
  registrations,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const HOLDER_SECONDS = LINUX.idleTimeoutSeconds + 60;

describe.each(RUNTIMES)("a claim is granted while waiting jobs exceed holders (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("as many claims as jobs wait, however many come at once", async () => {
    const claims = [];
    for (const id of [1, 2, 3, 4, 5, 6]) claims.push(await waiting(harness, id));
    for (const id of [4, 5, 6]) await finish(harness, id);
    const answers = await Promise.all(claims.map(async (claim, turn) => harness.claim(claim, String(turn))));
    expect(answers.map((one) => one.status).sort()).toEqual([201, 201, 201, 410, 410, 410]);
    expect(registrations(harness)).toBe(3);
    expect(await harness.rows("SELECT count(*) AS n FROM runners WHERE state = 'claimed'")).toEqual([
      { n: 3 },
    ]);
  });

  test("a claim may be for another job than the one that caused it", async () => {
    const first = await waiting(harness, 1);
    await waiting(harness, 2);
    await finish(harness, 1);
    await granted(harness, first);
    expect((await harness.claim(claimOf(harness, "2:1"))).status).toBe(410);
  });

  test("a runner at work is no holder: the next waiting job gets its own", async () => {
    const first = await granted(harness, await waiting(harness, 1));
    await start(harness, 1, first);
    await granted(harness, await waiting(harness, 2));
  });

  test.each([
    ["younger", HOLDER_SECONDS - 5, 410],
    ["older", HOLDER_SECONDS + 1, 201],
  ])(
    "a holder %s than its idle timeout and a minute: the next claim is %i s later %i",
    async (_, age, status) => {
      await granted(harness, await waiting(harness, 1), "idle");
      const second = await waiting(harness, 2);
      await finish(harness, 2);
      await harness.age(age);
      expect((await harness.claim(second, "b")).status).toBe(status);
    },
  );

  test("holders and jobs of another repository do not count", async () => {
    const here = await waiting(harness, 1);
    const there = await waiting(harness, 2, OTHER_SCOPE);
    await finish(harness, 1);
    expect((await harness.claim(here)).status).toBe(410);
    await granted(harness, there);
    await granted(harness, await waiting(harness, 3));
    expect(asked(harness)).toEqual([
      `POST /repos/${OTHER_SCOPE}/actions/runners/generate-jitconfig`,
      "POST /repos/octo-org/example/actions/runners/generate-jitconfig",
    ]);
  });

  test("holders and jobs of another class do not count", async () => {
    const gpu = { ...LINUX, name: "gpu", job: "github-runner-gpu", labels: ["self-hosted", "gpu"] };
    await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [LINUX, gpu] } });
    const linux = await waiting(harness, 1);
    await harness.deliver(workflowJob({ id: 2, labels: ["self-hosted", "gpu"] }));
    await finish(harness, 1);
    expect((await harness.claim(linux)).status).toBe(410);
    await granted(harness, claimOf(harness, "2:1"));
    await granted(harness, await waiting(harness, 3));
  });

  test("a claim spent by 410 is replaced when a job waits again", async () => {
    const claim = await waiting(harness, 1);
    await finish(harness, 1);
    expect((await harness.claim(claim)).status).toBe(410);
    await granted(harness, await waiting(harness, 2));
  });

  test("above maxRunners the answer is 410, the job waits on, and its next runner comes when a place is free", async () => {
    await harness.bind({ RUNNER_POLICY: policyWith({ maxRunners: 1 }) });
    const lost = await waiting(harness, 1);
    await harness.deliver(workflowJob({ id: 2 }));
    await harness.age(LINUX.pickupDeadlineSeconds + 1);
    await harness.sweep();
    const second = tokens(harness)[1] ?? "";
    const runner = await granted(harness, claimOf(harness, second), "second");
    // The first one was only late: now it would be one too many.
    expect((await harness.claim(lost, "lost")).status).toBe(410);
    expect((await harness.claim(lost, "lost")).status).toBe(409);
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([
      { state: "waiting" },
      { state: "waiting" },
    ]);
    await start(harness, 1, runner);
    await harness.age(600);
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(2);
    await finish(harness, 1, runner);
    expect(tokens(harness)).toHaveLength(3);
    await granted(harness, claimOf(harness, tokens(harness)[2] ?? ""), "third");
    expect(registrations(harness)).toBe(2);
  });

  test("maxRunners counts a class over all repositories, holders and runners at work alike", async () => {
    await harness.bind({ RUNNER_POLICY: policyWith({ maxRunners: 2 }) });
    await start(harness, 1, await granted(harness, await waiting(harness, 1)));
    await granted(harness, await waiting(harness, 2, OTHER_SCOPE));
    await harness.deliver(workflowJob({ id: 3 }));
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    // It was requested and waits for its place; whoever showed its claim would be the third.
    expect((await harness.claim(claimFor({ job: 3 }))).status).toBe(410);
    await finish(harness, 1, null);
    await harness.age(60);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1", "3:2"]);
    await granted(harness, claimOf(harness, "3:2"));
  });

  test("a class that the policy no longer has is 410, which spends the claim; when it is back, another comes", async () => {
    const other = { ...LINUX, name: "other", job: "github-runner-other" };
    const claim = await waiting(harness, 1);
    await rebind(harness, { RUNNER_POLICY: { ...POLICY, classes: [other] } });
    expect((await harness.claim(claim)).status).toBe(410);
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows("SELECT state, end_reason FROM runners WHERE ordinal = 1")).toEqual([
      { state: "ended", end_reason: "refused" },
    ]);
    expect(tokens(harness)).toEqual(["1:1"]);
    await rebind(harness, {});
    expect((await harness.claim(claim)).status).toBe(409);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    await granted(harness, claimOf(harness, "1:2"));
  });

  test("a lost answer of a class that the policy no longer has is not made again", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    await rebind(harness, { RUNNER_POLICY: policyWith({ name: "other" }) });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
    expect(registrations(harness)).toBe(1);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)[1]).toBe("DELETE /repos/octo-org/example/actions/runners/101");
  });
});
