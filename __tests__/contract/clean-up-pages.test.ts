import { STACK } from "../support/claims";
import { RUNTIMES } from "../support/harness/runtimes";
import { useHarness } from "../support/webhook";
import {
  type PagedGithub,
  atWork,
  begin,
  cleaning,
  deletions,
  leftBehind,
  pages,
  pass,
  strays,
} from "./support/clean-up";

/** Runners at work that the ledger knows nothing of. */
const OTHERS = `${STACK}-other`;

describe.each(RUNTIMES)("a scope of many pages (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: PagedGithub;
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: cleaning("delete") });
  });
  beforeEach(async () => {
    github = await begin(harness());
  });
  const crowd = (count: number, prefix: string) => {
    for (let index = 1; index <= count; index++) github.add(`${prefix}-${String(index)}-1`, { busy: true });
  };
  /** Sweeps until the pass under way is over. */
  const toItsEnd = async (): Promise<void> => {
    for (let sweeps = 0; sweeps < 10; sweeps++) {
      const [under] = await harness().rows("SELECT 1 AS way FROM scopes WHERE page > 1");
      if (under === undefined) return;
      await harness().sweep();
    }
    throw new Error("the pass did not end within 10 sweeps");
  };
  test("is read over several sweeps, each page once, and only then is anybody missed", async () => {
    const lost = await atWork(harness(), github, 1);
    const listed = await atWork(harness(), github, 2);
    await harness().sweep();
    github.remove(lost.id);
    crowd(940, OTHERS);
    const stray = github.add(`${STACK}-linux-99-1`);
    await pass(harness());
    expect(pages(harness())).toEqual([1, 2, 3, 4, 5]);
    expect(await strays(harness())).toEqual([]);
    const [{ seen } = { seen: "" }] = await harness().rows("SELECT seen FROM scopes");
    expect(JSON.parse(String(seen))).toContain(listed.name);
    await toItsEnd();
    expect(pages(harness())).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await strays(harness())).toEqual(
      [
        { name: lost.name, side: "ledger", sightings: 1 },
        { name: stray.name, side: "github", sightings: 1 },
      ].sort((left, right) => (left.name < right.name ? -1 : 1)),
    );
    expect(await harness().rows("SELECT seen FROM scopes")).toEqual([{ seen: "[]" }]);
    await pass(harness());
    await toItsEnd();
    await harness().sweep();
    expect(deletions(harness()).map((path) => Number(path.split("/").at(-1)))).toEqual([stray.id]);
    expect(await harness().rows("SELECT job_id, end_reason FROM runners WHERE live = 0")).toEqual([
      { job_id: 1, end_reason: "gone" },
    ]);
  });

  test("of strangers only keeps nothing of them", async () => {
    await atWork(harness(), github, 1);
    await harness().sweep();
    crowd(600, "somebody");
    await pass(harness());
    const [{ seen } = { seen: "" }] = await harness().rows("SELECT seen FROM scopes");
    expect(JSON.parse(String(seen))).toEqual([`${STACK}-linux-1-1`]);
  });

  test("goes on from the page that failed, and a pass that is not whole misses nobody", async () => {
    const lost = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(lost.id);
    crowd(250, OTHERS);
    github.instead = ({ path }) => (path.includes("&page=3") ? { status: 502 } : null);
    await pass(harness());
    await harness().sweep();
    expect(pages(harness())).toEqual([1, 2, 3]);
    expect(await strays(harness())).toEqual([]);
    expect(await harness().rows("SELECT kind FROM problems")).toEqual([{ kind: "unavailable" }]);
    github.instead = () => null;
    await pass(harness());
    expect(pages(harness())).toEqual([1, 2, 3, 3]);
    expect(await strays(harness())).toEqual([{ name: lost.name, side: "ledger", sightings: 1 }]);
  });

  test("whose page was cut short is not read to its end", async () => {
    const lost = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(lost.id);
    crowd(150, OTHERS);
    github.instead = ({ path }) =>
      path.includes("&page=2")
        ? { status: 200, body: { total_count: 150, runners: github.runners.slice(100, 120) } }
        : null;
    await pass(harness());
    expect(pages(harness())).toEqual([1, 2]);
    expect(await strays(harness())).toEqual([]);
    const problems = await harness().rows("SELECT kind, detail FROM problems");
    expect(problems).toEqual([
      {
        kind: "unavailable",
        detail: expect.stringMatching(/page=2: answered 200 with an unknown body$/) as unknown,
      },
    ]);
  });

  test("that changes between two pages can hide a runner from one pass, and no runner is ended for that", async () => {
    const early = [github.add("early-1"), github.add("early-2")];
    crowd(98, "somebody");
    const { name } = await atWork(harness(), github, 1);
    await harness().sweep();
    let hidden = false;
    github.instead = ({ path }) => {
      // Two leave from the first page while the second is on its way, so that who was first there comes to the first.
      if (path.includes("&page=2") && !hidden) {
        hidden = true;
        for (const { id } of early) github.remove(id);
        crowd(2, "late");
      }
      return null;
    };
    crowd(60, "others");
    await pass(harness());
    expect(pages(harness())).toEqual([1, 2]);
    expect(await strays(harness())).toEqual([{ name, side: "ledger", sightings: 1 }]);
    await pass(harness());
    expect(await strays(harness())).toEqual([]);
    await harness().sweep();
    expect(await harness().rows("SELECT state FROM runners")).toEqual([{ state: "busy" }]);
  });

  test("beyond 200 pages is given up, says so, and begins anew an hour later", async () => {
    await leftBehind(harness(), github, 1);
    const full = Array.from({ length: 100 }, (_, index) => ({
      id: index + 1,
      name: `somebody-${String(index)}`,
      status: "online",
      busy: false,
    }));
    github.instead = ({ path }) =>
      path.includes("&page=") ? { status: 200, body: { total_count: 1e6, runners: full } } : null;
    await harness().runtime.db().prepare("UPDATE scopes SET next_at = 0, page = 198, started_at = 1").run();
    await harness().sweep();
    await harness().sweep();
    const read = pages(harness());
    expect(read[0]).toBe(198);
    expect(read.at(-1)).toBeGreaterThanOrEqual(200);
    expect(await harness().rows("SELECT page, seen FROM scopes")).toEqual([{ page: 1, seen: "[]" }]);
    expect(await harness().rows("SELECT kind, detail FROM problems")).toEqual([
      { kind: "unavailable", detail: "octo-org/example: over 200 pages of runners, too many to compare" },
    ]);
    await pass(harness(), 3500);
    expect(pages(harness())).toEqual(read);
    await pass(harness(), 200);
    expect(pages(harness())[read.length]).toBe(1);
  });
});
