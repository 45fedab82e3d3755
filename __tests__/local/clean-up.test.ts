import { type Loop, LOOP_POLICY, type LoopOptions, startLoop } from "../../local/loop";

const REPOSITORY = "octo-org/example";
const LABELS = ["self-hosted", "linux"];
const MINUTES_11 = 660_000;
const WAIT_MS = 20_000;

describe("what is left on one side only", () => {
  let loop: Loop | null = null;
  afterEach(async () => {
    await loop?.close();
    loop = null;
  });
  const start = async (options: LoopOptions): Promise<Loop> => {
    loop = await startLoop({ credential: "token", ...options });
    return loop;
  };
  /** Registers somebody's own runner, by hand. */
  const ownRunner = async ({ github, secrets }: Loop, name: string): Promise<void> => {
    const answer = await fetch(`${github.url}/repos/${REPOSITORY}/actions/runners/generate-jitconfig`, {
      method: "POST",
      headers: { Authorization: `Bearer ${secrets.githubToken}`, "User-Agent": "tests" },
      body: JSON.stringify({ name, runner_group_id: 1, labels: ["mine"] }),
    });
    expect(answer.status).toBe(201);
  };
  /** Two passes eleven minutes apart, and the sweep after them, with ten minutes since anything happened. */
  const passes = async ({ worker }: Loop): Promise<void> => {
    const ledger = worker.ledger();
    const older = (table: string, columns: readonly string[]) =>
      ledger.prepare(
        `UPDATE ${table} SET ${columns.map((column) => `${column} = ${column} - ${String(MINUTES_11)}`).join(", ")}`,
      );
    await worker.sweep();
    for (let turn = 0; turn < 2; turn++) {
      await ledger.batch([
        older("runners", ["claimed_at", "ended_at"]),
        older("scopes", ["next_at"]),
        older("strays", ["first_at", "last_at"]),
      ]);
      await worker.sweep();
    }
    await worker.sweep();
  };
  const names = ({ github }: Loop) => github.runners().map(({ name }) => name);

  test.each([
    ["delete", []],
    ["report", ["left"]],
  ] as const)(
    "with %s: a runner whose node was lost and whom the ledger does not know, beside somebody's own",
    async (cleanUp, left) => {
      const running = await start({ policy: { ...LOOP_POLICY, cleanUp } });
      const { github, nomad, worker } = running;
      await ownRunner(running, "my-own-runner");
      // It waits for a job, which is cancelled, and its node goes without a word.
      github.pickRunners(() => undefined);
      const first = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      const { runner } = (await github.events.waitFor(
        (event) => event.type === "runner.online",
        "the runner",
        WAIT_MS,
      )) as { readonly runner: { readonly name: string } };
      const [child] = nomad.children();
      nomad.lose(child?.id ?? "");
      await github.cancelJob(first.id);
      // As after a restore of the ledger.
      const ledger = worker.ledger();
      await ledger.batch(["runners", "jobs"].map((table) => ledger.prepare(`DELETE FROM ${table}`)));
      github.pickRunners((_, candidates) => candidates.find(({ name }) => name !== runner.name));
      const second = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      await github.events.waitFor(
        (event) => event.type === "job.completed" && event.job.id === second.id,
        "the second job's end",
        WAIT_MS,
      );
      await nomad.events.waitFor(
        (event) => event.type === "child.dead" && event.child !== child?.id,
        "its runner's end",
        WAIT_MS,
      );
      expect(names(running)).toEqual(["my-own-runner", runner.name]);
      await passes(running);
      expect(names(running)).toEqual(["my-own-runner", ...left.map(() => runner.name)]);
    },
  );

  test("a runner whose node was lost at its work and whose end GitHub could not tell gives its place back", async () => {
    const [runnerClass] = LOOP_POLICY.classes;
    if (runnerClass === undefined) throw new Error("the loop's policy has a class");
    const running = await start({
      policy: { ...LOOP_POLICY, classes: [{ ...runnerClass, maxRunners: 1 }] },
      github: { lostRunnerMs: 200, disconnectMs: 100 },
    });
    const { github, nomad, worker } = running;
    const states = async () =>
      (await worker.ledger().prepare("SELECT state, end_reason FROM runners ORDER BY requested_at").all())
        .results;
    const lost = await github.queueJob({ repository: REPOSITORY, labels: LABELS, runMs: 60_000 });
    await github.events.waitFor((event) => event.type === "job.in_progress", "the job's start", WAIT_MS);
    for (let round = 0; round < 100 && (await states())[0]?.["state"] !== "busy"; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    github.planDeliveries(({ action, jobId }) =>
      action === "completed" && jobId === lost.id ? { drop: true } : {},
    );
    nomad.lose(nomad.children()[0]?.id ?? "");
    await github.events.waitFor((event) => event.type === "job.completed", "GitHub's giving up", WAIT_MS);
    const next = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
    expect(await states()).toEqual([
      { state: "busy", end_reason: null },
      { state: "requested", end_reason: null },
    ]);
    await passes(running);
    expect((await states())[0]).toEqual({ state: "ended", end_reason: "gone" });
    await worker.sweep();
    await github.events.waitFor(
      (event) => event.type === "job.completed" && event.job.id === next.id,
      "the next job's end",
      WAIT_MS,
    );
    expect(github.jobs().find(({ id }) => id === next.id)?.conclusion).toBe("success");
  });
});
