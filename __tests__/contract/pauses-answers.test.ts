import { CLAIM_KEY, STATUS_TOKEN } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { answerOf, forgetAll, linesSoFar, useHarness } from "../support/webhook";
import { OPERATOR, pauseCall, pausedNow } from "./support/pausing";

const REPO = "octo-org/example";

describe.each(RUNTIMES)("/pauses (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  const call = async (
    method: string,
    path: string,
    headers: Record<string, string> = OPERATOR,
  ): Promise<Response> => harness().runtime.fetch(path, { method, headers });

  test("lists nothing while nothing is paused", async () => {
    const response = await pauseCall(harness(), "GET");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await answerOf(response)).toEqual({ status: 200, body: { paused: [] } });
    expect((await call("HEAD", "/pauses")).status).toBe(200);
  });

  test("204 to a pause and to its end, each as often as it comes; the first time stays", async () => {
    const before = Date.now();
    expect((await pauseCall(harness(), "PUT", REPO)).status).toBe(204);
    await harness().age(3600);
    for (const repo of [REPO, "Octo-Org/EXAMPLE"]) {
      const again = await pauseCall(harness(), "PUT", repo);
      expect(again.status).toBe(204);
      expect(await again.text()).toBe("");
    }
    const shown = (await (await pauseCall(harness(), "GET")).json()) as {
      paused: readonly { repo: string; since: string }[];
    };
    expect(shown.paused.map(({ repo }) => repo)).toEqual([REPO]);
    const since = Date.parse(shown.paused[0]?.since ?? "");
    expect(since).toBeGreaterThanOrEqual(before - 3_600_000 - 1);
    expect(since).toBeLessThan(before);
    for (let round = 0; round < 2; round++) {
      expect((await pauseCall(harness(), "DELETE", "OCTO-ORG/example")).status).toBe(204);
      expect(await pausedNow(harness())).toEqual([]);
    }
  });

  test("a repository's pause and everything's are two: each ends by itself", async () => {
    await pauseCall(harness(), "PUT");
    await pauseCall(harness(), "PUT", "me/tool");
    await pauseCall(harness(), "PUT", REPO);
    expect(await pausedNow(harness())).toEqual(["*", "me/tool", REPO]);
    await pauseCall(harness(), "DELETE");
    expect(await pausedNow(harness())).toEqual(["me/tool", REPO]);
    await pauseCall(harness(), "PUT");
    await pauseCall(harness(), "DELETE", REPO);
    expect(await pausedNow(harness())).toEqual(["*", "me/tool"]);
  });

  test.each([
    ["no bearer", {}],
    ["another token", { Authorization: "Bearer other" }],
    ["the token without its scheme", { Authorization: STATUS_TOKEN }],
    ["the key of claims", { Authorization: `Bearer ${CLAIM_KEY}` }],
  ])("401 to %s, and nothing changes", async (_, headers) => {
    await pauseCall(harness(), "PUT", "me/tool");
    for (const [method, path] of [
      ["GET", "/pauses"],
      ["PUT", "/pauses"],
      ["DELETE", "/pauses"],
      ["PUT", `/pauses/${REPO}`],
      ["DELETE", "/pauses/me/tool"],
    ] as const) {
      expect(await answerOf(await call(method, path, headers))).toEqual({
        status: 401,
        body: { error: "bearer is missing, wrong or expired" },
      });
    }
    expect(await pausedNow(harness())).toEqual(["me/tool"]);
  });

  test("405 to another method, before the bearer is looked at", async () => {
    for (const [method, path, allow] of [
      ["POST", "/pauses", "GET, PUT, DELETE"],
      ["PATCH", "/pauses", "GET, PUT, DELETE"],
      ["GET", `/pauses/${REPO}`, "PUT, DELETE"],
      ["HEAD", `/pauses/${REPO}`, "PUT, DELETE"],
      ["POST", `/pauses/${REPO}`, "PUT, DELETE"],
    ] as const) {
      const response = await call(method, path, {});
      expect([response.status, response.headers.get("Allow")]).toEqual([405, allow]);
    }
  });

  test.each([
    "/pauses/",
    "/pauses/octo-org",
    "/pauses/octo-org/",
    "/pauses//example",
    "/pauses/octo-org/example/",
    "/pauses/octo-org/example/more",
    "/pauses/octo-org%2Fexample",
    "/pauses/octo-org/ex%61mple",
    "/pauses/octo-org/%2e%2e",
    "/pauses/octo-org/exa mple",
    "/pauses/octo-org/*",
    "/pauses/*",
    "/pauses/%2A",
    "/pauses/octo-org/example%00",
    "/pauses/octo-org/example'--",
    "/pauses/-octo/example",
    `/pauses/octo-org/${"x".repeat(101)}`,
    `/pauses/${"x".repeat(5000)}/x`,
    "/pauses/octo-org/exämple",
    "/pausesocto-org/example",
    "/Pauses/octo-org/example",
  ])("404 to %s, and nothing changes", async (path) => {
    for (const method of ["PUT", "DELETE", "GET"])
      expect(await answerOf(await call(method, path))).toEqual({
        status: 404,
        body: { error: "no such path" },
      });
    expect(await pausedNow(harness())).toEqual([]);
  });

  test("404 to the pause of a repository that the policy does not name: it would hold nobody back", async () => {
    for (const repo of ["stranger/example", "me/tools", "octo-orgs/example"]) {
      expect(await answerOf(await pauseCall(harness(), "PUT", repo))).toEqual({
        status: 404,
        body: { error: "the policy names no such repository" },
      });
      // What an older policy named can be resumed.
      expect((await pauseCall(harness(), "DELETE", repo)).status).toBe(204);
    }
    expect(await pausedNow(harness())).toEqual([]);
  });

  test("503 while the ledger does not answer, and 503 where nobody set a token", async () => {
    const db = harness().runtime.db();
    await db.prepare("ALTER TABLE pauses RENAME TO pauses_away").run();
    try {
      for (const method of ["GET", "PUT", "DELETE"] as const) {
        const response = await call(method, "/pauses");
        expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
        expect(await answerOf(response)).toEqual({ status: 503, body: { error: "not now; try again" } });
      }
    } finally {
      await db.prepare("ALTER TABLE pauses_away RENAME TO pauses").run();
    }
    await harness().bind({ STATUS_TOKEN: undefined });
    expect((await call("PUT", "/pauses")).status).toBe(503);
    await harness().bind({});
  });

  test("what changes is in the log, the token is not", async () => {
    await pauseCall(harness(), "PUT", REPO);
    await pauseCall(harness(), "DELETE", REPO);
    const lines = await linesSoFar(harness());
    expect(lines).toContain(`{"level":"info","event":"paused","repo":"${REPO}"}`);
    expect(lines).toContain(`{"level":"info","event":"resumed","repo":"${REPO}"}`);
    expect(lines.filter((line) => line.includes(STATUS_TOKEN))).toEqual([]);
  });
});
