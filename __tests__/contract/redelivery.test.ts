import { RUNTIMES } from "../support/harness/runtimes";
import { OTHER_SCOPE, SCOPE } from "../support/claims";
import { useHarness } from "../support/webhook";
import {
  type HookAtGithub,
  type HookedGithub,
  REPEATING,
  begin,
  know,
  letChoresBeDue,
  redeliveryStatus,
  repeated,
  visited,
} from "./support/redelivery";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

describe.each(RUNTIMES)("a delivery that failed (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: HookedGithub;
  let hook: HookAtGithub;
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: REPEATING });
  });
  beforeEach(async () => {
    github = await begin(harness());
    hook = github.add(SCOPE);
    await know(harness(), hook);
  });

  /** Lets a hook's list be as it was: without its ETag it is read again. */
  const sweepAfter = async (seconds: number): Promise<void> => {
    await harness().age(seconds);
    await harness().sweep();
  };

  test("is asked for in the sweep that finds it, and once only while nothing is heard of it", async () => {
    const failed = github.attempt(hook);
    for (let sweeps = 0; sweeps < 4; sweeps++) await sweepAfter(HOUR);
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({
      mode: "on",
      why: null,
      hooks: { ours: 1 },
      pending: 0,
      asked: 1,
      given_up: 0,
    });
  });

  test("is one of its GUID: of several attempts only the newest is asked for", async () => {
    const first = github.attempt(hook);
    const second = github.attempt(hook, { guid: first.guid });
    await harness().sweep();
    expect(repeated(harness())).toEqual([second.id]);
  });

  test("is not asked for where an attempt arrived", async () => {
    const failed = github.attempt(hook);
    github.attempt(hook, { guid: failed.guid, status_code: 202 });
    const other = github.attempt(hook);
    for (let sweeps = 0; sweeps < 3; sweeps++) await sweepAfter(HOUR);
    expect(repeated(harness())).toEqual([other.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 0, asked: 1 });
  });

  test("is asked for five times, later each time, and then given up", async () => {
    github.repeats = (of, { guid }) => github.attempt(of, { guid, delivered_at: ago(0) });
    github.attempt(hook);
    const asked = () => repeated(harness()).length;
    await harness().sweep();
    expect(asked()).toBe(1);
    for (const [times, wait] of [10 * MINUTE, HOUR, 4 * HOUR, 20 * HOUR].entries()) {
      await sweepAfter(wait - MINUTE);
      expect(asked()).toBe(times + 1);
      await sweepAfter(2 * MINUTE);
      expect(asked()).toBe(times + 2);
    }
    expect(new Set(repeated(harness())).size).toBe(5);
    await sweepAfter(30 * HOUR);
    await sweepAfter(30 * HOUR);
    expect(asked()).toBe(5);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 0, asked: 5, given_up: 1 });
  });

  test("is forgotten after three days, and not asked for when it is found that late", async () => {
    github.attempt(hook, { delivered_at: ago(3 * DAY + MINUTE) });
    const late = github.attempt(hook, { delivered_at: ago(3 * DAY - MINUTE) });
    await harness().sweep();
    expect(repeated(harness())).toEqual([late.id]);
    await letChoresBeDue(harness());
    await sweepAfter(DAY);
    expect(await harness().rows("SELECT guid FROM redeliveries")).toEqual([]);
  });

  test("that would be over only in days to come is as old as when it was seen", async () => {
    github.attempt(hook, { delivered_at: "2999-01-01T00:00:00Z" });
    await harness().sweep();
    await letChoresBeDue(harness());
    await sweepAfter(3 * DAY);
    expect(await harness().rows("SELECT guid FROM redeliveries")).toEqual([]);
  });

  test("is asked for before others where its job may wait, and before younger ones", async () => {
    const told = (action: string, seconds: number) =>
      github.attempt(hook, { action, delivered_at: ago(seconds) }).id;
    const completed = told("completed", 5 * HOUR);
    const stale = told("queued", 25 * HOUR);
    const young = told("queued", HOUR);
    const old = told("queued", 2 * HOUR);
    const started = told("in_progress", 3 * HOUR);
    await harness().sweep();
    expect(repeated(harness())).toEqual([old, young, stale, completed, started]);
  });

  test.each([
    ["another event", { event: "ping", action: null }],
    ["a job that waits for an approval", { action: "waiting" }],
    ["an action that no runner needs", { action: "reopened" }],
  ])("is not asked for where it told of %s", async (_, changes) => {
    github.attempt(hook, changes);
    const known = github.attempt(hook, { action: "completed" });
    await harness().sweep();
    expect(repeated(harness())).toEqual([known.id]);
  });

  test.each([400, 404, 422])("is given up where GitHub answers %i", async (status) => {
    const failed = github.attempt(hook);
    github.instead = ({ method }) => (method === "POST" ? { status, body: { message: "no" } } : null);
    for (let sweeps = 0; sweeps < 3; sweeps++) await sweepAfter(DAY / 2);
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 0, given_up: 1 });
  });

  test("is asked for again, within the five times, where nobody knows what became of the request", async () => {
    const failed = github.attempt(hook);
    github.instead = ({ method }) => (method === "POST" ? "drop" : null);
    await harness().sweep();
    await sweepAfter(11 * MINUTE);
    expect(new Set(repeated(harness()))).toEqual(new Set([failed.id]));
    const before = repeated(harness()).length;
    github.instead = () => null;
    await sweepAfter(2 * HOUR);
    await sweepAfter(DAY);
    expect(repeated(harness()).length).toBe(before + 1);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 0, asked: 3 });
  });

  test("is read with the ETag of the last time, and a list that is the same is not read twice", async () => {
    github.attempt(hook, { action: "completed" });
    await harness().sweep();
    harness().github.seen.length = 0;
    await harness().sweep();
    const [again, ...rest] = harness().github.seen;
    expect(rest).toEqual([]);
    expect(again?.headers["if-none-match"]).toMatch(/^W\/"[0-9a-f]{64}"$/);
    const next = github.attempt(hook);
    await harness().sweep();
    expect(repeated(harness())).toContain(next.id);
  });

  test("is found on whatever page it is, one at each visit, by the cursor alone", async () => {
    const oldest = github.attempt(hook, { delivered_at: ago(2 * DAY) });
    for (let count = 0; count < 250; count++) github.attempt(hook, { action: "completed" });
    for (let sweeps = 0; sweeps < 4; sweeps++) await harness().sweep();
    const [row] = await harness().rows("SELECT count(*) AS n, min(delivery_id) AS oldest FROM redeliveries");
    expect(row).toEqual({ n: 251, oldest: oldest.id });
    const paths = harness().github.seen.filter(({ path }) => path.includes("status=failure"));
    const start = `/repos/${SCOPE}/hooks/${String(hook.id)}/deliveries?per_page=100&status=failure`;
    expect(paths.map(({ path }) => path)).toEqual([
      start,
      `${start}&cursor=v1_100`,
      `${start}&cursor=v1_200`,
      start,
    ]);
  });

  test("that is new is read without the pages of those that were read before", async () => {
    for (let count = 0; count < 250; count++) github.attempt(hook, { action: "completed" });
    for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
    harness().github.seen.length = 0;
    const next = github.attempt(hook);
    await harness().sweep();
    expect(repeated(harness())).toContain(next.id);
    for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
    expect(harness().github.seen.filter(({ path }) => path.includes("cursor="))).toEqual([]);
  });

  test("of one hook does not end those of another of the same repository and of others", async () => {
    const others = [github.add(SCOPE), github.add(OTHER_SCOPE)];
    await know(harness(), ...others);
    const failed = [hook, ...others].map((one) => github.attempt(one, { guid: "one-guid-for-all" }).id);
    await harness().sweep();
    expect(repeated(harness()).sort()).toEqual(failed.sort());
    expect(visited(harness())).toEqual([hook, ...others].map(({ id }) => id));
  });
});

describe("with redelivery off", () => {
  const harness = useHarness("node");

  test("nothing is asked, noted or shown, whatever is known", async () => {
    await harness().bind({ RUNNER_POLICY: { ...REPEATING, redelivery: "off" } });
    const github = await begin(harness());
    const hook = github.add(SCOPE);
    await know(harness(), hook);
    github.attempt(hook);
    await harness().sweep();
    expect(harness().github.seen).toEqual([]);
    expect(await redeliveryStatus(harness())).toMatchObject({ mode: "off", why: "policy", pending: 0 });
  });
});
