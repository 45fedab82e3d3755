import { SCOPE, STACK } from "../support/claims";
import { type Harness, startHarness } from "../support/harness/harness";
import { type PagedGithub, begin, cleaning, deletions, pages } from "./support/clean-up";

describe("the clean-up, where GitHub does not filter by name", () => {
  let harness: Harness;
  let github: PagedGithub;
  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    await harness.bind({ RUNNER_POLICY: cleaning("delete") });
    github = await begin(harness);
  });
  afterAll(async () => harness.close());

  test("reads no page before the first, however much the look-ups took", async () => {
    for (let index = 0; index < 350; index++) github.add(`somebody-${String(index)}`);
    const { reply } = github;
    harness.github.reply = async (request) =>
      reply({ ...request, path: request.path.replace(/name=[^&]*&/, "") });
    const db = harness.runtime.db();
    const names = Array.from({ length: 8 }, (_, index) => `${STACK}-linux-${String(9000 + index)}-1`);
    await db.batch([
      ...names.map((name) =>
        db.prepare(`INSERT INTO strays (name, scope, side, registration_id, op, sightings, first_at, last_at)
          VALUES ('${name}', '${SCOPE}', 'github', ${String(github.add(name).id)}, '', 2, 0, 9e15)`),
      ),
      db.prepare(`INSERT INTO scopes (scope, active_at, next_at) VALUES ('${SCOPE}', 9e15, 0)`),
    ]);
    for (let sweeps = 0; sweeps < 8; sweeps++) {
      await harness.sweep();
      const [scope] = await harness.rows("SELECT page FROM scopes");
      expect(Number(scope?.["page"])).toBeGreaterThanOrEqual(1);
      // Those that could not be looked up wait for ten minutes.
      await harness.rows("UPDATE strays SET next_look_at = 0");
    }
    expect(deletions(harness)).toHaveLength(8);
    expect(pages(harness).slice(0, 4)).toEqual([1, 2, 3, 4]);
  });
});
