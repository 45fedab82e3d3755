import { json } from "./support/fetches";
import { clientOf } from "./support/github";

const REPO = "octo-org/example";
const RUN = {
  id: 501,
  created_at: "2026-11-21T12:00:00Z",
  run_started_at: "2026-11-21T13:00:00Z",
  updated_at: "2026-11-21T14:00:00.123+00:00",
  repository: {
    full_name: "Octo-Org/Example",
    private: true,
    fork: false,
    owner: { login: "octo-org", type: "Organization" },
  },
};
const JOB = {
  id: 1001,
  run_id: 501,
  status: "queued",
  name: "build",
  labels: ["self-hosted", "linux"],
  created_at: "2026-11-21T12:00:00Z",
};

const many = (count: number, entry: object): unknown[] =>
  Array.from({ length: count }, (_, index) => ({ ...entry, id: index + 1 }));

describe("a page of workflow runs", () => {
  const listed = async (body: unknown, page = 1) => {
    const { github, sent } = clientOf(() => json(200, body));
    return { answer: await github.listRuns(REPO, "queued", page), sent };
  };

  test("is asked for by status and number, and tells what decides about a visit", async () => {
    const { answer, sent } = await listed({ total_count: 26, workflow_runs: [RUN] }, 2);
    expect(sent[0]?.url).toBe(
      `https://api.github.example/v3/repos/${REPO}/actions/runs?status=queued&exclude_pull_requests=true&per_page=25&page=2`,
    );
    expect(answer).toEqual({
      ok: true,
      value: {
        last: true,
        items: [
          {
            id: 501,
            startedAt: Date.parse("2026-11-21T13:00:00Z"),
            changedAt: Date.parse("2026-11-21T14:00:00.123Z"),
            repository: { fullName: "Octo-Org/Example", owner: "Octo-Org", private: true, fork: false },
            organization: "Octo-Org",
          },
        ],
      },
    });
  });

  test.each([
    ["an empty one", 1, 0, 0, true],
    ["a full one that is all", 1, 25, 25, true],
    ["a full one of more", 1, 25, 26, false],
    ["one of many that is not full, since others are over meanwhile", 2, 3, 90, true],
    ["the last that GitHub gives of a status", 40, 25, 5_000, true],
  ])("%s: page %i with %i of %i is the last: %p", async (_, page, count, total, last) => {
    const { answer } = await listed({ total_count: total, workflow_runs: many(count, RUN) }, page);
    expect(answer).toMatchObject({ ok: true, value: { last } });
  });

  test.each([
    ["an id that is a text", { id: "501" }],
    ["no repository", { repository: null }],
    ["another repository", { repository: { ...RUN.repository, full_name: "octo-org/other" } }],
    [
      "a repository whose name leaves the path",
      { repository: { ...RUN.repository, full_name: "octo-org/.." } },
    ],
  ])("leaves out a run with %s, and no other", async (_, change) => {
    const { answer } = await listed({
      total_count: 2,
      workflow_runs: [{ ...RUN, ...change }, { ...RUN, id: 7 }, null],
    });
    expect(answer).toMatchObject({ ok: true, value: { items: [{ id: 7 }] } });
  });

  test.each([
    ["visibility public goes before private", { private: true, visibility: "public" }, false],
    ["no word is public", { private: undefined }, false],
    ["private", { private: true, visibility: "internal" }, true],
  ])("says of a repository whether it is private: %s", async (_, change, expected) => {
    const repository = { ...RUN.repository, ...change };
    const { answer } = await listed({ total_count: 1, workflow_runs: [{ ...RUN, repository }] });
    expect(answer).toMatchObject({ ok: true, value: { items: [{ repository: { private: expected } }] } });
  });

  test("has a time of 0 where none can be read, and takes no more entries than it asked for", async () => {
    const run = { ...RUN, created_at: "now", run_started_at: 1, updated_at: "2026-99-99T00:00:00Z" };
    const { answer } = await listed({ total_count: 900, workflow_runs: many(90, run) });
    expect(answer).toMatchObject({ ok: true, value: { items: { length: 25 }, last: false } });
    expect(answer).toMatchObject({ value: { items: { 0: { startedAt: 0, changedAt: 0 } } } });
  });

  test.each([
    ["is no list", { total_count: 1, workflow_runs: { 0: RUN } }],
    ["does not say how many there are", { workflow_runs: [RUN] }],
    ["is no object", [RUN]],
    ["is null", null],
  ])("that %s is no answer", async (_, body) => {
    expect((await listed(body)).answer).toMatchObject({ ok: false, error: "unavailable" });
  });
});

describe("a page of a run's jobs", () => {
  const listed = async (jobs: unknown, page = 1, total: unknown = 1) => {
    const { github, sent } = clientOf(() => json(200, { total_count: total, jobs }));
    return { answer: await github.listQueuedJobs(REPO, 501, page), sent };
  };

  test("is asked for by run and number, of the newest attempt, and tells of those that are queued", async () => {
    const { answer, sent } = await listed([JOB, { ...JOB, id: 1002, status: "in_progress" }], 3);
    expect(sent[0]?.url).toBe(
      `https://api.github.example/v3/repos/${REPO}/actions/runs/501/jobs?filter=latest&per_page=50&page=3`,
    );
    const { labels, name } = JOB;
    const item = { jobId: 1001, name, labels, createdAt: Date.parse(JOB.created_at) };
    expect(answer).toEqual({ ok: true, value: { items: [item], last: true } });
  });

  test.each([
    ["of another run", { run_id: 502 }],
    ["without an id", { id: 1.5 }],
    ["whose labels are none", { labels: null }],
    ["with a label that none can be", { labels: ["a b"] }],
    ["from no time", { created_at: null }],
  ])("leaves out a job %s, and no other", async (_, change) => {
    const { answer } = await listed([{ ...JOB, ...change }, { ...JOB, id: 7 }, 5]);
    expect(answer).toMatchObject({ ok: true, value: { items: [{ jobId: 7 }] } });
  });

  test("counts what is not queued for its being the last", async () => {
    const running = many(50, { ...JOB, status: "in_progress" });
    expect((await listed(running, 1, 256)).answer).toEqual({ ok: true, value: { items: [], last: false } });
    expect((await listed(running.slice(0, 6), 6, 256)).answer).toMatchObject({
      ok: true,
      value: { last: true },
    });
  });
});
