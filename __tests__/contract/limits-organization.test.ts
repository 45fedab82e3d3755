import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, holderOf, registerRunner, tokens } from "./support/dispatching";
import { pauseCall } from "./support/pausing";

const A = "octo-org/a";
const B = "octo-org/b";

describe.each(RUNTIMES)("limits in organization scope (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    await harness.bind({
      RUNNER_POLICY: {
        ...POLICY,
        scope: "organization",
        repositories: ["octo-org/*"],
        classes: [{ ...LINUX, maxRunnersPerRepository: 1 }],
      },
    });
  });
  afterAll(async () => harness.close());

  const deliver = async (id: number, repository: string, more: object = {}): Promise<void> => {
    const job = workflowJob({ id, repository, organization: "octo-org", ...more });
    expect((await harness.deliver(job)).status).toBe(202);
    await harness.age(1);
  };

  test("a runner counts for the repository of the job that it was requested for", async () => {
    await deliver(1, A);
    await deliver(2, A);
    await deliver(3, B);
    expect(tokens(harness)).toEqual(["1:1", "3:1"]);
  });

  test("from the job that it took on it counts for that one's repository, and the other goes on", async () => {
    await deliver(1, A);
    await deliver(2, A);
    await deliver(3, B);
    const runner = await registerRunner(harness, "1:1");
    // GitHub gives it the other repository's job.
    await deliver(3, B, { action: "in_progress", runner });
    expect(tokens(harness)).toEqual(["1:1", "3:1", "2:1"]);
    await deliver(4, B);
    await harness.sweep();
    expect(tokens(harness)).toHaveLength(3);
  });

  test("the request of a repository that is held back stands in for no other's job", async () => {
    await deliver(1, A);
    const first = await registerRunner(harness, "1:1");
    await deliver(1, A, { action: "in_progress", runner: first });
    // Held back, and its request first in line.
    await deliver(2, A);
    await deliver(3, B);
    expect(tokens(harness)).toEqual(["1:1", "3:1"]);
    // GitHub gives the runner of the other repository the job that is held back: then its request is left over.
    const second = await registerRunner(harness, "3:1");
    await deliver(2, A, { action: "in_progress", runner: second });
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "3:1", "3:2"]);
    expect((await harness.claim(claimOf(harness, "3:2"), holderOf("3:2"))).status).toBe(201);
  });

  test("nor does one of a repository that is paused, whatever else is short", async () => {
    await pauseCall(harness, "PUT", A);
    await deliver(1, A);
    await deliver(2, A);
    await deliver(3, B);
    expect(tokens(harness)).toEqual(["3:1"]);
    const runner = await registerRunner(harness, "3:1");
    // In this scope a pause is no fence: GitHub knows nothing of it.
    await deliver(1, A, { action: "in_progress", runner });
    await harness.sweep();
    expect(tokens(harness)).toEqual(["3:1", "3:2"]);
    await harness.release(claimOf(harness, "3:2"));
    await harness.age(60);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["3:1", "3:2", "3:3"]);
    // However often it is short, what is held back has one request, and only while its job waits.
    expect(
      await harness.rows("SELECT job_id, ordinal FROM runners WHERE state = 'requested' ORDER BY job_id"),
    ).toEqual([{ job_id: 2, ordinal: 1 }]);
  });
});
