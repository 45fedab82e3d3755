import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, holderOf, registerRunner, tokens } from "./support/dispatching";

const A = "octo-org/a";
const B = "octo-org/b";
const C = "octo-org/c";

describe.each(RUNTIMES)("maxRunnersPerRepository (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const limit = async (maxRunnersPerRepository: number, maxRunners = 0): Promise<void> =>
    harness.bind({
      RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, maxRunners, maxRunnersPerRepository }] },
    });

  /** Delivers jobs one second apart, in the order given. */
  async function queue(...jobs: readonly (readonly [id: number, repository: string])[]): Promise<void> {
    for (const [id, repository] of jobs) {
      expect((await harness.deliver(workflowJob({ id, repository }))).status).toBe(202);
      await harness.age(1);
    }
  }

  async function run(id: number, repository: string, token = `${String(id)}:1`): Promise<string> {
    const runner = await registerRunner(harness, token);
    await harness.deliver(workflowJob({ id, repository, action: "in_progress", runner }));
    return runner;
  }

  const waiting = async (): Promise<unknown[]> =>
    (await harness.rows("SELECT job_id FROM jobs WHERE state = 'waiting' ORDER BY job_id")).map(
      (row) => row["job_id"],
    );

  test("0 is no limit", async () => {
    await queue(...[1, 2, 3, 4, 5, 6, 7, 8].map((id) => [id, A] as const));
    expect(tokens(harness)).toHaveLength(8);
  });

  test("counts a repository's runners on the way and at work, drops nothing, and holds up no other", async () => {
    await limit(2);
    await queue([1, A], [2, A], [3, A], [4, A], [5, B], [6, C], [7, B], [8, B]);
    expect(tokens(harness)).toEqual(["1:1", "2:1", "5:1", "6:1", "7:1"]);
    // On the way, a claim taken, at work: a place all the time.
    await run(1, A);
    await registerRunner(harness, "2:1");
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(5);
    expect(await waiting()).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test("gives the class's places to the oldest of those that may go", async () => {
    await limit(1, 2);
    await queue([1, A], [2, A], [3, A], [4, B], [5, C]);
    expect(tokens(harness)).toEqual(["1:1", "4:1"]);
    const runner = await run(4, B);
    await harness.deliver(workflowJob({ id: 4, repository: B, action: "completed", runner }));
    // The second of the first repository is older, and is not its turn.
    expect(tokens(harness)).toEqual(["1:1", "4:1", "5:1"]);
  });

  test("sends a repository's next in order of arrival as soon as one completes", async () => {
    await limit(1);
    await queue([50, A], [40, A], [30, A]);
    expect(tokens(harness)).toEqual(["50:1"]);
    const first = await run(50, A);
    await harness.deliver(workflowJob({ id: 50, repository: A, action: "completed", runner: first }));
    expect(tokens(harness)).toEqual(["50:1", "40:1"]);
    const second = await run(40, A);
    await harness.deliver(workflowJob({ id: 40, repository: A, action: "completed", runner: second }));
    expect(tokens(harness)).toEqual(["50:1", "40:1", "30:1"]);
  });

  test("has a place freed by a runner that leaves without a job", async () => {
    await limit(1);
    await queue([1, A], [2, A], [3, B]);
    await registerRunner(harness, "1:1");
    await harness.release(claimOf(harness, "1:1"), holderOf("1:1"));
    // The job keeps its place in line.
    expect(tokens(harness)).toEqual(["1:1", "3:1", "1:2"]);
  });

  test("has a place freed by a runner that GitHub no longer knows", async () => {
    await limit(1);
    await queue([1, A], [2, A]);
    await registerRunner(harness, "1:1");
    harness.github.reply = ({ path }) =>
      path.includes("/actions/jobs/")
        ? { status: 200, body: { status: "queued", conclusion: null, runner_name: null } }
        : { status: 404, body: { message: "Not Found" } };
    await harness.age(361);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test("counts a runner that GitHub would not let go of until its job completes", async () => {
    await limit(1);
    await queue([1, A], [2, A]);
    const runner = await run(1, A);
    harness.github.reply = () => ({ status: 422, body: { message: "Runner is currently running a job" } });
    expect((await harness.release(claimOf(harness, "1:1"), holderOf("1:1"))).status).toBe(204);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.deliver(workflowJob({ id: 1, repository: A, action: "completed", runner }));
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
  });

  test("does not count a runner past its deadline; one that turns up then gets 410, and its job a runner later", async () => {
    await limit(1);
    await queue([1, A], [2, A]);
    await harness.age(301);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    const runner = await run(1, A, "2:1");
    expect((await harness.claim(claimOf(harness, "1:1"))).status).toBe(410);
    expect(await waiting()).toEqual([2]);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "2:1"]);
    await harness.deliver(workflowJob({ id: 1, repository: A, action: "completed", runner }));
    expect(tokens(harness)).toEqual(["1:1", "2:1", "2:2"]);
    expect((await harness.claim(claimOf(harness, "2:2"))).status).toBe(201);
  });

  test("is checked in the claim: lowered meanwhile, it refuses what was dispatched before", async () => {
    await queue([1, A], [2, A], [3, B]);
    expect(tokens(harness)).toEqual(["1:1", "2:1", "3:1"]);
    const claims = ["1:1", "2:1", "3:1"].map((token) => claimOf(harness, token));
    const rows = await harness.rows("SELECT * FROM runners");
    const jobs = await harness.rows("SELECT * FROM jobs");
    await limit(1);
    await restore(harness, { runners: rows, jobs });
    expect((await harness.claim(claims[0] ?? "", "a")).status).toBe(201);
    expect((await harness.claim(claims[1] ?? "", "b")).status).toBe(410);
    expect((await harness.claim(claims[2] ?? "", "c")).status).toBe(201);
    expect(await waiting()).toEqual([1, 2, 3]);
    // What is short is requested, for the repository's oldest job, and is not sent above the limit.
    await harness.sweep();
    expect(await harness.rows("SELECT scope FROM runners WHERE state = 'requested'")).toEqual([{ scope: A }]);
    expect(tokens(harness)).toHaveLength(3);
  });

  test("knows a repository by its name in any case", async () => {
    await limit(1);
    await queue([1, A], [2, A.toUpperCase().replace("OCTO-ORG", "octo-org")]);
    expect(tokens(harness)).toEqual(["1:1"]);
  });

  test("of one class is no business of another", async () => {
    const gpu = { ...LINUX, name: "gpu", job: "github-runner-gpu", labels: ["self-hosted", "gpu"] };
    await harness.bind({
      RUNNER_POLICY: { ...POLICY, classes: [{ ...LINUX, maxRunnersPerRepository: 1 }, gpu] },
    });
    for (const id of [1, 2]) await harness.deliver(workflowJob({ id }));
    for (const id of [3, 4]) await harness.deliver(workflowJob({ id, labels: ["self-hosted", "gpu"] }));
    expect(tokens(harness)).toEqual(["1:1", "3:1", "4:1"]);
  });
});

type Rows = Awaited<ReturnType<Harness["rows"]>>;

/** Puts rows back: other bindings mean another workerd with an empty ledger. */
async function restore(harness: Harness, tables: Readonly<Record<string, Rows>>): Promise<void> {
  const db = harness.runtime.db();
  for (const [table, rows] of Object.entries(tables)) {
    for (const row of rows) {
      const marks = Object.keys(row).map((_, index) => `?${String(index + 1)}`);
      const sql = `INSERT OR REPLACE INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${marks.join(", ")})`;
      await db
        .prepare(sql)
        .bind(...Object.values(row))
        .run();
    }
  }
}
