import { asked, freshGithub, granted, rebind, registrations, waiting } from "../support/claims";
import { type Harness, acceptingGithub, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";

const ROW = "SELECT state, holder, registration_id FROM runners";

/** What tells of a limit, and for how long. */
const LIMITS: readonly (readonly [string, () => Reply, number])[] = [
  ["403 with a time", () => ({ status: 403, headers: { "Retry-After": "40" } }), 40],
  ["429 with a time", () => ({ status: 429, headers: { "Retry-After": "40" } }), 40],
  ["429 without a time", () => ({ status: 429, body: { message: "Too many requests" } }), 60],
  [
    "403 that only its text tells",
    () => ({ status: 403, body: { message: "You have exceeded a secondary rate limit. Please wait." } }),
    60,
  ],
  ["403 with an empty budget", () => ({ status: 403, headers: budgetUntil(90) }), 90],
  ["429 with an empty budget", () => ({ status: 429, headers: budgetUntil(90) }), 90],
  ["403 with an empty budget for days", () => ({ status: 403, headers: budgetUntil(900_000) }), 3600],
];

function budgetUntil(seconds: number): Record<string, string> {
  const reset = Math.floor(Date.now() / 1000) + seconds;
  return { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(reset) };
}

function isAbout(header: string | null, seconds: number): boolean {
  return Number(header) <= seconds && Number(header) > seconds - 10;
}

describe.each(RUNTIMES)("a claim while GitHub's rate limit lasts (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    await freshGithub(harness);
  });
  afterAll(async () => harness.close());

  test.each(LIMITS)(
    "told by %s is 503 for so long, without another call, and given back",
    async (_, reply, seconds) => {
      const claim = await waiting(harness, 1);
      const told = reply();
      harness.github.reply = () => told;
      const first = await harness.claim(claim, "alloc-1");
      expect(first.status).toBe(503);
      expect(isAbout(first.headers.get("Retry-After"), seconds)).toBe(true);
      harness.github.reply = acceptingGithub();
      const second = await harness.claim(claim, "alloc-1");
      expect(second.status).toBe(503);
      expect(isAbout(second.headers.get("Retry-After"), seconds)).toBe(true);
      expect(registrations(harness)).toBe(1);
      expect(await harness.rows(ROW)).toEqual([{ state: "dispatched", holder: null, registration_id: null }]);
      expect(await harness.rows("SELECT kind FROM problems")).toEqual([{ kind: "rate_limited" }]);
    },
  );

  test("is granted to the same claim where the limit is over", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = () => ({ status: 429, headers: { "Retry-After": "0" } });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    harness.github.reply = acceptingGithub();
    // A limit of no time is taken for a second.
    let status = 0;
    for (let turn = 0; turn < 50 && status !== 201; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      status = (await harness.claim(claim, "alloc-1")).status;
    }
    expect(status).toBe(201);
  });

  test("is granted to the same claim by an isolate that knows of no limit", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = () => ({ status: 429 });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    harness.github.reply = acceptingGithub();
    await rebind(harness, { GITHUB_API_URL: `${harness.github.url}/case-0` });
    await granted(harness, claim, "alloc-1");
  });

  test("that a registration used up refuses the next registration, not the removal of a runner", async () => {
    const claim = await waiting(harness, 1);
    const rest = acceptingGithub();
    harness.github.reply = async (request) => {
      const reply = await rest(request);
      return typeof reply === "string" ? reply : { ...reply, headers: budgetUntil(90) };
    };
    await granted(harness, claim, "alloc-1");
    const next = await waiting(harness, 2);
    const response = await harness.claim(next, "alloc-2");
    expect(response.status).toBe(503);
    expect(isAbout(response.headers.get("Retry-After"), 90)).toBe(true);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(asked(harness).map((one) => one.split(" ")[0])).toEqual(["POST", "DELETE"]);
  });

  test("that is a secondary one keeps a runner's release, too: 503, and nothing is forgotten", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim, "alloc-1");
    const next = await waiting(harness, 2);
    harness.github.reply = () => ({ status: 429, headers: { "Retry-After": "40" } });
    expect((await harness.claim(next, "alloc-2")).status).toBe(503);
    harness.github.reply = acceptingGithub();
    const response = await harness.release(claim, "alloc-1");
    expect(response.status).toBe(503);
    expect(isAbout(response.headers.get("Retry-After"), 40)).toBe(true);
    expect(asked(harness)).toHaveLength(2);
    expect(await harness.rows(`${ROW} WHERE job_id = 1`)).toEqual([
      { state: "claimed", holder: "alloc-1", registration_id: 101 },
    ]);
    await rebind(harness, { GITHUB_API_URL: `${harness.github.url}/case-0` });
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
  });
});
