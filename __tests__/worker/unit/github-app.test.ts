import { json } from "./support/fetches";
import { NOW } from "./support/github";
import { APP_ID, PKCS8, REPO, githubOf } from "./support/github-app";

const LOOKUP = "GET /repos/octo-org/example/installation";
const TOKEN = "POST /app/installations/7/access_tokens";
const ASK = "GET /repos/octo-org/example/actions/runners/23";

describe("an installation token", () => {
  test("is made once and used until five minutes before its end, over invocations", async () => {
    const { github, open, paths, bearerOf, clock } = githubOf();
    await github.getRunner(REPO, 23);
    clock.now += 55 * 60_000 - 1;
    await open().getRunner(REPO, 23);
    expect(paths()).toEqual([LOOKUP, TOKEN, ASK, ASK]);
    expect([bearerOf(2), bearerOf(3)]).toEqual(["ghs_1", "ghs_1"]);
    clock.now += 1;
    await open().getRunner(REPO, 23);
    expect(paths().slice(4)).toEqual([TOKEN, ASK]);
    expect(bearerOf(5)).toBe("ghs_2");
  });

  test("serves all repositories of an owner; another owner has another", async () => {
    const { github, paths } = githubOf((_, path) =>
      path.includes("/me/tool/installation") ? json(200, { id: 8 }) : null,
    );
    await github.getRunner(REPO, 23);
    await github.getRunner("Octo-Org/other", 23);
    await github.getRunner("octo-org", 23);
    await github.getRunner("me/tool", 23);
    expect(paths().filter((path) => !path.includes("/runners/"))).toEqual([
      LOOKUP,
      TOKEN,
      "GET /repos/me/tool/installation",
      "POST /app/installations/8/access_tokens",
    ]);
  });

  test("of an organization is looked up there", async () => {
    const { github, paths } = githubOf();
    await github.getRunner("octo-org", 23);
    expect(paths()).toEqual([
      "GET /orgs/octo-org/installation",
      TOKEN,
      "GET /orgs/octo-org/actions/runners/23",
    ]);
  });

  test("is asked for once by calls that run side by side", async () => {
    const { github, paths } = githubOf();
    await Promise.all([1, 2, 3, 4, 5, 6].map((id) => github.getRunner(REPO, id)));
    expect(paths().filter((path) => path === LOOKUP || path === TOKEN)).toEqual([LOOKUP, TOKEN]);
    expect(paths()).toHaveLength(8);
  });

  test("may be long and of any printable kind", async () => {
    const long = `ghs_${APP_ID}_${"eyJ.-_~".repeat(300)}`;
    const { github, bearerOf } = githubOf((_, path) =>
      path.endsWith("/access_tokens")
        ? json(201, { token: long, expires_at: new Date(NOW + 3_600_000).toISOString() })
        : null,
    );
    await github.getRunner(REPO, 23);
    expect(bearerOf(2)).toBe(long);
  });

  test("is never believed to last longer than an hour", async () => {
    const { github, open, paths, clock } = githubOf((_, path) =>
      path.endsWith("/access_tokens") ? json(201, { token: "t", expires_at: "2999-01-01T00:00:00Z" }) : null,
    );
    await github.getRunner(REPO, 23);
    clock.now += 55 * 60_000;
    await open().getRunner(REPO, 23);
    expect(paths().filter((path) => path === TOKEN)).toHaveLength(2);
  });

  test("that GitHub no longer takes is made anew, once", async () => {
    const { github, paths, bearerOf } = githubOf((request) =>
      request.headers.get("authorization") === "Bearer ghs_1" ? json(401, { message: "Bad" }) : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(paths()).toEqual([LOOKUP, TOKEN, ASK, TOKEN, ASK]);
    expect(bearerOf(4)).toBe("ghs_2");
  });

  test("that GitHub takes in no form is refused after the second try", async () => {
    const { github, paths } = githubOf((_, path) => (path.includes("/runners/") ? json(401, {}) : null));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(paths()).toEqual([LOOKUP, TOKEN, ASK, TOKEN, ASK]);
  });

  test("that another call has renewed meanwhile is not dropped", async () => {
    const { github, cache, paths } = githubOf((_, path, count) => {
      if (!path.endsWith("/runners/23") || count > 1) return null;
      cache.tokens.set(7, { token: "ghs_other", until: NOW + 60_000 });
      return json(401, {});
    });
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(paths()).toEqual([LOOKUP, TOKEN, ASK, ASK]);
    expect(cache.tokens.get(7)?.token).toBe("ghs_other");
  });

  test.each([
    ["no token", { expires_at: "2026-11-21T13:00:00Z" }],
    ["a token that cannot stand in a header", { token: "a\nb", expires_at: "2026-11-21T13:00:00Z" }],
    ["no end", { token: "ghs_x" }],
    ["an end that is no time", { token: "ghs_x", expires_at: "soon" }],
    ["nothing", null],
  ])("is not taken from an answer with %s", async (_, body) => {
    const { github, sent } = githubOf((_request, path) =>
      path.endsWith("/access_tokens") ? json(201, body) : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "unavailable" });
    expect(sent).toHaveLength(2);
  });
});

describe("an App", () => {
  test("signs one JWT for nine minutes", async () => {
    let read = 0;
    const { github, open, bearerOf, clock } = githubOf(undefined, () => {
      read += 1;
      return Promise.resolve(PKCS8);
    });
    await github.getRunner(REPO, 23);
    clock.now += 9 * 60_000 - 1;
    await open().getRunner("me/tool", 23);
    expect(bearerOf(3)).toBe(bearerOf(0));
    expect(read).toBe(1);
    clock.now += 1;
    await open().getRunner("you/tool", 23);
    expect(bearerOf(5)).not.toBe(bearerOf(0));
    expect(read).toBe(2);
  });

  test("signs anew when GitHub refuses a JWT that it had kept", async () => {
    const { github, open, cache } = githubOf((request) =>
      request.headers.get("authorization") === "Bearer stale" ? json(401, {}) : null,
    );
    cache.jwts.set(APP_ID, { jwt: "stale", until: NOW + 60_000 });
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(cache.jwts.get(APP_ID)?.jwt).toMatch(/^eyJ/);
    expect(await open().getRunner(REPO, 23)).toMatchObject({ ok: true });
  });

  test("whose fresh JWT is refused is refused, at once and again", async () => {
    const { github, sent, cache } = githubOf((_, path) =>
      path.endsWith("/installation") ? json(401, {}) : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(sent).toHaveLength(1);
    expect(cache.jwts.size).toBe(0);
  });

  test.each([
    ["behind", -10 * 60_000],
    ["ahead", 10 * 60_000],
  ])("signs by GitHub's clock where that is ten minutes %s, and keeps to it", async (_, ahead) => {
    const issuedAt = ({ headers }: { readonly headers: Headers }): number => {
      const claims = (headers.get("authorization") ?? "").split(".")[1] ?? "";
      return (JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { iat: number }).iat * 1000;
    };
    const date = new Date(NOW + ahead).toUTCString();
    const { github, open, paths, sent } = githubOf((request, path) =>
      path.endsWith("/installation") && Math.abs(issuedAt(request) - NOW - ahead) > 120_000
        ? json(401, { message: "'Issued at' claim ('iat') is wrong" }, { Date: date })
        : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(paths()).toEqual([LOOKUP, LOOKUP, TOKEN, ASK]);
    expect(await open().getRunner("me/tool", 23)).toMatchObject({ ok: true });
    expect(sent.filter(({ url }) => url.endsWith("/installation"))).toHaveLength(3);
  });

  test.each([
    ["in days to come", "Wed, 01 Jan 2999 00:00:00 GMT"],
    ["long ago", "Thu, 01 Jan 1970 00:00:00 GMT"],
  ])("is not signed by a clock that is %s: such a token would be good then", async (_, date) => {
    const { github, open, sent } = githubOf((_request, path) =>
      path.endsWith("/installation") ? json(401, {}, { Date: date }) : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(await open().getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    const issued = sent.map(({ headers }) => {
      const claims = (headers.get("authorization") ?? "").split(".")[1] ?? "";
      return (JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { iat: number }).iat * 1000;
    });
    expect(issued.length).toBeGreaterThanOrEqual(2);
    for (const at of issued) expect(Math.abs(at - NOW)).toBeLessThanOrEqual(61_000);
  });

  test("whose JWT by GitHub's clock is refused as well is refused, whatever the time is then", async () => {
    let turn = 0;
    const { github, sent } = githubOf((_, path) => {
      turn += 1;
      const date = new Date(NOW + turn * 600_000).toUTCString();
      return path.endsWith("/installation") ? json(401, {}, { Date: date }) : null;
    });
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(sent).toHaveLength(2);
  });

  test("that is not installed is refused: that is no missing runner, and deletes none", async () => {
    const { github } = githubOf((_, path) =>
      path.endsWith("/installation") ? json(404, { message: "Not Found" }) : null,
    );
    for (const result of [
      await github.getRunner(REPO, 23),
      await github.deleteRunner(REPO, 23),
      await github.findRunner(REPO, "x"),
    ]) {
      expect(result).toMatchObject({ ok: false, error: "refused" });
      expect(result).toHaveProperty("detail", expect.stringContaining("is the GitHub App installed there?"));
    }
  });

  test("that was installed anew is found under its new id", async () => {
    const { github, cache, paths } = githubOf((_, path) =>
      path.endsWith("/installations/6/access_tokens") ? json(404, {}) : null,
    );
    cache.installations.set("octo-org", 6);
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(paths()).toEqual(["POST /app/installations/6/access_tokens", LOOKUP, TOKEN, ASK]);
  });

  test("whose new installation has no tokens either is refused, and forgotten", async () => {
    const { github, cache, sent } = githubOf((_, path) =>
      path.endsWith("/access_tokens") ? json(404, {}) : null,
    );
    expect(await github.deleteRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(sent).toHaveLength(2);
    expect(cache.installations.size).toBe(0);
  });

  test.each([
    ["unavailable", 500],
    ["refused", 403],
  ])("meets %s when GitHub answers %p to it", async (error, status) => {
    for (const end of ["/installation", "/access_tokens"]) {
      const { github } = githubOf((_, path) => (path.endsWith(end) ? json(status, {}) : null));
      expect(await github.getRunner(REPO, 23)).toMatchObject({ error });
    }
  });

  test("takes no installation's id that is none", async () => {
    const { github } = githubOf((_, path) =>
      path.endsWith("/installation") ? json(200, { id: "7" }) : null,
    );
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "unavailable" });
  });

  test("keeps its own limits and each installation's apart", async () => {
    const headers = { "Retry-After": "30" };
    const { github } = githubOf((_, path) => {
      if (path === "/repos/me/tool/installation") return json(200, { id: 8 });
      return path.startsWith("/repos/octo-org/") && path.includes("/runners/")
        ? json(429, {}, headers)
        : null;
    });
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "rate_limited", retryAfterSeconds: 30 });
    expect(await github.getRunner("me/tool", 23)).toMatchObject({ ok: true });
    expect(await github.getRunner(REPO, 24)).toMatchObject({ error: "rate_limited" });
  });

  test("tells nothing of its JWT, its tokens or its key", async () => {
    const echoed: Response[] = [];
    const { github } = githubOf((request, path) => {
      if (!path.includes("/runners/")) return null;
      const said = json(403, { message: `${request.headers.get("authorization") ?? ""} was sent` });
      echoed.push(said);
      return said;
    });
    const result = await github.getRunner(REPO, 23);
    expect(echoed).toHaveLength(1);
    expect(JSON.stringify(result)).not.toContain("ghs_");
    expect(result).toHaveProperty("detail", expect.stringContaining("[removed] was sent"));
  });
});
