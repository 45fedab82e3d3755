import { type GithubStandIn, startGithub } from "../../local/github/github";
import { APP_KEYS, type Answer, appJwt, ask, nowSeconds } from "./support/github-client";

describe("what Terraform's provider looks up at the GitHub stand-in", () => {
  let github: GithubStandIn;
  const get = (path: string, token = "deployer"): Promise<Answer> =>
    ask(github, token, "GET", `/api/v3${path}`);
  const search = (query: string, more = "", token = "deployer"): Promise<Answer> =>
    get(`/search/repositories?q=${encodeURIComponent(query)}&sort=updated&per_page=100${more}`, token);
  const items = ({ json }: Answer): readonly string[] =>
    (json["items"] as readonly { full_name: string }[]).map((it) => it.full_name);
  const names = async (query: string, token = "deployer"): Promise<readonly string[]> =>
    [...items(await search(query, "", token))].sort();

  beforeAll(async () => {
    github = await startGithub({
      tokens: [
        { token: "deployer", owner: "octo-org", permissions: ["webhooks"] },
        { token: "of-someone", owner: "someone", permissions: ["webhooks"] },
      ],
      apps: [
        { appId: "7", publicKey: APP_KEYS.publicKey, accounts: ["octo-org"], permissions: ["webhooks"] },
      ],
    });
    const organization = true;
    github.addRepository({ fullName: "octo-org/private", organization, topics: ["ci"] });
    github.addRepository({ fullName: "octo-org/public", organization, private: false, topics: ["ci", "x"] });
    github.addRepository({ fullName: "octo-org/fork", organization, private: false, fork: true });
    github.addRepository({ fullName: "octo-org/old", organization, archived: true, topics: ["ci"] });
    github.addRepository({ fullName: "someone/tool", private: false });
    github.addRepository({ fullName: "someone/hidden" });
    for (let index = 0; index < 1_020; index += 1) {
      github.addRepository({ fullName: `crowd/r${String(index)}`, private: false });
    }
  });
  afterAll(() => github.close());

  test.each([
    ["user:octo-org", ["octo-org/old", "octo-org/private", "octo-org/public"]],
    ["org:OCTO-ORG archived:false", ["octo-org/private", "octo-org/public"]],
    ["user:octo-org archived:true", ["octo-org/old"]],
    ["user:octo-org archived:false fork:true", ["octo-org/fork", "octo-org/private", "octo-org/public"]],
    ["user:octo-org fork:only", ["octo-org/fork"]],
    ["user:octo-org topic:ci archived:false", ["octo-org/private", "octo-org/public"]],
    ["user:octo-org topic:x", ["octo-org/public"]],
    ["user:octo-org topic:none", []],
    ["user:octo-org is:public fork:true", ["octo-org/fork", "octo-org/public"]],
    ["user:octo-org is:private archived:false", ["octo-org/private"]],
    ["user:someone", ["someone/tool"]],
  ])("the search %j finds what fits it and what the caller may see", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test("private repositories are found by their owner's token", async () => {
    expect(await names("user:someone", "of-someone")).toEqual(["someone/hidden", "someone/tool"]);
  });

  test.each([
    "user:nobody-here",
    "user:octo-org language:ts",
    "runners user:octo-org",
    "user:octo-org is:internal",
    "user:octo-org fork:maybe",
    `user:octo-org topic:${"x".repeat(256)}`,
  ])("the search %j is 422", async (query) => {
    expect((await search(query)).status).toBe(422);
  });

  test("results come in another order each time", async () => {
    const first = items(await search("user:octo-org"));
    const second = items(await search("user:octo-org"));
    expect(second).not.toEqual(first);
    expect([...second].sort()).toEqual([...first].sort());
  });

  test("results come in pages by Link, each repository once, 1,000 at most of all that were counted", async () => {
    const found: string[] = [];
    let page = await search("user:crowd");
    expect(page.json["total_count"]).toBe(1_020);
    for (let turn = 0; turn < 20; turn += 1) {
      found.push(...items(page));
      const next = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
      if (next === undefined) break;
      page = await get(next.slice(`${github.url}/api/v3`.length));
    }
    expect(found).toHaveLength(1_000);
    expect(new Set(found).size).toBe(1_000);
    expect((await search("user:crowd", "&page=11")).status).toBe(422);
  });

  test("an organization is one, a user is none", async () => {
    expect((await get("/orgs/octo-org")).json).toMatchObject({ login: "octo-org", type: "Organization" });
    expect((await get("/orgs/someone")).status).toBe(404);
    expect((await get("/users/someone")).json).toMatchObject({ login: "someone", type: "User" });
    expect((await get("/users/nobody-here")).status).toBe(404);
  });

  test("a token knows its user; an App's installation has none", async () => {
    expect((await get("/user", "of-someone")).json).toMatchObject({ login: "someone", type: "User" });
    const jwt = appJwt({ iss: "7", iat: nowSeconds() - 60, exp: nowSeconds() + 240 });
    const { json } = await get("/orgs/octo-org/installation", jwt);
    expect(github.installations()).toEqual([{ id: json["id"], appId: "7", account: "octo-org" }]);
    const path = `/api/v3/app/installations/${String(json["id"])}/access_tokens`;
    // As the provider does: no body.
    const made = await ask(github, jwt, "POST", path);
    expect(made.status).toBe(201);
    expect(made.json["permissions"]).toEqual({ repository_hooks: "write", metadata: "read" });
    const token = String(made.json["token"]);
    expect((await get("/user", token)).status).toBe(403);
    expect((await get("/repos/octo-org/private/hooks", token)).status).toBe(200);
    expect((await get("/orgs/octo-org/hooks", token)).status).toBe(403);
    expect((await get("/repos/octo-org/private/actions/runners", token)).status).toBe(403);
  });

  test("a repository is told with what decides about runners, a private one to its owner's tokens only", async () => {
    expect((await get("/repos/octo-org/public")).json).toMatchObject({
      full_name: "octo-org/public",
      private: false,
      visibility: "public",
      fork: false,
      archived: false,
      topics: ["ci", "x"],
      owner: { login: "octo-org", type: "Organization" },
    });
    expect((await get("/repos/octo-org/private", "of-someone")).status).toBe(404);
    expect((await get("/repos/octo-org/nothing")).status).toBe(404);
  });
});
