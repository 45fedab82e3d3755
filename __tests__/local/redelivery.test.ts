import { type Loop, LOOP_POLICY, type LoopOptions, startLoop } from "../../local/loop";

const REPOSITORY = "octo-org/example";
const LABELS = ["self-hosted", "linux"];
const WAIT_MS = 20_000;

describe("a delivery that failed", () => {
  let loop: Loop | null = null;
  afterEach(async () => {
    await loop?.close();
    loop = null;
  });
  const start = async (options: LoopOptions = {}): Promise<Loop> => {
    loop = await startLoop(options);
    return loop;
  };
  const ended = async ({ github }: Loop, id: number): Promise<void> => {
    await github.events.waitFor(
      (event) => event.type === "job.completed" && event.job.id === id,
      `the end of job ${String(id)}`,
      WAIT_MS,
    );
    expect(github.jobs().find((job) => job.id === id)?.conclusion).toBe("success");
  };
  const answers = ({ github }: Loop, jobId: number) =>
    github
      .deliveries()
      .filter((one) => one.jobId === jobId && one.action === "queued")
      .map(({ statusCode, redelivery }) => [statusCode, redelivery]);

  test.each(["app", "token"] as const)(
    "as the Worker was down is repeated once it is up, and its job gets its runner (%s)",
    async (credential) => {
      const running = await start({ credential });
      const { github, worker } = running;
      const before = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      await ended(running, before.id);
      // A Worker whose ledger does not answer says 503, and so it does to whatever comes meanwhile.
      const ledger = worker.ledger();
      await ledger.prepare("ALTER TABLE jobs RENAME TO jobs_away").run();
      const job = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      expect(answers(running, job.id)).toEqual([[503, false]]);
      await ledger.prepare("ALTER TABLE jobs_away RENAME TO jobs").run();
      await worker.sweep();
      await ended(running, job.id);
      expect(answers(running, job.id)).toEqual([
        [503, false],
        [202, true],
      ]);
      for (let sweeps = 0; sweeps < 3; sweeps++) await worker.sweep();
      expect(answers(running, job.id)).toHaveLength(2);
      expect(answers(running, before.id)).toHaveLength(1);
    },
  );

  test("as nobody was reached is repeated even where no delivery ever came", async () => {
    const running = await start({ policy: { ...LOOP_POLICY, repositories: [REPOSITORY] } });
    const { github, worker } = running;
    github.planDeliveries(() => ({ fail: true }));
    const job = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
    github.planDeliveries(() => ({}));
    // The first notes where hooks are to be looked for.
    await worker.sweep();
    await worker.sweep();
    await ended(running, job.id);
    expect(answers(running, job.id)).toEqual([
      [502, false],
      [202, true],
    ]);
  });

  test("stays failed without the permission, and /status says so", async () => {
    const running = await start({ credential: "token" });
    const { github, worker, secrets } = running;
    await ended(running, (await github.queueJob({ repository: REPOSITORY, labels: LABELS })).id);
    const body = JSON.stringify({ message: "Resource not accessible by personal access token" });
    const fault = { kind: "answer", status: 403, body } as const;
    github.faults.add({ path: /\/hooks\//, times: Number.POSITIVE_INFINITY, fault });
    await worker.sweep();
    const headers = { Authorization: `Bearer ${secrets.statusToken}` };
    const status = (await (await fetch(`${worker.url}/status`, { headers })).json()) as {
      redelivery: object;
    };
    expect(status.redelivery).toMatchObject({ mode: "off", why: "no_permission" });
  });
});
