import { type GithubStandIn, startGithub } from "../../local/github/github";
import { GithubState } from "../../local/github/state";
import type { RunnerGroup } from "../../local/github/types";
import { ask, registration } from "./support/github-client";

const GROUPS = "/orgs/octo-org/actions/runner-groups";
const JIT = "/orgs/octo-org/actions/runners/generate-jitconfig";

describe("runner groups of the GitHub stand-in", () => {
  let github: GithubStandIn;
  const call = (method: string, path: string, body?: unknown, token = "pat") =>
    ask(github, token, method, path, body);
  const repositoryId = async (fullName: string): Promise<number> =>
    (await call("GET", `/repos/${fullName}`)).json["id"] as number;
  const make = async (body: object): Promise<number> => {
    const made = await call("POST", GROUPS, body);
    expect(made.status).toBe(201);
    return made.json["id"] as number;
  };

  beforeEach(async () => {
    github = await startGithub({
      tokens: [
        { token: "pat", owner: "octo-org" },
        { token: "webhooks", owner: "octo-org", permissions: ["webhooks", "organization_hooks"] },
        { token: "free", owner: "free-org" },
        { token: "other", owner: "other-org" },
      ],
      settings: { plans: { "Octo-Org": "team", "other-org": "enterprise" } },
    });
    for (const fullName of ["octo-org/app", "octo-org/tool", "free-org/app", "other-org/app"]) {
      github.addRepository({ fullName, organization: true });
    }
    github.addRepository({ fullName: "octo-org/site", organization: true, private: false });
  });
  afterEach(() => github.close());

  test("an organization's plan is told to those who act for it, and is free unless it is another", async () => {
    expect((await call("GET", "/orgs/octo-org")).json).toMatchObject({ plan: { name: "team" } });
    expect((await call("GET", "/orgs/free-org", undefined, "free")).json).toMatchObject({
      plan: { name: "free" },
    });
    for (const token of ["free", "webhooks"]) {
      expect((await call("GET", "/orgs/octo-org", undefined, token)).json).not.toHaveProperty("plan");
    }
  });

  test("a group is made with what was asked for, read back, changed and deleted", async () => {
    const [app, tool] = [await repositoryId("octo-org/app"), await repositoryId("octo-org/tool")];
    const body = { name: "on demand", visibility: "selected", selected_repository_ids: [app] };
    const id = await make({ ...body, allows_public_repositories: false, restricted_to_workflows: false });
    const path = `${GROUPS}/${String(id)}`;
    expect((await call("GET", path)).json).toMatchObject({
      id,
      name: "on demand",
      visibility: "selected",
      default: false,
      inherited: false,
      allows_public_repositories: false,
      restricted_to_workflows: false,
      selected_workflows: [],
      runners_url: expect.stringContaining(
        `/orgs/octo-org/actions/runner-groups/${String(id)}/runners`,
      ) as unknown,
    });
    expect((await call("PATCH", path, { name: "renamed" })).json).toMatchObject({
      name: "renamed",
      visibility: "selected",
    });
    expect((await call("PUT", `${path}/repositories`, { selected_repository_ids: [tool] })).status).toBe(204);
    const { json } = await call("GET", `${path}/repositories`);
    expect(json).toMatchObject({ total_count: 1, repositories: [{ id: tool, full_name: "octo-org/tool" }] });
    expect(github.inventory().groups).toHaveLength(1);
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("GET", path)).status).toBe(404);
    expect(github.inventory().groups).toEqual([]);
  });

  test("on the free plan there is none to make, to read or to delete", async () => {
    const groups = GROUPS.replace("octo-org", "free-org");
    expect((await call("POST", groups, { name: "g" }, "free")).status).toBe(404);
    for (const method of ["GET", "DELETE"]) {
      expect((await call(method, `${groups}/1`, undefined, "free")).status).toBe(404);
    }
    expect(github.inventory().groups).toEqual([]);
  });

  test("a group is neither another organization's nor for a token without the permission", async () => {
    const id = await make({ name: "g" });
    expect((await call("GET", `${GROUPS}/${String(id)}`, undefined, "other")).status).toBe(404);
    const elsewhere = `/orgs/other-org/actions/runner-groups/${String(id)}`;
    expect((await call("GET", elsewhere, undefined, "other")).status).toBe(404);
    expect((await call("POST", GROUPS, { name: "h" }, "webhooks")).status).toBe(403);
  });

  test.each([
    ["without a name", { visibility: "all" }],
    ["for nobody", { name: "g", visibility: "none" }],
    ["with a repository's name for its id", { name: "g", selected_repository_ids: ["app"] }],
    ["with no list of workflows", { name: "g", selected_workflows: "ci.yml" }],
    ["that is public by a word", { name: "g", allows_public_repositories: "yes" }],
    ["that is restricted by a word", { name: "g", restricted_to_workflows: "no" }],
  ])("a group %s is 422, and a name that is there 409", async (_what, body) => {
    expect((await call("POST", GROUPS, body)).status).toBe(422);
    await make({ name: "g" });
    expect((await call("POST", GROUPS, { name: "g" })).status).toBe(409);
    const path = `${GROUPS}/${String(github.inventory().groups[0]?.id)}`;
    expect((await call("PATCH", path, { ...body, name: "name" in body ? body.name : "" })).status).toBe(422);
    expect((await call("PUT", `${path}/repositories`, {})).status).toBe(422);
  });

  test("a runner registers in a group of its own organization only, and falls to the default one with it", async () => {
    const id = await make({ name: "g" });
    const body = { ...registration("one"), runner_group_id: id };
    const elsewhere = JIT.replace("octo-org", "other-org");
    expect((await call("POST", elsewhere, body, "other")).status).toBe(404);
    expect((await call("POST", "/repos/octo-org/app/actions/runners/generate-jitconfig", body)).status).toBe(
      404,
    );
    const made = await call("POST", JIT, body);
    expect(made.json["runner"]).toMatchObject({ runner_group_id: id });
    await call("DELETE", `${GROUPS}/${String(id)}`);
    const { json } = await call("GET", "/orgs/octo-org/actions/runners");
    expect(json["runners"]).toMatchObject([{ name: "one", runner_group_id: 1 }]);
  });
});

describe("a runner group of the GitHub stand-in takes jobs", () => {
  const state = new GithubState({});
  const app = state.addRepository({ fullName: "octo-org/app", organization: true });
  const tool = state.addRepository({ fullName: "octo-org/tool", organization: true });
  const site = state.addRepository({ fullName: "octo-org/site", organization: true, private: false });
  const admitted = (changes: Partial<RunnerGroup>): readonly string[] => {
    state.groups.set(9, {
      ...{ id: 9, organization: "octo-org", name: "g", visibility: "all", repositories: [] },
      ...{ allowsPublicRepositories: false, restrictedToWorkflows: false, selectedWorkflows: [] },
      ...changes,
    });
    return [app, tool, site].filter((it) => state.admits(9, it)).map(({ name }) => name);
  };

  test.each<[string, Partial<RunnerGroup>, readonly string[]]>([
    ["of all private repositories", {}, ["app", "tool"]],
    [
      "of all, public ones too, where it allows those",
      { allowsPublicRepositories: true },
      ["app", "tool", "site"],
    ],
    ["of private ones", { visibility: "private", allowsPublicRepositories: true }, ["app", "tool"]],
    ["of the selected ones", { visibility: "selected", repositories: [tool.id, site.id] }, ["tool"]],
    [
      "of the selected ones, public ones too",
      { visibility: "selected", repositories: [tool.id, site.id], allowsPublicRepositories: true },
      ["tool", "site"],
    ],
  ])("%s", (_what, changes, names) => {
    expect(admitted(changes)).toEqual(names);
  });

  test("of every repository where it is the default one", () => {
    expect([app, tool, site].every((it) => state.admits(1, it))).toBe(true);
  });
});
