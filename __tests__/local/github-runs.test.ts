import { type GithubStandIn, startGithub } from "../../local/github/github";
import { type Answer, ask } from "./support/github-client";

const LABELS = ["self-hosted", "linux"];

interface Listed {
  readonly id: number;
  readonly status: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly run_id: number;
  readonly labels: readonly string[];
  readonly repository: Readonly<Record<string, unknown>>;
}

describe("the workflow runs and jobs that the GitHub stand-in lists", () => {
  let github: GithubStandIn;
  let time = Date.parse("2026-11-21T12:00:00Z");
  const get = (path: string, token = "reader", repo = "octo-org/example"): Promise<Answer> =>
    ask(github, token, "GET", `/repos/${repo}/actions/runs${path}`);
  const runs = ({ json }: Answer): readonly Listed[] => json["workflow_runs"] as readonly Listed[];
  const jobs = ({ json }: Answer): readonly Listed[] => json["jobs"] as readonly Listed[];
  const ids = async (status: string): Promise<readonly number[]> =>
    runs(await get(`?status=${status}`)).map(({ id }) => id);

  beforeEach(async () => {
    time = Date.parse("2026-11-21T12:00:00Z");
    github = await startGithub({
      tokens: [
        { token: "reader", owner: "octo-org", permissions: ["actions"] },
        { token: "registrar", owner: "octo-org", permissions: ["administration"] },
        { token: "of-someone", owner: "someone" },
      ],
      settings: { clock: () => time },
    });
    github.addRepository({ fullName: "octo-org/example", organization: true });
    github.addRepository({ fullName: "octo-org/other", private: false });
  });
  afterEach(() => github.close());

  const queue = (runId: number, more: object = {}) =>
    github.queueJob({ repository: "octo-org/example", labels: LABELS, runId, ...more });

  test("a run is queued while one of its jobs is, whatever the others do", async () => {
    const { id } = await queue(7);
    await queue(7);
    await queue(8, { waiting: true });
    await github.cancelJob(id);
    expect(await ids("queued")).toEqual([7]);
    expect(await ids("waiting")).toEqual([8]);
    expect(await ids("in_progress")).toEqual([]);
    expect((await get("/7")).json["status"]).toBe("queued");
  });

  test("a run none of whose jobs is queued goes on in progress, and is completed with its last job", async () => {
    const first = await queue(7);
    const gate = await queue(7, { waiting: true });
    await github.cancelJob(first.id);
    expect(await ids("in_progress")).toEqual([7]);
    await github.cancelJob(gate.id);
    expect(await ids("completed")).toEqual([7]);
  });

  test("come newest first, in pages of 30 unless told, with how many there are, and 1,000 of a status at most", async () => {
    for (let run = 1; run <= 1_010; run++) await queue(run);
    const first = await get("?status=queued");
    expect(first.json["total_count"]).toBe(1_010);
    expect(runs(first).map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, index) => 1_010 - index));
    expect(runs(await get("?status=queued&per_page=100&page=2"))[0]?.id).toBe(910);
    expect(runs(await get("?status=queued&per_page=100&page=10"))).toHaveLength(100);
    expect(runs(await get("?status=queued&per_page=100&page=11"))).toEqual([]);
    expect(runs(await get("?per_page=100&page=11"))).toHaveLength(10);
  });

  test("name their repository with what decides about runners, and when they began and changed", async () => {
    const { id } = await queue(7);
    time += 90_000;
    await github.cancelJob(id);
    const [run] = runs(await get("?status=completed"));
    expect(run).toMatchObject({
      created_at: "2026-11-21T12:00:00Z",
      run_started_at: "2026-11-21T12:00:00Z",
      updated_at: "2026-11-21T12:01:30Z",
      repository: {
        full_name: "octo-org/example",
        private: true,
        visibility: "private",
        fork: false,
        owner: { login: "octo-org", type: "Organization" },
      },
      head_repository: { full_name: "octo-org/example" },
    });
  });

  test("a run's jobs come in pages, with their labels and when they were made, and no other run's", async () => {
    for (let job = 0; job < 120; job++) await queue(7);
    await queue(8);
    const pages = [await get("/7/jobs?filter=latest&per_page=100"), await get("/7/jobs?per_page=100&page=2")];
    expect(pages.map((one) => [one.json["total_count"], jobs(one).length])).toEqual([
      [120, 100],
      [120, 20],
    ]);
    expect(jobs(pages[0] as Answer)[0]).toMatchObject({
      run_id: 7,
      status: "queued",
      labels: LABELS,
      created_at: "2026-11-21T12:00:00Z",
    });
  });

  test("are told to whoever may read Actions, and another repository's are nobody's", async () => {
    await queue(7);
    expect((await get("", "registrar")).status).toBe(403);
    expect((await get("", "of-someone")).status).toBe(404);
    expect((await get("/7/jobs", "reader", "octo-org/other")).status).toBe(404);
    expect(runs(await get("", "reader", "octo-org/other"))).toEqual([]);
  });
});
