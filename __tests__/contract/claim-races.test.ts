import {
  type Registry,
  answer,
  asked,
  claimFor,
  claimOf,
  finish,
  granted,
  policyWith,
  rebind,
  registrations,
  registry,
  tokens,
  waiting,
} from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const FIRST = "SELECT state, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";

describe.each(RUNTIMES)("claims that meet something else on their way (%s)", (runtime) => {
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

  /** Lets a job wait while Nomad refuses, so that its runner stays requested; its claim left with the attempt. */
  const requested = async (id: number): Promise<string> => {
    harness.nomad.reply = () => ({ status: 403, body: "Permission denied" });
    await harness.deliver(workflowJob({ id }));
    return claimOf(harness, `${String(id)}:1`);
  };

  test("several at once under maxRunners: no more than places, and the other jobs wait on", async () => {
    const claims = [];
    for (const id of [1, 2, 3, 4]) claims.push(await waiting(harness, id));
    await rebind(harness, { RUNNER_POLICY: policyWith({ maxRunners: 2 }) });
    const answers = await Promise.all(claims.map(async (claim, turn) => harness.claim(claim, String(turn))));
    expect(answers.map((one) => one.status).sort()).toEqual([201, 201, 410, 410]);
    expect(registrations(harness)).toBe(2);
    expect(await harness.rows("SELECT state FROM jobs GROUP BY state")).toEqual([{ state: "waiting" }]);
    expect(tokens(harness)).toHaveLength(4);
  });

  test("one whose JIT config GitHub is still making is a holder already", async () => {
    const first = await waiting(harness, 1);
    const second = await waiting(harness, 2);
    await finish(harness, 2);
    let make = (): void => undefined;
    const made = new Promise<void>((resolve) => (make = resolve));
    answer(harness, async (request) => {
      await made;
      return github.reply(request);
    });
    const post = harness.claim(first, "alloc-1");
    while (registrations(harness) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await harness.claim(second, "alloc-2")).status).toBe(410);
    expect((await harness.claim(first, "alloc-3")).status).toBe(409);
    make();
    expect((await post).status).toBe(201);
  });

  test("one that is given back is no holder: the other runner gets the job that waits", async () => {
    const first = await waiting(harness, 1);
    const second = await waiting(harness, 2);
    await finish(harness, 2);
    answer(harness, () => ({ status: 500 }));
    expect((await harness.claim(first, "alloc-1")).status).toBe(503);
    harness.github.reply = github.reply;
    await granted(harness, second, "alloc-2");
    expect((await harness.claim(first, "alloc-1")).status).toBe(410);
  });

  test("one whose dispatch got through though Nomad's answer said otherwise is granted, and not sent again", async () => {
    const claim = await requested(1);
    expect(await harness.rows(FIRST)).toEqual([{ state: "requested", end_reason: null }]);
    await granted(harness, claim, "alloc-1");
    harness.nomad.reply = acceptingNomad;
    await harness.age(120);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("one whose request was taken back is judged like any other: granted while another job waits", async () => {
    const claim = await requested(1);
    const other = await requested(2);
    await harness.age(60);
    await finish(harness, 1);
    expect(await harness.rows(FIRST)).toEqual([{ state: "ended", end_reason: "unneeded" }]);
    await granted(harness, claim, "alloc-1");
    expect((await harness.claim(other, "alloc-2")).status).toBe(410);
  });

  test("one whose request was taken back is 410 when nothing waits", async () => {
    const claim = await requested(1);
    await harness.age(60);
    await finish(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness)).toEqual([]);
  });

  test("one whose job GitHub dropped after a day is 410", async () => {
    const claim = await waiting(harness, 1);
    // The job alone: a runner of the day before has a claim that is over, too.
    await harness.rows(`UPDATE jobs SET queued_at = queued_at - ${String(24 * 3600 * 1000 + 1)}`);
    await harness.sweep();
    expect(await harness.rows("SELECT state FROM jobs")).toEqual([{ state: "expired" }]);
    expect((await harness.claim(claim)).status).toBe(410);
    expect(registrations(harness)).toBe(0);
  });

  test("one repository's name in two spellings is one scope", async () => {
    const first = await waiting(harness, 1);
    await harness.deliver(workflowJob({ id: 2, repository: "Octo-Org/Example" }));
    await finish(harness, 1);
    await granted(harness, first);
    expect((await harness.claim(claimOf(harness, "2:1"))).status).toBe(410);
    expect((await harness.claim(claimFor({ job: 2, scope: "octo-org/example" }))).status).toBe(409);
  });

  test("a ledger that fails once GitHub has registered: 503, and the same holder is granted with one registration", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = async (request) => {
      await harness.rows("ALTER TABLE runners RENAME TO runners_away");
      return github.reply(request);
    };
    const response = await harness.runtime.fetch("/runners/claim", {
      method: "POST",
      headers: { Authorization: `Bearer ${claim}`, "X-Runner-Holder": "alloc-1" },
    });
    await harness.rows("ALTER TABLE runners_away RENAME TO runners");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
    expect(github.runners).toHaveLength(1);
    harness.github.reply = github.reply;
    await granted(harness, claim, "alloc-1");
    expect(github.runners.map((one) => one.id)).toEqual([702]);
  });
});
