import { type AppGithub, appGithub, appKey } from "../support/app-github";
import { asked, claimOf, freshGithub, granted, policyWith, waiting } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const KEY = appKey();
const APP = { id: "12345", key: KEY };
const LOOKUP = "GET /repos/octo-org/example/installation";
const TOKEN = "POST /app/installations/7/access_tokens";

const jit = (scope: string) => `POST /repos/${scope}/actions/runners/generate-jitconfig`;
const authorized = (harness: Harness, end: string) =>
  harness.github.seen.filter((one) => one.path.endsWith(end)).map((one) => one.headers.authorization);

async function nextSecond(): Promise<void> {
  const now = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 1010 - (now % 1000)));
}

describe.each(RUNTIMES)("a GitHub App (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  /** The Worker as this App, with nothing remembered, and a GitHub that has it installed at two owners. */
  const install = async (key = KEY.pkcs1, policy: typeof POLICY = POLICY): Promise<AppGithub> => {
    await freshGithub(harness, {
      GITHUB_TOKEN: undefined,
      GITHUB_APP_ID: APP.id,
      GITHUB_APP_PRIVATE_KEY: key,
      RUNNER_POLICY: policy,
    });
    return appGithub(harness, APP, { "octo-org": 7, me: 8 });
  };

  test.each([
    ["PKCS#1, as GitHub hands it out", KEY.pkcs1],
    ["PKCS#8", KEY.pkcs8],
    ["PKCS#1 with \\n for its line breaks", KEY.pkcs1.replaceAll("\n", "\\n")],
    ["PKCS#8 with CRLF", KEY.pkcs8.replaceAll("\n", "\r\n")],
  ])("with a key in %s registers a runner by an installation token", async (_, key) => {
    const github = await install(key);
    await granted(harness, await waiting(harness, 1));
    expect(asked(harness)).toEqual([LOOKUP, TOKEN, jit("octo-org/example")]);
    expect([github.jwts.size, github.made.length]).toEqual([1, 1]);
    expect(authorized(harness, "/generate-jitconfig")).toEqual([`Bearer ${github.made[0] ?? ""}`]);
  });

  test("uses one JWT and one installation token over claims, releases and repositories of an owner", async () => {
    const github = await install();
    const claims = [];
    for (const [id, repository] of [
      [1, "octo-org/example"],
      [2, "octo-org/other"],
      [3, "Octo-Org/Third"],
    ] as const) {
      claims.push(await waiting(harness, id, repository));
    }
    for (const claim of claims) await granted(harness, claim);
    for (const claim of claims) await harness.release(claim);
    expect([github.jwts.size, github.made.length]).toEqual([1, 1]);
    expect(asked(harness).slice(0, 5)).toEqual([
      LOOKUP,
      TOKEN,
      jit("octo-org/example"),
      jit("octo-org/other"),
      jit("Octo-Org/Third"),
    ]);
    expect(asked(harness)).toHaveLength(8);
  });

  test("has two installations at two owners, and never shows one's token to the other", async () => {
    const github = await install();
    const claims = [
      await waiting(harness, 1),
      await waiting(harness, 2, "me/tool"),
      await waiting(harness, 3),
      await waiting(harness, 4, "me/tool"),
    ];
    await granted(harness, claims[0] ?? "");
    // A JWT made in the same second would be the same text.
    await nextSecond();
    for (const claim of claims.slice(1)) await granted(harness, claim);
    expect(asked(harness).filter((one) => !one.endsWith("/generate-jitconfig"))).toEqual([
      LOOKUP,
      TOKEN,
      "GET /repos/me/tool/installation",
      "POST /app/installations/8/access_tokens",
    ]);
    expect([github.jwts.size, github.made.length]).toEqual([1, 2]);
    const [first = "", second = ""] = github.made;
    const used = [first, second, first, second].map((token) => `Bearer ${token}`);
    expect(authorized(harness, "/generate-jitconfig")).toEqual(used);
  });

  test("claims that come at once for one owner are all granted", async () => {
    await install();
    const claims = [];
    for (const id of [1, 2, 3, 4]) claims.push(await waiting(harness, id));
    const answers = await Promise.all(claims.map(async (claim) => harness.claim(claim)));
    expect(answers.map((one) => one.status)).toEqual([201, 201, 201, 201]);
  });

  test("in organization scope is looked up at the organization", async () => {
    const policy = { ...policyWith({}), scope: "organization", repositories: ["octo-org/*"] };
    await install(KEY.pkcs8, policy);
    await harness.deliver(workflowJob({ id: 1, organization: "octo-org" }));
    await granted(harness, claimOf(harness, "1:1"));
    expect(asked(harness)).toEqual([
      "GET /orgs/octo-org/installation",
      TOKEN,
      "POST /orgs/octo-org/actions/runners/generate-jitconfig",
    ]);
  });

  test("that is not installed is 502 with the claim given back, and granted once it is", async () => {
    const github = await install();
    github.installed.clear();
    const claim = await waiting(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(502);
    expect(await harness.rows("SELECT kind, detail FROM problems")).toEqual([
      { kind: "refused", detail: expect.stringContaining("is the GitHub App installed there?") as string },
    ]);
    github.installed.set("octo-org", 9);
    await granted(harness, claim, "alloc-1");
  });

  test("whose installation moved, or whose token was revoked, gets both anew within the same claim", async () => {
    const github = await install();
    await granted(harness, await waiting(harness, 1));
    github.revoked.add(github.made[0] ?? "");
    await granted(harness, await waiting(harness, 2));
    expect(github.made).toHaveLength(2);
    expect(github.jwts.size).toBe(1);
  });

  test("that is not installed where a runner is released is 503: nothing says that its registration is gone", async () => {
    const github = await install();
    const claim = await waiting(harness, 1);
    await granted(harness, claim);
    github.installed.clear();
    github.made.length = 0;
    expect((await harness.release(claim)).status).toBe(503);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "claimed" }]);
  });

  test.each([
    ["of another App", appKey().pkcs8, 502, 1],
    ["that is none", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", 503, 0],
  ])("with a key %s gets no runner, and the claim is given back", async (_, key, status, calls) => {
    const github = await install(key);
    const claim = await waiting(harness, 1);
    expect((await harness.claim(claim)).status).toBe(status);
    expect([asked(harness).length, github.made.length]).toEqual([calls, 0]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "dispatched" }]);
  });

  test("goes before a token when both are bound", async () => {
    await freshGithub(harness, { GITHUB_APP_ID: APP.id, GITHUB_APP_PRIVATE_KEY: KEY.pkcs8 });
    const github = appGithub(harness, APP, { "octo-org": 7 });
    await granted(harness, await waiting(harness, 1));
    expect(github.made).toHaveLength(1);
  });
});
