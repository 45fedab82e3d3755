import { type DeliveryOptions, workflowJob } from "../support/harness/deliveries";
import { RUNTIMES } from "../support/harness/runtimes";
import { forgetAll, ignored, answerOf, postSigned, states, tokens, useHarness } from "../support/webhook";

const RANK = ["waiting", "in_progress", "completed"];
const HOUR = 3600;

type Action = "queued" | "in_progress" | "completed";

/** Every order of the three deliveries of a job's life. */
const ORDERS: readonly (readonly [Action, Action, Action])[] = [
  ["queued", "in_progress", "completed"],
  ["queued", "completed", "in_progress"],
  ["in_progress", "queued", "completed"],
  ["in_progress", "completed", "queued"],
  ["completed", "queued", "in_progress"],
  ["completed", "in_progress", "queued"],
];

describe.each(RUNTIMES)("deliveries of one job (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  const deliver = async (guid: string, options: DeliveryOptions = {}): Promise<Response> =>
    postSigned(harness(), workflowJob({ id: 1, ...options }), { "X-GitHub-Delivery": guid });
  const state = async () => (await states(harness()))["1"];

  test.each(ORDERS)(
    "in the order %s, %s, %s, each by two hooks and twice: the state never goes back",
    async (...order) => {
      let reached = -1;
      for (const action of order) {
        for (const guid of ["hook-a", "hook-b", "hook-a"]) {
          expect((await deliver(`${guid}-${action.replace("_", "-")}`, { action })).status).toBe(202);
          const rank = RANK.indexOf(String(await state()));
          expect(rank).toBeGreaterThanOrEqual(reached);
          reached = rank;
        }
      }
      expect(await state()).toBe("completed");
      // One runner where it waited before it ran, none where it was first heard of when it no longer waited.
      expect(tokens(harness())).toEqual(order[0] === "queued" ? ["1:1"] : []);
      await harness().sweep();
      expect(tokens(harness())).toEqual(order[0] === "queued" ? ["1:1"] : []);
    },
  );

  test("all at once ask for one runner", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => deliver(`hook-${String(index % 4)}`)),
    );
    expect(answers.map((one) => one.status)).toEqual(Array.from({ length: 8 }, () => 202));
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1"]);
    expect(await harness().rows("SELECT count(*) AS n FROM jobs")).toEqual([{ n: 1 }]);
  });

  test("by another hook while its runner is on the way ask for none, at once and later", async () => {
    for (const guid of ["hook-a", "hook-b", "hook-c", "hook-a"]) await deliver(guid);
    await harness().age(200);
    await deliver("hook-d");
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("by another GUID ask at once for what is short; the same GUID asks for nothing", async () => {
    await deliver("first");
    await harness().age(301);
    expect((await answerOf(await deliver("first"))).body).toMatchObject({
      state: "waiting",
      duplicate: true,
    });
    expect(tokens(harness())).toEqual(["1:1"]);
    expect((await answerOf(await deliver("second"))).body).toMatchObject({
      state: "waiting",
      duplicate: false,
    });
    expect(tokens(harness())).toEqual(["1:1", "1:2"]);
  });

  test("by another GUID ask for no more than the shortage of the whole scope and class", async () => {
    await deliver("first");
    await harness().age(301);
    // Job 1 lost its runner and job 2 has one on the way: one is short, and it is asked for once.
    await deliver("another-jobs", { id: 2 });
    expect(tokens(harness()).sort()).toEqual(["1:1", "1:2", "2:1"]);
    await deliver("second");
    await deliver("another-jobs-second", { id: 2 });
    expect(tokens(harness()).sort()).toEqual(["1:1", "1:2", "2:1"]);
  });

  test.each([
    ["another GUID", "waiting", "second"],
    ["the same GUID", "expired", "first"],
  ])("queued again by %s: after 24 hours from the first one it is %s", async (_, expected, guid) => {
    await deliver("first");
    await harness().age(23 * HOUR);
    await deliver(guid);
    await harness().age(2 * HOUR);
    await harness().sweep();
    expect(await state()).toBe(expected);
  });

  test("that was queued again expires 24 hours after that", async () => {
    await deliver("first");
    await harness().age(23 * HOUR);
    await deliver("second");
    await harness().age(24 * HOUR + 1);
    await harness().sweep();
    expect(await state()).toBe("expired");
  });

  test("of a re-run are another job's, with a runner of their own", async () => {
    await deliver("first");
    await deliver("done", { action: "completed", conclusion: "failure" });
    await deliver("again", { id: 2 });
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
    expect(await states(harness())).toEqual({ "1": "completed", "2": "waiting" });
  });
});

describe.each(RUNTIMES)("deliveries of a job that nobody queued (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  test.each(["in_progress", "completed"] as const)(
    "%s puts a job within policy into the ledger in that state, and a late `queued` changes nothing",
    async (action) => {
      const first = await postSigned(harness(), workflowJob({ id: 1, action }));
      expect((await answerOf(first)).body).toEqual({
        outcome: "accepted",
        job_id: 1,
        state: action,
        duplicate: false,
      });
      const late = await postSigned(harness(), workflowJob({ id: 1 }));
      expect((await answerOf(late)).body).toMatchObject({ state: action, duplicate: true });
      await harness().sweep();
      expect(await states(harness())).toEqual({ "1": action });
      expect(tokens(harness())).toEqual([]);
    },
  );

  test.each([
    ["a repository outside the policy", { repository: "stranger/repo" }, "repository_not_allowed"],
    ["a public repository that is not listed", { private: false }, "public_repository"],
    ["labels that nobody offers", { labels: ["self-hosted", "gpu"] }, "no_class_fits"],
    ["labels of GitHub's own runners", { labels: ["ubuntu-latest"] }, "no_self_hosted_label"],
    ["a label that no runner of ours can have", { labels: ["self-hosted", "${x}"] }, "no_labels"],
    [
      "a runner of somebody else",
      { repository: "stranger/repo", runner: "abcdef-linux-1-1" },
      "repository_not_allowed",
    ],
    ["a runner without a name", { labels: ["ubuntu-latest"], runner: "" }, "no_self_hosted_label"],
  ])("%s: nothing is written, and the reason is told", async (_, options, reason) => {
    for (const action of ["in_progress", "completed"] as const) {
      const response = await postSigned(harness(), workflowJob({ id: 1, action, ...options }));
      expect(await answerOf(response)).toEqual(ignored(reason));
    }
    expect(await states(harness())).toEqual({});
    expect(await harness().rows("SELECT name FROM runners")).toEqual([]);
  });

  test("a public repository's job that runs is recorded without a question to GitHub", async () => {
    const options = { id: 1, repository: "octo-org/public-site", private: false } as const;
    expect((await postSigned(harness(), workflowJob({ ...options, action: "in_progress" }))).status).toBe(
      202,
    );
    expect((await postSigned(harness(), workflowJob({ ...options, action: "completed" }))).status).toBe(202);
    expect(await states(harness())).toEqual({ "1": "completed" });
    expect(harness().github.seen).toEqual([]);
  });

  test("a second end changes nothing of the first", async () => {
    await postSigned(harness(), workflowJob({ id: 1, action: "completed", conclusion: "cancelled" }));
    const again = await postSigned(
      harness(),
      workflowJob({ id: 1, action: "completed", conclusion: "success" }),
    );
    expect((await answerOf(again)).body).toMatchObject({ state: "completed", duplicate: true });
    expect(await harness().rows("SELECT conclusion FROM jobs")).toEqual([{ conclusion: "cancelled" }]);
  });

  test("what GitHub says of the end is kept where it is a word of GitHub's", async () => {
    for (const [index, conclusion] of ["cancelled", "timed_out", "'; DROP TABLE jobs", null].entries()) {
      await postSigned(harness(), workflowJob({ id: index + 1, action: "completed", conclusion }));
    }
    expect(await harness().rows("SELECT conclusion FROM jobs ORDER BY job_id")).toEqual([
      { conclusion: "cancelled" },
      { conclusion: "timed_out" },
      { conclusion: null },
      { conclusion: "success" },
    ]);
  });
});
