import { json } from "./support/fetches";
import { ASKED, NOW, RUNNER, clientOf, granted } from "./support/github";

const REPO = "octo-org/example";
const limited = (seconds: number) =>
  expect.objectContaining({ ok: false, error: "rate_limited", retryAfterSeconds: seconds }) as unknown;
const inSeconds = (seconds: number) => String(NOW / 1000 + seconds);

describe("GitHub's rate limit", () => {
  test.each([
    ["403 with a time", 403, { "Retry-After": "7" }, "x", 7],
    ["429 with a time", 429, { "Retry-After": "7" }, "x", 7],
    ["429 without a time", 429, {}, "x", 60],
    ["403 that only its text tells", 403, {}, "You have exceeded a secondary rate limit.", 60],
    ["a time of 0", 429, { "Retry-After": "0" }, "x", 1],
    ["a time of days", 429, { "Retry-After": "999999" }, "x", 3_600],
    ["an empty budget", 403, { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inSeconds(90) }, "x", 90],
    ["an empty budget since long", 403, { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5" }, "x", 1],
    [
      "an empty budget for days",
      429,
      { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inSeconds(90_000) },
      "x",
      3_600,
    ],
    [
      "an empty budget by a clock that is ten minutes ahead",
      403,
      {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": inSeconds(690),
        Date: new Date(NOW + 600_000).toUTCString(),
      },
      "x",
      90,
    ],
    ["an empty budget until nobody knows", 403, { "X-RateLimit-Remaining": "0" }, "x", 60],
    [
      "an empty budget until no number",
      403,
      { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon" },
      "x",
      60,
    ],
    [
      "an empty budget that names its time too",
      403,
      { "X-RateLimit-Remaining": "0", "Retry-After": "7", "X-RateLimit-Reset": inSeconds(90) },
      "x",
      7,
    ],
  ])("is told by %s, and honoured until it is over", async (_, status, headers, message, seconds) => {
    const { github, sent, clock } = clientOf((_request, index) =>
      index === 0 ? json(status, { message }, headers) : json(200, RUNNER),
    );
    expect(await github.getRunner(REPO, 23)).toEqual(limited(seconds));
    clock.now = NOW + (seconds - 1) * 1000;
    expect(await github.getRunner(REPO, 23)).toEqual(limited(1));
    expect(sent).toHaveLength(1);
    clock.now = NOW + seconds * 1000;
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(sent).toHaveLength(2);
  });

  test("is not what a plain refusal is", async () => {
    const { github, sent } = clientOf(() => json(403, { message: "Resource not accessible" }));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "refused" });
    expect(sent).toHaveLength(2);
  });

  test("is not what a server's pause is: that is for the caller to keep", async () => {
    const { github, sent } = clientOf(() => json(503, {}, { "Retry-After": "7" }));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "unavailable", retryAfterSeconds: 7 });
    await github.getRunner(REPO, 23);
    expect(sent).toHaveLength(2);
  });

  test("that a success uses up ends the next call, not this one", async () => {
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inSeconds(30) };
    const { github, sent } = clientOf(() => json(200, RUNNER, headers));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    expect(await github.getRunner(REPO, 23)).toEqual(limited(30));
    expect(sent).toHaveLength(1);
  });

  test("that a 404 uses up does not hide the 404", async () => {
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inSeconds(30) };
    const { github } = clientOf(() => json(404, {}, headers));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "not_found" });
  });

  test("of registrations leaves other calls alone, and the other way round", async () => {
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inSeconds(30) };
    const registrations = clientOf(({ method }) =>
      method === "POST" ? json(403, {}, headers) : json(200, RUNNER),
    );
    expect(await registrations.github.generateJitConfig(REPO, ASKED)).toEqual(limited(30));
    expect(await registrations.github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    const others = clientOf(({ method }) => (method === "GET" ? json(403, {}, headers) : granted()));
    expect(await others.github.getRunner(REPO, 23)).toEqual(limited(30));
    expect(await others.github.generateJitConfig(REPO, ASKED)).toMatchObject({ ok: true });
  });

  test("when it is a secondary one ends every call of the credential, in later invocations too", async () => {
    const { github, open, sent } = clientOf(() => json(429, {}, { "Retry-After": "30" }));
    expect(await github.generateJitConfig(REPO, ASKED)).toEqual(limited(30));
    expect(await open().getRunner("octo-org/other", 23)).toEqual(limited(30));
    expect(await open().getJob(REPO, 42)).toEqual(limited(30));
    expect(sent).toHaveLength(1);
  });
});
