import { claimOf, finish, granted, start, tokens, waiting } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { RUNTIMES } from "../support/harness/runtimes";
import { states, useHarness } from "../support/webhook";
import {
  type ListingGithub,
  REPO,
  RECOVERING,
  active,
  begin,
  listings,
  recoveryStatus,
  visit,
} from "./support/recovery";

describe.each(RUNTIMES)("a queued job of which no delivery ever told (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeAll(async () => harness().bind({ RUNNER_POLICY: RECOVERING }));
  beforeEach(async () => {
    github = await begin(harness());
    await active(harness(), REPO);
  });

  test("is found at its repository and gets one runner, as if it had been told of", async () => {
    github.runs.push({ id: 501, jobs: [{ id: 1001, name: "build ${x}" }] });
    await visit(harness(), 3);
    expect(tokens(harness())).toEqual(["1001:1"]);
    expect(harness().dispatches()[0]?.payload).toMatchObject({
      repo: REPO,
      fork: false,
      job: "build __x_",
      run_id: 501,
      job_id: 1001,
    });
    expect(listings(harness())).toEqual([
      `/repos/${REPO}/actions/runs?status=queued&page=1`,
      `/repos/${REPO}/actions/runs/501/jobs?page=1`,
      `/repos/${REPO}/actions/runs?status=in_progress&page=1`,
      `/repos/${REPO}/actions/runs?status=waiting&page=1`,
    ]);
    expect(await recoveryStatus(harness())).toMatchObject({
      mode: "on",
      repositories: 1,
      found: { jobs: 1 },
    });
    const runner = await granted(harness(), claimOf(harness(), "1001:1"));
    await start(harness(), 1001, runner);
    await finish(harness(), 1001, runner);
    expect(await states(harness())).toEqual({ 1001: "completed" });
  });

  test("has no second runner when it is found again, nor when its delivery comes after all", async () => {
    github.runs.push({ id: 501, jobs: [{ id: 1001 }] });
    await visit(harness(), 2);
    await visit(harness(), 2);
    const late = await harness().deliver(workflowJob({ id: 1001 }));
    expect(await late.json()).toMatchObject({ outcome: "accepted", state: "waiting" });
    await visit(harness(), 2);
    expect(tokens(harness())).toEqual(["1001:1"]);
    expect(await recoveryStatus(harness())).toMatchObject({ found: { jobs: 1 } });
    expect(await harness().rows("SELECT name FROM runners")).toHaveLength(1);
  });

  test.each(["in_progress", "waiting"])("is found in a run that is %s, too", async (status) => {
    github.runs.push({ id: 501, status, jobs: [{ id: 1001, status: "in_progress" }, { id: 1002 }] });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1002: "waiting" });
  });

  test("is not taken for lost before it is two minutes old, be it in a new run or in an old one", async () => {
    github.runs.push({ id: 501, minutes: 1, jobs: [{ id: 1001, minutes: 1 }] });
    github.runs.push({
      id: 502,
      jobs: [
        { id: 1002, minutes: 1 },
        { id: 1003, minutes: 3 },
      ],
    });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1003: "waiting" });
    expect(listings(harness())).not.toContain(`/repos/${REPO}/actions/runs/501/jobs?page=1`);
  });

  test("is looked for in a run that changed within a day, however old, and in no other", async () => {
    github.runs.push({ id: 501, minutes: 5_000, changed: 5, jobs: [{ id: 1001, minutes: 4_999 }] });
    github.runs.push({ id: 502, minutes: 5_000, changed: 1_441, jobs: [{ id: 1002 }] });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1001: "waiting" });
    expect(listings(harness())).not.toContain(`/repos/${REPO}/actions/runs/502/jobs?page=1`);
  });

  test.each(["in_progress", "completed", "waiting", "requested", "pending"])(
    "is none while GitHub says %s of it",
    async (status) => {
      github.runs.push({ id: 501, jobs: [{ id: 1001, status }] });
      await visit(harness());
      expect(await states(harness())).toEqual({});
      expect(tokens(harness())).toEqual([]);
    },
  );

  test("is none where the ledger knows it: who waits, runs, is over or is refused stays as it is", async () => {
    for (const id of [1, 2, 3, 4]) await waiting(harness(), id);
    await start(harness(), 2, null);
    await finish(harness(), 3);
    await harness().runtime.db().prepare("UPDATE jobs SET state = 'refused' WHERE job_id = 4").run();
    const before = await harness().rows("SELECT * FROM jobs ORDER BY job_id");
    github.runs.push({ id: 501, jobs: [1, 2, 3, 4].map((id) => ({ id })) });
    await visit(harness());
    expect(listings(harness())).toContain(`/repos/${REPO}/actions/runs/501/jobs?page=1`);
    expect(await harness().rows("SELECT * FROM jobs ORDER BY job_id")).toEqual(before);
    expect(await recoveryStatus(harness())).toMatchObject({ found: { jobs: 0, last_at: null } });
  });

  test.each(["parked", "expired"])(
    "that the ledger has %s waits again once GitHub says so",
    async (state) => {
      await waiting(harness(), 1001);
      await harness().runtime.db().prepare(`UPDATE jobs SET state = '${state}'`).run();
      const run = { id: 501, jobs: [{ id: 1001, status: "waiting" }] };
      github.runs.push(run);
      await visit(harness());
      expect(await states(harness())).toEqual({ 1001: state });
      run.jobs[0] = { id: 1001, status: "queued" };
      await visit(harness());
      expect(await states(harness())).toEqual({ 1001: "waiting" });
      expect(await recoveryStatus(harness())).toMatchObject({ found: { jobs: 1 } });
    },
  );

  test("of a matrix of 256 is found with all the others, over pages and sweeps, and each gets one runner", async () => {
    const ids = Array.from({ length: 256 }, (_, index) => 2_000 + index);
    github.runs.push({ id: 501, jobs: ids.map((id) => ({ id })) });
    for (let sweeps = 0; tokens(harness()).length < 256; sweeps++) {
      expect(sweeps).toBeLessThan(16);
      await harness().sweep();
    }
    expect(tokens(harness()).sort()).toEqual(ids.map((id) => `${String(id)}:1`));
    expect(listings(harness()).filter((path) => path.includes("/jobs"))).toEqual(
      [1, 2, 3, 4, 5, 6].map((page) => `/repos/${REPO}/actions/runs/501/jobs?page=${String(page)}`),
    );
    expect(await recoveryStatus(harness())).toMatchObject({ found: { jobs: 256 } });
  });
});
