import { type GithubStandIn, startGithub } from "../../local/github/github";
import {
  APP_KEYS,
  JIT_PATH,
  REPOSITORY,
  appJwt,
  ask,
  nowSeconds,
  registration,
} from "./support/github-client";

describe("who may call the GitHub stand-in", () => {
  let github: GithubStandIn;
  const installation = `/repos/${REPOSITORY}/installation`;

  beforeAll(async () => {
    github = await startGithub({
      tokens: [
        { token: "pat", owner: "octo-org" },
        { token: "pat-of-another", owner: "someone" },
        { token: "pat-actions-only", owner: "octo-org", permissions: ["actions"] },
      ],
      apps: [{ appId: "7", publicKey: APP_KEYS.publicKey, accounts: ["octo-org"] }],
    });
    github.addRepository({ fullName: REPOSITORY, organization: true });
    github.addRepository({ fullName: "octo-org/second" });
  });
  afterAll(() => github.close());

  const jwt = (change: Partial<{ iss: string; iat: number; exp: number }> = {}): string =>
    appJwt({ iss: "7", iat: nowSeconds() - 60, exp: nowSeconds() + 540, ...change });

  test("a request without a User-Agent is 403, whatever its credential", async () => {
    const answer = await ask(github, "pat", "GET", `/repos/${REPOSITORY}/actions/runners`, undefined, {
      "User-Agent": "",
    });
    expect(answer.status).toBe(403);
  });

  test.each([
    ["an unknown token", "nobody's"],
    ["no token", ""],
  ])("%s is 401", async (_what, token) => {
    expect((await ask(github, token, "GET", `/repos/${REPOSITORY}/actions/runners`)).status).toBe(401);
  });

  test("a token of the owner may register a runner, one of another owner finds nothing", async () => {
    expect((await ask(github, "pat", "POST", JIT_PATH, registration("a"))).status).toBe(201);
    expect((await ask(github, "pat-of-another", "POST", JIT_PATH, registration("b"))).status).toBe(404);
  });

  test("a token without the permission is 403", async () => {
    expect((await ask(github, "pat-actions-only", "POST", JIT_PATH, registration("c"))).status).toBe(403);
    expect((await ask(github, "pat-actions-only", "GET", `/repos/${REPOSITORY}/hooks`)).status).toBe(403);
    expect((await ask(github, "pat-actions-only", "GET", `/repos/${REPOSITORY}/actions/runs`)).status).toBe(
      200,
    );
  });

  test("an App's JWT finds the installation and buys a long token that works for every repository of the account", async () => {
    for (const path of [installation, "/orgs/octo-org/installation", "/users/octo-org/installation"]) {
      expect((await ask(github, jwt(), "GET", path)).status).toBe(200);
    }
    const { json } = await ask(github, jwt(), "GET", installation);
    const made = await ask(github, jwt(), "POST", `/app/installations/${String(json["id"])}/access_tokens`);
    expect(made.status).toBe(201);
    const token = String(made.json["token"]);
    expect(token.length).toBeGreaterThan(100);
    expect(Date.parse(String(made.json["expires_at"]))).toBeGreaterThan(Date.now());
    expect((await ask(github, token, "POST", JIT_PATH, registration("d"))).status).toBe(201);
    expect((await ask(github, token, "GET", "/repos/octo-org/second/actions/runners")).status).toBe(200);
    github.revokeTokens();
    expect((await ask(github, token, "POST", JIT_PATH, registration("e"))).status).toBe(401);
  });

  test.each([
    ["of another App", () => jwt({ iss: "8" })],
    ["that is over", () => jwt({ exp: nowSeconds() - 1 })],
    ["made in the future", () => jwt({ iat: nowSeconds() + 300 })],
    ["that lives for longer than ten minutes", () => jwt({ exp: nowSeconds() + 900 })],
    [
      "with another algorithm",
      () => appJwt({ iss: "7", iat: nowSeconds() - 60, exp: nowSeconds() + 540 }, "none"),
    ],
    [
      "whose claims were changed",
      () => jwt().replace(/\.[^.]+\./, `.${Buffer.from('{"iss":"7"}').toString("base64url")}.`),
    ],
    ["without a signature", () => jwt().replace(/\.[^.]+$/, ".")],
    ["that is not one", () => "a.b.c"],
  ])("a JWT %s is 401", async (_what, make) => {
    expect((await ask(github, make(), "GET", installation)).status).toBe(401);
  });

  test("an installation is not found where the App is not installed, and takes no personal token", async () => {
    expect((await ask(github, jwt(), "GET", "/users/someone/installation")).status).toBe(404);
    expect((await ask(github, jwt(), "POST", "/app/installations/99999/access_tokens")).status).toBe(404);
    expect((await ask(github, "pat", "GET", installation)).status).toBe(401);
  });

  test("a token that was revoked is 401", async () => {
    github.revokeTokens("pat-of-another");
    expect((await ask(github, "pat-of-another", "GET", `/repos/${REPOSITORY}/actions/runners`)).status).toBe(
      401,
    );
  });
});
