import { type GithubStandIn, startGithub } from "../../local/github/github";
import { JIT_PATH, REPOSITORY, ask, listenerToken, registration } from "./support/github-client";

const RUNNERS = `/repos/${REPOSITORY}/actions/runners`;

describe("self-hosted runners of the GitHub stand-in", () => {
  let github: GithubStandIn;
  const call = (method: string, path: string, body?: unknown) => ask(github, "pat", method, path, body);

  beforeEach(async () => {
    github = await startGithub({
      tokens: [{ token: "pat", owner: "octo-org" }],
      settings: { registrationLimit: 4 },
    });
    github.addRepository({ fullName: REPOSITORY, organization: true });
    github.addRepository({ fullName: "octo-org/second" });
  });
  afterEach(() => github.close());

  test("a JIT config registers an offline runner with exactly the labels given", async () => {
    const { status, json } = await call("POST", JIT_PATH, registration("one", ["Self-Hosted", "x"]));
    expect(status).toBe(201);
    const runner = json["runner"] as Record<string, unknown>;
    expect(runner).toMatchObject({ name: "one", status: "offline", busy: false, runner_group_id: 1 });
    expect((runner["labels"] as { name: string }[]).map(({ name }) => name)).toEqual(["Self-Hosted", "x"]);
    expect(listenerToken(json["encoded_jit_config"])).toMatch(/^[0-9a-f-]{36}$/);
    expect(github.runners()).toEqual([
      expect.objectContaining({ name: "one", scope: REPOSITORY, online: false, busy: false }),
    ]);
  });

  test("the base may end in /api/v3, as on GitHub Enterprise Server", async () => {
    expect((await call("POST", `/api/v3${JIT_PATH}`, registration("one"))).status).toBe(201);
  });

  test("a used name is 409, whatever its case; in another scope it is free", async () => {
    expect((await call("POST", JIT_PATH, registration("one"))).status).toBe(201);
    const again = await call("POST", JIT_PATH, registration("ONE"));
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({
      message: expect.stringContaining("Already exists") as unknown,
      status: "409",
    });
    const organization = "/orgs/octo-org/actions/runners/generate-jitconfig";
    expect((await call("POST", organization, registration("one"))).status).toBe(201);
  });

  test.each([
    ["without a name", { runner_group_id: 1, labels: ["a"] }],
    ["with a name of 65 characters", registration("n".repeat(65))],
    ["without a group", { name: "n", labels: ["a"] }],
    ["without labels", { name: "n", runner_group_id: 1 }],
    ["with no label", registration("n", [])],
    [
      "with 101 labels",
      registration(
        "n",
        Array.from({ length: 101 }, (_, index) => `l${String(index)}`),
      ),
    ],
    ["with a label that is no text", { name: "n", runner_group_id: 1, labels: [1] }],
  ])("a registration %s is 422 and registers nothing", async (_what, body) => {
    const answer = await call("POST", JIT_PATH, body);
    expect(answer.status).toBe(422);
    expect(answer.json["errors"]).toHaveLength(1);
    expect(github.runners()).toEqual([]);
  });

  test("an unknown repository, organization or runner group is 404, a body that is not JSON 400", async () => {
    const unknown = [
      "/repos/octo-org/nope/actions/runners/generate-jitconfig",
      "/orgs/nope/actions/runners/generate-jitconfig",
    ];
    for (const path of unknown) expect((await call("POST", path, registration("a"))).status).toBe(404);
    expect((await call("POST", JIT_PATH, { ...registration("a"), runner_group_id: 9 })).status).toBe(404);
    expect((await call("POST", JIT_PATH, "{")).status).toBe(400);
  });

  test("registrations above the limit are refused with the time of the next", async () => {
    for (const name of ["a", "b", "c", "d"])
      expect((await call("POST", JIT_PATH, registration(name))).status).toBe(201);
    const refused = await call("POST", JIT_PATH, registration("e"));
    expect(refused.status).toBe(403);
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(Number(refused.headers.get("x-ratelimit-reset"))).toBeGreaterThan(Date.now() / 1000);
    expect(refused.headers.get("x-ratelimit-resource")).toBe("actions_runner_registration");
  });

  test("runners are listed by page and by name, and only those of the scope", async () => {
    for (const name of ["a", "b", "c"]) await call("POST", JIT_PATH, registration(name));
    await call("POST", "/orgs/octo-org/actions/runners/generate-jitconfig", registration("z"));
    const names = async (query: string): Promise<unknown> => {
      const { json } = await call("GET", `${RUNNERS}${query}`);
      return [json["total_count"], (json["runners"] as { name: string }[]).map(({ name }) => name)];
    };
    expect(await names("")).toEqual([3, ["a", "b", "c"]]);
    expect(await names("?per_page=2&page=2")).toEqual([3, ["c"]]);
    expect(await names("?name=b")).toEqual([1, ["b"]]);
    expect(await names("?name=z")).toEqual([0, []]);
  });

  test("a runner is read and deleted once, in its own scope only", async () => {
    const { json } = await call("POST", JIT_PATH, registration("one"));
    const id = String((json["runner"] as { id: number }).id);
    expect((await call("GET", `${RUNNERS}/${id}`)).json).toMatchObject({ name: "one" });
    expect((await call("GET", `/repos/octo-org/second/actions/runners/${id}`)).status).toBe(404);
    expect((await call("DELETE", `/repos/octo-org/second/actions/runners/${id}`)).status).toBe(404);
    expect((await call("DELETE", `${RUNNERS}/${id}`)).status).toBe(204);
    expect((await call("DELETE", `${RUNNERS}/${id}`)).status).toBe(404);
    expect((await call("GET", `${RUNNERS}/${id}`)).status).toBe(404);
  });

  test("answers carry what is left of the rate limit", async () => {
    const { headers } = await call("GET", RUNNERS);
    expect(headers.get("x-ratelimit-resource")).toBe("core");
    expect(Number(headers.get("x-ratelimit-remaining"))).toBeGreaterThan(0);
  });
});
