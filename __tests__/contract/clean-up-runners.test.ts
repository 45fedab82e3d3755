import { SCOPE, STACK, asked, finish, granted, policyWith, start, tokens, waiting } from "../support/claims";
import { RUNTIMES } from "../support/harness/runtimes";
import { useHarness } from "../support/webhook";
import {
  type PagedGithub,
  atWork,
  begin,
  cleanUpStatus,
  cleaning,
  deletions,
  pages,
  pass,
  strays,
  twoPasses,
} from "./support/clean-up";

const DAY = 86_400;
const FIRST = "SELECT state, end_reason FROM runners WHERE job_id = 1 AND ordinal = 1";
const BUSY = [{ state: "busy", end_reason: null }];
const CLAIMED = [{ state: "claimed", end_reason: null }];
const GONE = [{ state: "ended", end_reason: "gone" }];
const NOBODY = { status: 200, body: { total_count: 0, runners: [] } };

describe.each(RUNTIMES)("a runner that GitHub has forgotten (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: PagedGithub;
  beforeAll(async () => {
    // Nobody else asks about a holder of this class for a day.
    const slow = policyWith({ idleTimeoutSeconds: DAY, pickupDeadlineSeconds: DAY });
    await harness().bind({ RUNNER_POLICY: { ...slow, cleanUp: cleaning("delete").cleanUp } });
  });
  beforeEach(async () => {
    github = await begin(harness());
  });
  const db = () => harness().runtime.db();
  const first = async () => harness().rows(FIRST);
  /** A runner that waits for a job. */
  const holder = async () => {
    const name = await granted(harness(), await waiting(harness(), 1), "alloc-1");
    await harness().sweep();
    return github.runners.find((one) => one.name === name) ?? { id: 0, name };
  };

  test("at work is ended after two whole passes and ten minutes, once GitHub was asked for it by name", async () => {
    const { id, name } = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(id);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "ledger", sightings: 1 }]);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "ledger", sightings: 2 }]);
    expect(await first()).toEqual(BUSY);
    harness().github.seen.length = 0;
    await harness().sweep();
    expect(asked(harness())).toEqual([`GET /repos/${SCOPE}/actions/runners?name=${name}&per_page=100`]);
    expect(await first()).toEqual(GONE);
    expect(await strays(harness())).toEqual([]);
    expect((await cleanUpStatus(harness())).removed).toMatchObject({ registrations: 0, runners: 1 });
  });

  test("while it waited for a job is ended, and the job gets another", async () => {
    const { id } = await holder();
    github.remove(id);
    await twoPasses(harness());
    expect(await first()).toEqual(GONE);
    await harness().sweep();
    expect(tokens(harness())).toEqual(["1:1", "1:2"]);
    expect(deletions(harness())).toEqual([]);
  });

  test("is not ended after one sighting, nor when it is there again", async () => {
    const { id, name } = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(id);
    await pass(harness());
    await harness().sweep();
    expect(await first()).toEqual(BUSY);
    github.add(name, { busy: true });
    await pass(harness());
    expect(await strays(harness())).toEqual([]);
    await pass(harness());
    await harness().sweep();
    expect(await first()).toEqual(BUSY);
  });

  test("is not ended when it changed its state in between: its sightings begin anew", async () => {
    const { id, name } = await holder();
    github.remove(id);
    await pass(harness());
    await start(harness(), 1, name);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "ledger", sightings: 1 }]);
    await harness().sweep();
    expect(await first()).toEqual(BUSY);
  });

  test("is not ended when it changed its state after the second sighting", async () => {
    const { id, name } = await holder();
    github.remove(id);
    await pass(harness());
    await pass(harness());
    await start(harness(), 1, name);
    harness().github.seen.length = 0;
    await harness().sweep();
    expect(asked(harness())).toEqual([]);
    expect(await first()).toEqual(BUSY);
  });

  test("is no stray any more when its job's end was told after all", async () => {
    const { id, name } = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(id);
    await pass(harness());
    await finish(harness(), 1, name);
    await pass(harness());
    expect(await strays(harness())).toEqual([]);
    expect(await first()).toEqual([{ state: "ended", end_reason: "done" }]);
  });

  test("is not ended when only the list lacks it, or when its scope cannot be seen", async () => {
    await atWork(harness(), github, 1);
    await harness().sweep();
    github.instead = ({ path }) => (path.includes("&page=") ? NOBODY : null);
    await pass(harness());
    await pass(harness());
    github.instead = ({ path }) => (path.includes("/actions/runners") ? { status: 404 } : null);
    await harness().sweep();
    expect(await strays(harness())).toHaveLength(1);
    expect(await first()).toEqual(BUSY);
    github.instead = () => null;
    await db().prepare("UPDATE strays SET next_look_at = 0").run();
    await harness().sweep();
    expect(await strays(harness())).toEqual([]);
    expect(await first()).toEqual(BUSY);
  });

  test("is sighted only where it can have been listed: not just claimed, and with its registration known", async () => {
    const { id } = await holder();
    github.remove(id);
    await db().prepare("UPDATE scopes SET next_at = 0").run();
    await harness().sweep();
    expect(pages(harness())).toEqual([1]);
    expect(await strays(harness())).toEqual([]);
    await db().prepare("UPDATE runners SET registration_id = NULL").run();
    await pass(harness());
    expect(pages(harness())).toEqual([1, 1]);
    expect(await strays(harness())).toEqual([]);
    expect(await first()).toEqual(CLAIMED);
  });

  test("is sighted in no state but claimed and busy", async () => {
    await atWork(harness(), github, 1);
    await waiting(harness(), 2);
    await harness().sweep();
    github.remove(github.runners[0]?.id ?? 0);
    await db().prepare("UPDATE runners SET state = 'removing', next_look_at = 9e15 WHERE job_id = 1").run();
    await pass(harness());
    expect(pages(harness())).toEqual([1]);
    expect(await strays(harness())).toEqual([]);
  });

  test("is left to the stack whose name it has, as after a change of PUBLIC_URL", async () => {
    const { id, name } = await atWork(harness(), github, 1);
    await harness().sweep();
    github.remove(id);
    await db().prepare(`UPDATE runners SET name = replace(name, '${STACK}', '000000')`).run();
    await twoPasses(harness());
    expect(await strays(harness())).toEqual([]);
    // One that was sighted under the old name is not followed up.
    const other = name.replace(STACK, "000000");
    await db()
      .prepare(
        `INSERT INTO strays SELECT name, scope, 'ledger', 1, op, 2, 0, 0, 0 FROM runners WHERE name = '${other}'`,
      )
      .run();
    harness().github.seen.length = 0;
    await harness().sweep();
    expect(asked(harness())).toEqual([]);
    expect(await strays(harness())).toEqual([]);
    expect(await first()).toEqual(BUSY);
  });
});
