import { SCOPE, asked } from "../support/claims";
import { RUNTIMES } from "../support/harness/runtimes";
import type { Reply } from "../support/harness/origin";
import { STATUS_TOKEN } from "../support/harness/harness";
import { readSamples } from "../support/prometheus";
import { expectNothingThrown, linesSoFar, useHarness } from "../support/webhook";
import {
  type PagedGithub,
  atWork,
  begin,
  cleanUpStatus,
  cleaning,
  deletions,
  leftBehind,
  pages,
  pass,
  strays,
  twoPasses,
} from "./support/clean-up";

const LIST = `GET /repos/${SCOPE}/actions/runners?per_page=100&page=1`;

describe.each(RUNTIMES)("the clean-up (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: PagedGithub;
  let prefix = 0;
  const mode = async (cleanUp: "delete" | "report" | "off") => {
    // A limit that an isolate remembers is kept by API URL.
    prefix += 1;
    await harness().bind({
      RUNNER_POLICY: cleaning(cleanUp),
      GITHUB_API_URL: `${harness().github.url}/case-${String(prefix)}`,
    });
    github = await begin(harness());
  };
  const problems = async () => harness().rows("SELECT source, kind FROM problems");
  const nextPass = async () =>
    Number((await harness().rows("SELECT next_at FROM scopes"))[0]?.["next_at"]) - Date.now();

  describe("that deletes", () => {
    beforeEach(async () => {
      await mode("delete");
    });

    test("shows what it sighted, when it compared what, and how much it removed", async () => {
      const { name } = await leftBehind(harness(), github, 1);
      await pass(harness());
      const before = await cleanUpStatus(harness());
      expect(before).toMatchObject({
        mode: "delete",
        scope: SCOPE,
        strays: [{ name, scope: SCOPE, side: "github", sightings: 1 }],
        removed: { registrations: 0, runners: 0, last_at: null },
      });
      expect(Date.now() - Date.parse(before.last_pass_at ?? "")).toBeLessThan(60_000);
      expect(Date.now() - Date.parse(before.strays[0]?.first_at ?? "")).toBeLessThan(60_000);
      await pass(harness());
      await harness().sweep();
      const after = await cleanUpStatus(harness());
      expect(after).toMatchObject({ strays: [], removed: { registrations: 1, runners: 0 } });
      expect(Date.now() - Date.parse(after.removed.last_at ?? "")).toBeLessThan(60_000);
      const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
      const samples = readSamples(await (await harness().runtime.fetch("/metrics", { headers })).text());
      expect(samples.get('runners_cleaned_up{what="registrations"}')).toBe(1);
      expect(samples.get('runners_strays{side="github"}')).toBe(0);
      expect(samples.get("runners_since_clean_up_seconds")).toBeLessThan(60);
    });

    test("counts on, and shows no more than the fifty longest known", async () => {
      await leftBehind(harness(), github, 1);
      for (let round = 1; round <= 2; round++) {
        const db = harness().runtime.db();
        const numbers = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 60)";
        await db
          .prepare(
            `INSERT INTO strays ${numbers} SELECT 'somebody-' || id, '${SCOPE}', 'github', id, '', 1, id, 9e15, 0 FROM n`,
          )
          .run();
        const shown = await cleanUpStatus(harness());
        expect(shown.strays.map(({ name }) => name)).toEqual(
          Array.from({ length: 50 }, (_, index) => `somebody-${String(index + 1)}`),
        );
        await db.prepare("DELETE FROM strays").run();
        await twoPasses(harness());
        expect((await cleanUpStatus(harness())).removed).toMatchObject({ registrations: round, runners: 0 });
        if (round === 1) await leftBehind(harness(), github, 2);
      }
    });

    test("logs each removal with the runner's name, and nothing is thrown", async () => {
      const left = await leftBehind(harness(), github, 1);
      await twoPasses(harness());
      const lines = (await linesSoFar(harness())).filter((line) => line.includes('"cleaned_up"'));
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
        {
          level: "info",
          event: "cleaned_up",
          runner: left.name,
          scope: SCOPE,
          runner_id: left.id,
          outcome: "deleted",
        },
      ]);
      await expectNothingThrown(harness());
    });

    test.each([
      ["no answer", "drop", "unavailable", 600],
      ["a server's failure", { status: 502 }, "unavailable", 600],
      ["a body that is no list", { status: 200, body: { total_count: 1, runners: {} } }, "unavailable", 600],
      ["a list without its length", { status: 200, body: { runners: [] } }, "unavailable", 600],
      [
        "a list with an entry that cannot be read",
        { status: 200, body: { total_count: 1, runners: [{ id: 7 }] } },
        "unavailable",
        600,
      ],
      ["a refusal", { status: 403, body: { message: "Resource not accessible" } }, "refused", 3600],
      ["a redirect", { status: 301, headers: { Location: "https://elsewhere.test" } }, "refused", 3600],
    ] satisfies readonly [string, Reply, string, number][])(
      "takes %s for no sighting, tells of it, and asks again later",
      async (_, reply, kind, seconds) => {
        await leftBehind(harness(), github, 1);
        await pass(harness());
        const { id } = await atWork(harness(), github, 2);
        github.remove(id);
        const before = await strays(harness());
        github.instead = ({ path }) => (path.includes("&page=") ? reply : null);
        await pass(harness());
        expect(pages(harness())).toEqual([1, 1]);
        expect(await strays(harness())).toEqual(before);
        expect(await problems()).toEqual([{ source: "github", kind }]);
        expect(Math.abs((await nextPass()) / 1000 - seconds)).toBeLessThan(30);
        await harness().sweep();
        expect(pages(harness())).toHaveLength(2);
        await expectNothingThrown(harness());
      },
    );

    test("drops what it knows of a repository that is not there any more, and asks again after a day", async () => {
      await leftBehind(harness(), github, 1);
      await pass(harness());
      github.instead = ({ path }) => (path.includes("/actions/runners") ? { status: 404 } : null);
      await pass(harness());
      expect(await strays(harness())).toEqual([]);
      expect(await problems()).toEqual([]);
      expect(Math.abs((await nextPass()) / 1000 - 86_400)).toBeLessThan(30);
    });

    test.each([
      ["a secondary limit", { status: 429, headers: { "Retry-After": "1200" } }],
      [
        "a limit that is used up",
        { status: 403, headers: { "x-ratelimit-remaining": "0", "Retry-After": "1200" } },
      ],
    ] satisfies readonly [string, Reply][])(
      "asks for nothing before %s has ended, whichever isolate asks",
      async (_, reply) => {
        await leftBehind(harness(), github, 1);
        await pass(harness());
        await pass(harness());
        github.instead = ({ path }) => (path.includes("/actions/runners?name=") ? reply : null);
        await harness().runtime.db().prepare("UPDATE scopes SET next_at = 0").run();
        harness().github.seen.length = 0;
        // The look-up of the stray meets it; the scope that is due is not asked for then.
        await harness().sweep();
        expect(asked(harness())).toHaveLength(1);
        expect(await problems()).toEqual([{ source: "github", kind: "rate_limited" }]);
        github.instead = () => null;
        await harness().runtime.db().prepare("UPDATE strays SET next_look_at = 0").run();
        await harness().sweep();
        expect(asked(harness())).toHaveLength(1);
        // Not even this isolate, which remembers the limit itself, has tried and told of it again.
        expect(await harness().rows("SELECT count FROM problems")).toEqual([{ count: 1 }]);
        const [limited] = await harness().rows("SELECT at FROM marks WHERE name = 'clean_up_limited'");
        expect(Math.abs((Number(limited?.["at"]) - Date.now()) / 1000 - 1200)).toBeLessThan(30);
        expect(github.runners).toHaveLength(1);
      },
    );

    test("meets a limit in a listing, and goes on when it has ended", async () => {
      await leftBehind(harness(), github, 1);
      github.instead = ({ path }) =>
        path.includes("&page=") ? { status: 429, headers: { "Retry-After": "1" } } : null;
      await pass(harness());
      expect(await problems()).toEqual([{ source: "github", kind: "rate_limited" }]);
      github.instead = () => null;
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await harness().runtime.db().prepare("UPDATE marks SET at = at - 2000").run();
      await pass(harness());
      expect(await strays(harness())).toHaveLength(1);
    });

    test("tries a deletion again that GitHub refused or did not answer, an hour or ten minutes later", async () => {
      for (const [reply, seconds] of [
        [{ status: 403, body: { message: "Must have admin rights" } }, 3600],
        [{ status: 500 }, 600],
      ] as const) {
        await begin(harness()).then((fresh) => (github = fresh));
        await leftBehind(harness(), github, 1);
        github.instead = ({ method }) => (method === "DELETE" ? reply : null);
        await twoPasses(harness());
        expect(deletions(harness())).toHaveLength(1);
        await harness().runtime.db().prepare("UPDATE scopes SET next_at = 9e15").run();
        await harness().age(seconds - 30);
        await harness().sweep();
        expect(deletions(harness())).toHaveLength(1);
        github.instead = () => null;
        await harness().age(60);
        await harness().sweep();
        expect(github.runners).toEqual([]);
      }
    });

    test("leaves the sweep alone when the ledger fails it", async () => {
      await leftBehind(harness(), github, 1);
      const db = harness().runtime.db();
      await db.prepare("ALTER TABLE scopes RENAME TO scopes_away").run();
      try {
        await db.prepare("DELETE FROM marks").run();
        await harness().sweep();
        expect(await harness().rows("SELECT name FROM marks")).toEqual([{ name: "sweep" }]);
        expect(await problems()).toEqual([{ source: "clean_up", kind: "failed" }]);
      } finally {
        await db.prepare("ALTER TABLE scopes_away RENAME TO scopes").run();
      }
      await twoPasses(harness());
      expect(github.runners).toEqual([]);
    });
  });

  describe("that only reports", () => {
    beforeEach(async () => {
      await mode("report");
    });

    test("sights and shows both sides, and removes neither", async () => {
      const left = await leftBehind(harness(), github, 1);
      const lost = await atWork(harness(), github, 2);
      await harness().age(60);
      github.remove(lost.id);
      for (let round = 0; round < 4; round++) await pass(harness());
      harness().github.seen.length = 0;
      await pass(harness());
      expect(asked(harness())).toEqual([LIST]);
      expect(github.runners).toEqual([left]);
      expect(await harness().rows("SELECT state FROM runners WHERE job_id = 2")).toEqual([{ state: "busy" }]);
      const shown = await cleanUpStatus(harness());
      expect(shown).toMatchObject({ mode: "report", removed: { registrations: 0, runners: 0 } });
      expect(shown.strays.map(({ name, side, sightings }) => ({ name, side, sightings }))).toEqual(
        [
          { name: left.name, side: "github", sightings: 5 },
          { name: lost.name, side: "ledger", sightings: 5 },
        ].sort((one, other) => (one.name < other.name ? -1 : 1)),
      );
    });
  });

  describe("that is off", () => {
    beforeEach(async () => {
      await mode("off");
    });

    test("asks for nothing, notes nothing and shows nothing", async () => {
      await leftBehind(harness(), github, 1);
      harness().github.seen.length = 0;
      await harness()
        .runtime.db()
        .prepare(`INSERT INTO strays VALUES ('x', '${SCOPE}', 'github', 1, '', 2, 0, 0, 0)`)
        .run();
      await twoPasses(harness());
      expect(asked(harness())).toEqual([]);
      expect(await harness().rows("SELECT scope FROM scopes")).toEqual([]);
      expect(await cleanUpStatus(harness())).toMatchObject({ mode: "off", last_pass_at: null, strays: [] });
    });
  });
});
