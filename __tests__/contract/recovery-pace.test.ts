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

/** Requests in an hour of sweeps, whatever there is: see docs/operations.md. */
const MOST_PER_HOUR = 360;

const reposOf = (paths: readonly string[]) => paths.map((path) => path.split("/").slice(2, 4).join("/"));

describe.each(RUNTIMES)("how often repositories are visited (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeAll(async () => harness().bind({ RUNNER_POLICY: RECOVERING }));
  beforeEach(async () => {
    github = await begin(harness());
  });

  /** Minutes pass, each with its sweep. */
  const minutes = async (count: number) => {
    for (let minute = 0; minute < count; minute++) {
      await harness().sweep();
      await harness().age(60);
    }
  };

  const visitsOf = (status: string) =>
    listings(harness()).filter((path) => path.includes(`=${status}&`)).length;

  test.each([
    // With one, every five minutes; every third time with what runs and waits.
    [1, 12, 20],
    // With more, whoever has waited longest, and never more than six requests in a minute.
    [167, 216, MOST_PER_HOUR],
    [1_000, 216, MOST_PER_HOUR],
  ])(
    "in an hour with %d active repositories there are about %d visits in %d requests",
    async (count, visits, most) => {
      const repos = Array.from({ length: count }, (_, index) => `octo-org/r${String(index)}`);
      await active(harness(), ...repos);
      // Some were visited before, and some have waited longer than others.
      const spread = "UPDATE repos SET visits = rowid % 3, next_at = rowid * 10000";
      await harness().runtime.db().prepare(spread).run();
      await minutes(60);
      const asked = listings(harness());
      expect(asked.length).toBeGreaterThan(most * 0.95);
      expect(asked.length).toBeLessThanOrEqual(most);
      const queued = reposOf(asked.filter((path) => path.includes("status=queued")));
      expect(queued.length).toBeGreaterThan(visits * 0.95);
      expect(queued.length).toBeLessThan(visits * 1.05);
      // Nobody has a second turn before everybody had one.
      const turns = Math.ceil(queued.length / count);
      const of = new Map<string, number>();
      for (const repo of queued) of.set(repo, (of.get(repo) ?? 0) + 1);
      expect(of.size).toBe(Math.min(count, queued.length));
      expect(Math.max(...of.values())).toBe(turns);
    },
    120_000,
  );

  test("what runs and what waits for approval is asked for in every third visit", async () => {
    await active(harness(), REPO);
    await minutes(20);
    expect(["queued", "in_progress", "waiting"].map(visitsOf)).toEqual([4, 2, 2]);
  });

  test("a repository with many runs gives way to others between two sweeps, and goes on where it was", async () => {
    for (let run = 0; run < 12; run++) github.runs.push({ id: 500 + run, jobs: [{ id: 1_000 + run }] });
    await active(harness(), REPO, "octo-org/other");
    await minutes(4);
    expect(reposOf(listings(harness()))).toEqual([
      ...Array.from({ length: 6 }, () => REPO),
      ...Array.from({ length: 3 }, () => "octo-org/other"),
      ...Array.from({ length: 9 }, () => REPO),
    ]);
    expect(Object.keys(await states(harness()))).toHaveLength(12);
    expect(new Set(listings(harness())).size).toBe(listings(harness()).length);
  });

  test("more runs than stand on a page are read to the last", async () => {
    for (let run = 0; run < 60; run++) github.runs.push({ id: 500 + run, jobs: [{ id: 1_000 + run }] });
    await active(harness(), REPO);
    // Dispatches go first, so these are more sweeps than by the requests alone.
    for (let sweeps = 0; Object.keys(await states(harness())).length < 60; sweeps++) {
      expect(sweeps).toBeLessThan(30);
      await minutes(1);
    }
    expect(listings(harness()).filter((path) => path.includes("status=queued"))).toHaveLength(3);
  });

  test("a delivery makes its repository active, and three days without news make it forgotten", async () => {
    await harness().deliver(workflowJob({ id: 1, action: "completed" }));
    await minutes(4);
    expect(listings(harness())).toEqual([]);
    expect(await recoveryStatus(harness())).toMatchObject({ repositories: 1 });
    await minutes(3);
    expect(visitsOf("queued")).toBe(1);
    await harness().age(3 * 86_400);
    await minutes(2);
    expect(visitsOf("queued")).toBe(2);
    expect(await recoveryStatus(harness())).toMatchObject({ repositories: 0 });
    await minutes(10);
    expect(visitsOf("queued")).toBe(2);
    // And active again with the next.
    await harness().deliver(workflowJob({ id: 2 }));
    await minutes(7);
    expect(visitsOf("queued")).toBe(3);
  });

  test("news within half a day write nothing, later ones keep the repository active", async () => {
    await harness().deliver(workflowJob({ id: 1 }));
    await harness().sweep();
    const [first] = await harness().rows("SELECT active_at FROM repos");
    await harness().deliver(workflowJob({ id: 2 }));
    await harness().sweep();
    expect(await harness().rows("SELECT active_at FROM repos")).toEqual([first]);
    await harness().age(13 * 3_600);
    await harness().deliver(workflowJob({ id: 3 }));
    await harness().sweep();
    const [later] = await harness().rows("SELECT active_at FROM repos");
    expect(Number(later?.["active_at"])).toBeGreaterThan(Date.now() - 60_000);
  });

  test("how far behind it is stands in /status", async () => {
    await active(harness(), REPO);
    await harness()
      .runtime.db()
      .prepare(`UPDATE repos SET next_at = ${String(Date.now() - 600_000)}`)
      .run();
    expect(Number((await recoveryStatus(harness()))["behind_seconds"])).toBeGreaterThanOrEqual(600);
    await visit(harness());
    expect(await recoveryStatus(harness())).toMatchObject({ behind_seconds: 0 });
  });
});

describe.each(RUNTIMES)("repositories that the policy names (%s)", (runtime) => {
  const harness = useHarness(runtime);
  const named = ["me/one", "me/two", "me/three"];
  beforeAll(async () =>
    harness().bind({ RUNNER_POLICY: { ...RECOVERING, repositories: [...named, "octo-org/*"] } }),
  );
  beforeEach(async () => {
    await begin(harness());
  });

  test("are visited every six hours without any news, spread over them", async () => {
    const days: string[][] = [];
    for (let hour = 0; hour < 12; hour++) {
      await harness().sweep();
      await harness().age(3_600);
      if (hour % 6 === 5)
        days.push(reposOf(listings(harness()).splice(0)).filter((repo, at, all) => all.indexOf(repo) === at));
    }
    expect(days.map((seen) => [...seen].sort())).toEqual([[...named].sort(), [...named].sort()]);
  });

  test("are visited every five minutes once there is news", async () => {
    await harness().sweep();
    await harness().deliver(workflowJob({ id: 1, repository: "me/three" }));
    for (let minute = 0; minute < 20; minute++) {
      await harness().sweep();
      await harness().age(60);
    }
    const of = (repo: string) =>
      reposOf(listings(harness()).filter((path) => path.includes("queued"))).filter((one) => one === repo);
    expect(of("me/three")).toHaveLength(3);
    expect(of("me/one")).toHaveLength(1);
    expect(of("me/two")).toHaveLength(0);
  });
});
