import { STATUS_TOKEN } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import type { Reply, Seen } from "../support/harness/origin";
import { readSamples } from "../support/prometheus";
import { freshGithub, rebind } from "../support/claims";
import { expectNothingThrown, states, useHarness } from "../support/webhook";
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

const OTHER = "octo-org/other";
const QUEUED = "status=queued";
const DENIED: Reply = { status: 403, body: { message: "Resource not accessible by personal access token" } };

describe.each(RUNTIMES)("what GitHub may answer to the search for queued jobs (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeEach(async () => {
    await freshGithub(harness(), { RUNNER_POLICY: RECOVERING });
    github = await begin(harness());
    await active(harness(), REPO);
    github.runs.push({ id: 501, jobs: [{ id: 1001 }] });
  });
  afterEach(async () => expectNothingThrown(harness()));

  const problems = async () => harness().rows("SELECT source, kind FROM problems");
  /** Minutes until the repository's next visit. */
  const next = async (repo = REPO) => {
    const [row] = await harness().rows(`SELECT next_at FROM repos WHERE repo = '${repo}'`);
    return Math.round((Number(row?.["next_at"]) - Date.now()) / 60_000);
  };
  const instead = (of: (request: Seen) => boolean, reply: Reply) => {
    github.instead = (request) => (of(request) ? reply : null);
  };

  test("that the credential may not read Actions: it is off there for an hour, /status says so, others go on", async () => {
    await active(harness(), "Octo-Org/private", OTHER);
    github.runs.push({ id: 502, repo: OTHER, jobs: [{ id: 1002 }] });
    instead(({ path }) => !path.includes(OTHER), DENIED);
    await visit(harness(), 2);
    expect(await states(harness())).toEqual({ 1002: "waiting" });
    expect(await recoveryStatus(harness())).toMatchObject({ mode: "on", refused: ["octo-org"] });
    expect(await problems()).toEqual([{ source: "github", kind: "refused" }]);
    expect(await next()).toBe(60);
    github.instead = () => null;
    await visit(harness(), 2);
    expect(await states(harness())).toEqual({ 1001: "waiting", 1002: "waiting" });
    expect(await recoveryStatus(harness())).toMatchObject({ refused: [] });
  });

  test("that it has no such repository: nobody's problem, and asked again after a day", async () => {
    instead(({ path }) => path.includes(QUEUED), { status: 404, body: { message: "Not Found" } });
    await visit(harness());
    expect(listings(harness())).toHaveLength(1);
    expect(await problems()).toEqual([]);
    expect(await next()).toBe(24 * 60);
    expect(await recoveryStatus(harness())).toMatchObject({ refused: [] });
  });

  test.each([
    ["does not know", { status: 404, body: { message: "Not Found" } }],
    ["refuses to tell of", DENIED],
  ] satisfies [string, Reply][])(
    "that it %s a repository that is quiet: it is asked for the last time",
    async (_, reply) => {
      instead(({ path }) => path.includes("/actions/runs"), reply);
      await harness().rows("DELETE FROM jobs");
      await harness().rows("UPDATE repos SET active_at = 0, next_at = 0");
      await harness().sweep();
      expect(listings(harness())).toHaveLength(1);
      expect(await harness().rows("SELECT repo FROM repos")).toEqual([]);
    },
  );

  test("that a run is gone: the others are read all the same", async () => {
    github.runs.unshift({ id: 500, jobs: [] });
    instead(({ path }) => path.includes("/runs/500/"), { status: 404, body: { message: "Not Found" } });
    await visit(harness());
    expect(await states(harness())).toEqual({ 1001: "waiting" });
    expect(await problems()).toEqual([]);
  });

  test.each([
    ["500", { status: 500, body: { message: "Server Error" } }],
    ["HTML", { status: 200, body: "<html>" }],
    ["no list", { status: 200, body: { total_count: 1, workflow_runs: { 0: {} }, jobs: {} } }],
    ["no count", { status: 200, body: { workflow_runs: [], jobs: [] } }],
    ["nothing", "drop"],
  ] satisfies [string, Reply][])(
    "%s to a listing: a problem, and begun anew after ten minutes",
    async (_, reply) => {
      instead(({ path }) => path.includes(QUEUED), reply);
      await visit(harness());
      expect(await problems()).toEqual([{ source: "github", kind: "unavailable" }]);
      expect(await next()).toBe(10);
      github.instead = () => null;
      await visit(harness());
      expect(await states(harness())).toEqual({ 1001: "waiting" });
      expect(listings(harness()).filter((path) => path.includes("in_progress"))).toHaveLength(1);
    },
  );

  test("an answer that is none to one run's jobs: the run is passed over, and the visit goes on after ten minutes", async () => {
    github.runs.unshift({ id: 500, jobs: [{ id: 1000 }] });
    instead(({ path }) => path.includes("/runs/500/"), { status: 502, body: "" });
    await visit(harness());
    expect(await next()).toBe(10);
    await visit(harness());
    expect(await states(harness())).toEqual({ 1001: "waiting" });
    expect(listings(harness()).filter((path) => path.includes(QUEUED))).toHaveLength(1);
  });

  test.each([
    ["its limit", { status: 403, body: {}, headers: { "x-ratelimit-remaining": "0", "retry-after": "900" } }],
    ["a secondary limit", { status: 429, body: { message: "slow down" }, headers: { "retry-after": "900" } }],
  ] satisfies [string, Reply][])(
    "that %s is met: nothing is asked before its end, and the visit goes on",
    async (_, reply) => {
      await active(harness(), OTHER);
      instead(({ path }) => path.includes("/runs/501/"), reply);
      await visit(harness());
      const before = listings(harness());
      expect(before).toHaveLength(2);
      expect(await problems()).toEqual([{ source: "github", kind: "rate_limited" }]);
      github.instead = () => null;
      // Another isolate does not remember it, but the ledger does.
      const later = { GITHUB_API_URL: `${harness().github.url}/later-${String(Date.now())}` };
      await rebind(harness(), { RUNNER_POLICY: RECOVERING, ...later }, ["repos", "marks"]);
      await visit(harness(), 2);
      expect(listings(harness())).toEqual(before);
      await harness().age(901);
      await harness().sweep();
      expect(await states(harness())).toEqual({ 1001: "waiting" });
      expect(
        listings(harness()).filter((path) => path.includes(`${REPO}/actions/runs?${QUEUED}`)),
      ).toHaveLength(1);
    },
  );

  test("switched off: nothing is asked, nothing is noted", async () => {
    await harness().bind({ RUNNER_POLICY: { ...RECOVERING, recovery: "off" } });
    await active(harness(), REPO);
    const before = await harness().rows("SELECT * FROM repos");
    await visit(harness(), 2);
    expect(listings(harness())).toEqual([]);
    expect(await harness().rows("SELECT repo FROM repos")).toEqual(before.map(({ repo }) => ({ repo })));
    expect(await recoveryStatus(harness())).toMatchObject({ mode: "off", last_pass_at: null });
  });

  test("a ledger that cannot be read: told in the log, and the sweep goes on", async () => {
    const db = harness().runtime.db();
    await db.batch([db.prepare("ALTER TABLE repos RENAME TO repos_away")]);
    try {
      harness().runtime.lines.length = 0;
      await harness().sweep();
      const events = harness().runtime.lines.map((line) => (JSON.parse(line) as { event: string }).event);
      expect(events).toContain("recovery_failed");
      expect(events).toContain("swept");
      expect(await problems()).toEqual([{ source: "recovery", kind: "failed" }]);
    } finally {
      await db.batch([db.prepare("ALTER TABLE repos_away RENAME TO repos")]);
      harness().runtime.lines.length = 0;
    }
  });

  test("what it found is in the log and in /metrics", async () => {
    await visit(harness());
    const line = harness().runtime.lines.find((one) => one.includes('"event":"recovered"')) ?? "{}";
    expect(JSON.parse(line)).toEqual({
      ...{ level: "warn", event: "recovered", job_id: 1001, repo: REPO, outcome: "waiting" },
    });
    const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
    const samples = readSamples(await (await harness().runtime.fetch("/metrics", { headers })).text());
    expect(samples.get("runners_recovered_jobs")).toBe(1);
    expect(samples.get("runners_recovery_repositories")).toBe(1);
    expect(samples.get("runners_recovery_behind_seconds")).toBe(0);
    expect(samples.get("runners_since_recovery_seconds")).toBeLessThan(60);
  });
});
