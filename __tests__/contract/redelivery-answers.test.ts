import { RUNTIMES } from "../support/harness/runtimes";
import type { Reply } from "../support/harness/origin";
import { SCOPE, freshGithub } from "../support/claims";
import { useHarness } from "../support/webhook";
import {
  type HookAtGithub,
  type HookedGithub,
  REPEATING,
  begin,
  know,
  redeliveryStatus,
  repeated,
  visited,
} from "./support/redelivery";

const isList = (path: string): boolean => path.includes("/deliveries?");
const limited = (headers: Readonly<Record<string, string>>): Reply => ({
  status: 403,
  headers,
  body: { message: "API rate limit exceeded" },
});

describe.each(RUNTIMES)("an answer about deliveries (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: HookedGithub;
  let hook: HookAtGithub;
  beforeEach(async () => {
    // What an isolate remembers of limits is of another GitHub then.
    await freshGithub(harness(), { RUNNER_POLICY: REPEATING });
    github = await begin(harness());
    hook = github.add(SCOPE);
    await know(harness(), hook);
  });

  const valid = (id: number, changes: Readonly<Record<string, unknown>> = {}) => ({
    id,
    guid: `guid-${String(id)}`,
    delivered_at: new Date().toISOString(),
    status_code: 502,
    event: "workflow_job",
    action: "queued",
    ...changes,
  });

  test.each([
    ["an id that is a text", { id: "1/../../../../user/keys" }],
    ["an id below 1", { id: -1 }],
    ["an id that a double does not hold", { id: 2 ** 60 }],
    ["no id", { id: null }],
    ["a GUID with a space", { guid: "a b" }],
    ["a GUID that is SQL", { guid: "'); DROP TABLE hooks; --" }],
    ["no GUID", { guid: undefined }],
    ["no time", { delivered_at: null }],
    ["a time that is none", { delivered_at: "yesterday" }],
    ["a status that is a text", { status_code: "503" }],
    ["an action that is a list", { action: ["queued"] }],
    ["an event that is none", { event: { name: "workflow_job" } }],
  ])("is read past an entry with %s", async (_, changes) => {
    github.instead = ({ path }) =>
      isList(path) && path.includes("failure")
        ? { status: 200, body: [valid(11, changes), null, "x", [], valid(12)] }
        : path.endsWith("/attempts")
          ? { status: 202 }
          : null;
    await harness().sweep();
    expect(repeated(harness())).toEqual([12]);
    expect(await harness().rows("SELECT delivery_id FROM redeliveries")).toEqual([{ delivery_id: 12 }]);
  });

  test.each([
    ["no list", { status: 200, body: { deliveries: [] } }],
    ["HTML", { status: 200, body: "<html>" }],
    ["an error of its own", { status: 502, body: "Bad Gateway" }],
    ["304 though nothing was known", { status: 304 }],
    ["a hang-up", "drop"],
  ] satisfies readonly (readonly [string, Reply])[])(
    "that is %s is told of, and holds up no other hook",
    async (_, reply) => {
      const other = github.add("octo-org/other");
      await know(harness(), other);
      github.instead = ({ path }) => (path.includes(`/hooks/${String(hook.id)}/`) ? reply : null);
      const failed = github.attempt(other);
      await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
      expect((await redeliveryStatus(harness())).last_problem).toContain(
        `/hooks/${String(hook.id)}/deliveries`,
      );
      expect(await redeliveryStatus(harness())).toMatchObject({ mode: "on", hooks: { ours: 2 } });
    },
  );

  test("that tells nothing of a hook's successes holds up no other hook's deliveries, and does not count", async () => {
    const blind = ({ path }: { readonly path: string }) =>
      path.includes(`/hooks/${String(hook.id)}/`) && path.includes("status=success");
    github.instead = (request) => (blind(request) ? { status: 502, body: "Bad Gateway" } : null);
    const held = Array.from({ length: 40 }, () => github.attempt(hook));
    await harness().sweep();
    const other = github.add("octo-org/other");
    await know(harness(), other);
    const failed = github.attempt(other);
    for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ asked: 1, pending: held.length });
    github.instead = () => null;
    await harness().age(600);
    for (let sweeps = 0; sweeps < 4; sweeps++) await harness().sweep();
    expect(repeated(harness()).sort()).toEqual([...held.map(({ id }) => id), failed.id].sort());
  });

  test("with successes among the failures, as of a server that does not filter, asks for no success", async () => {
    github.instead = ({ path }) =>
      isList(path) && path.includes("failure")
        ? { status: 200, body: [valid(21, { status_code: 202 }), valid(22)] }
        : path.endsWith("/attempts")
          ? { status: 202 }
          : null;
    await harness().sweep();
    expect(repeated(harness())).toEqual([22]);
  });

  test.each([
    ["another server", "https://evil.example/x?cursor=v1_5", "&cursor=v1_5"],
    ["another path", "https://api.github.com/user/keys?cursor=v1_5&per_page=1", "&cursor=v1_5"],
    ["a cursor that says more", "https://api.github.com/x?cursor=v1%26status%3Dsuccess", null],
    ["a cursor of another path", "https://api.github.com/x?cursor=..%2F..%2Fuser", null],
    ["a cursor without an end", `https://api.github.com/x?cursor=${"9".repeat(300)}`, null],
    ["no cursor", "https://api.github.com/x?page=2", null],
  ])("whose link names %s leads nowhere else", async (_, next, cursor) => {
    github.instead = ({ path }) =>
      isList(path)
        ? {
            status: 200,
            body: [valid(31, { action: "completed" })],
            headers: { link: `<${next}>; rel="next"` },
          }
        : null;
    await harness().sweep();
    harness().github.seen.length = 0;
    await harness().sweep();
    const start = `/repos/${SCOPE}/hooks/${String(hook.id)}/deliveries?per_page=100&status=failure`;
    const [again] = harness().github.seen.map(({ path }) => path.replace(/^\/case-\d+/, ""));
    expect(again).toBe(start + (cursor ?? ""));
  });

  test("whose pages have no end is read from the beginning again after a hundred", async () => {
    github.instead = ({ path }) =>
      isList(path)
        ? { status: 200, body: [], headers: { link: `<https://api.github.com/x?cursor=again>; rel="next"` } }
        : null;
    await harness().rows("UPDATE hooks SET page = 99, cursor = 'again'");
    for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
    const cursors = harness().github.seen.map(({ path }) => path.includes("cursor=again"));
    expect(cursors).toEqual([true, true, false]);
  });

  test.each([400, 422])("of %i to a cursor has the list read from its newest again", async (status) => {
    github.instead = ({ path }) =>
      path.includes("cursor=") ? { status, body: { message: "no such cursor" } } : null;
    await harness().rows("UPDATE hooks SET page = 3, cursor = 'v1_old'");
    const failed = github.attempt(hook);
    await harness().sweep();
    await harness().sweep();
    expect(repeated(harness())).toEqual([failed.id]);
  });

  test.each([
    ["of a list", (path: string) => isList(path)],
    ["to a request for one", (path: string) => path.endsWith("/attempts")],
  ])(
    "that a rate limit is met, %s, ends it for all hooks until GitHub's time is over, and nothing counts",
    async (_, meets) => {
      github.attempt(hook);
      github.instead = ({ path }) => (meets(path) ? limited({ "retry-after": "600" }) : null);
      await harness().sweep();
      github.instead = () => null;
      harness().github.seen.length = 0;
      await harness().sweep();
      expect(visited(harness())).toEqual([]);
      const [mark] = await harness().rows("SELECT at FROM marks WHERE name = 'redelivery_limited'");
      expect(Number(mark?.["at"]) - Date.now()).toBeGreaterThan(500_000);
      expect(Number(mark?.["at"]) - Date.now()).toBeLessThanOrEqual(600_000);
      expect(await redeliveryStatus(harness())).toMatchObject({ asked: 0 });
    },
  );

  test("that is the last of the budget is taken, and nothing is asked after it", async () => {
    const other = github.add("octo-org/other");
    await know(harness(), other);
    const reset = String(Math.floor(Date.now() / 1000) + 900);
    const rest = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset };
    github.instead = ({ path }) => (isList(path) ? { status: 200, body: [], headers: rest } : null);
    await harness().sweep();
    expect(visited(harness()).length).toBeLessThanOrEqual(2);
    harness().github.seen.length = 0;
    await harness().sweep();
    expect(harness().github.seen).toEqual([]);
  });
});

describe("a rate limit that is over", () => {
  const harness = useHarness("node");

  test("lets the walk go on, and what was not asked for is", async () => {
    await freshGithub(harness(), { RUNNER_POLICY: REPEATING });
    const github = await begin(harness());
    const hook = github.add(SCOPE);
    await know(harness(), hook);
    const failed = github.attempt(hook);
    github.instead = ({ method }) => (method === "POST" ? limited({ "retry-after": "600" }) : null);
    await harness().sweep();
    github.instead = () => null;
    await harness().rows("UPDATE marks SET at = 0 WHERE name = 'redelivery_limited'");
    // Another isolate, which does not remember the limit.
    await freshGithub(harness(), { RUNNER_POLICY: REPEATING });
    expect(repeated(harness())).toEqual([failed.id, failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 0, asked: 1 });
  });
});

describe("a ledger that fails while hooks are walked through", () => {
  const harness = useHarness("node");

  test("is told of, and the sweep goes on", async () => {
    await harness().bind({ RUNNER_POLICY: REPEATING });
    await begin(harness());
    const db = harness().runtime.db();
    await db.prepare("ALTER TABLE hooks RENAME TO hooks_away").run();
    try {
      harness().runtime.lines.length = 0;
      await harness().sweep();
      const events = harness().runtime.lines.map((line) => (JSON.parse(line) as { event: string }).event);
      expect(events).toEqual(["redelivery_failed", "swept"]);
    } finally {
      await db.prepare("ALTER TABLE hooks_away RENAME TO hooks").run();
    }
    expect((await redeliveryStatus(harness())).last_problem).toContain("no such table: hooks");
  });
});
