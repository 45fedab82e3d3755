import { type GithubStandIn, startGithub } from "../../local/github/github";
import { signature256 } from "../../local/github/sign";
import { ask } from "./support/github-client";
import { type Receiver, startReceiver } from "./support/receiver";

const SECRET = "It's a Secret to Everybody";
const PREFIX = "/api/v3";
const REPOSITORY_HOOKS = `${PREFIX}/repos/octo-org/example/hooks`;
const ORGANIZATION_HOOKS = `${PREFIX}/orgs/octo-org/hooks`;
/** An address that only the edge knows. */
const EDGE = "https://hooks.example.test";

interface View {
  readonly id: number;
  readonly url: string;
  readonly config: Readonly<Record<string, unknown>>;
}

describe("webhooks as Terraform's provider makes them at the GitHub stand-in", () => {
  let github: GithubStandIn;
  let receiver: Receiver;
  const call = (method: string, path: string, body?: unknown, headers = {}) =>
    ask(github, "deployer", method, path, body, headers);
  const wish = (more: object = {}, config: object = {}): object => ({
    name: "web",
    active: true,
    events: ["workflow_job"],
    config: { url: `${EDGE}/webhook`, content_type: "json", insecure_ssl: "0", secret: SECRET, ...config },
    ...more,
  });
  const make = async (base = REPOSITORY_HOOKS): Promise<View> =>
    (await call("POST", base, wish())).json as unknown as View;
  const answered = (event: string, action: string | null) =>
    github.events.waitFor(
      (it) => it.type === "delivery.answered" && it.delivery.event === event && it.delivery.action === action,
      `the delivery of ${event}`,
    );

  beforeEach(async () => {
    receiver = await startReceiver();
    github = await startGithub({
      tokens: [
        { token: "deployer", owner: "octo-org", permissions: ["webhooks", "organization_hooks"] },
        { token: "repositories", owner: "octo-org", permissions: ["webhooks"] },
        { token: "runners", owner: "octo-org", permissions: ["administration", "actions"] },
      ],
      settings: { resolve: { [EDGE]: new URL(receiver.url).origin } },
    });
    github.addRepository({ fullName: "octo-org/example", organization: true });
  });
  afterEach(async () => {
    await github.close();
    await receiver.close();
  });

  test.each([
    ["a repository", REPOSITORY_HOOKS, "Repository"],
    ["an organization", ORGANIZATION_HOOKS, "Organization"],
  ])("a hook of %s is made, read, changed and deleted, its secret masked", async (_what, base, type) => {
    const made = await call("POST", base, wish());
    expect(made.status).toBe(201);
    const view = made.json as unknown as View;
    const one = `${base}/${String(view.id)}`;
    expect(view).toMatchObject({ type, name: "web", active: true, events: ["workflow_job"] });
    expect(view.config).toEqual({
      url: `${EDGE}/webhook`,
      content_type: "json",
      insecure_ssl: "0",
      secret: "********",
    });
    expect(view.url).toBe(github.url + one);
    expect((await call("GET", one)).json).toMatchObject({ id: view.id, config: view.config });
    const changed = await call(
      "PATCH",
      one,
      wish({ active: false, events: ["push"] }, { insecure_ssl: "1" }),
    );
    expect(changed.status).toBe(200);
    expect(changed.json).toMatchObject({
      id: view.id,
      active: false,
      events: ["push"],
      config: { insecure_ssl: "1", secret: "********" },
    });
    expect((await call("DELETE", one)).status).toBe(204);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      expect((await call(method, one, method === "PATCH" ? wish() : undefined)).status).toBe(404);
    }
  });

  test("a change whose config has no secret removes it; one without config keeps it", async () => {
    const one = `${REPOSITORY_HOOKS}/${String((await make()).id)}`;
    await call("PATCH", one, { active: true });
    expect((await call("GET", one)).json).toMatchObject({ config: { secret: "********" } });
    await call("PATCH", one, { config: { url: `${EDGE}/webhook`, content_type: "json" } });
    expect((await call("GET", one)).json["config"]).not.toHaveProperty("secret");
    await github.queueJob({ repository: "octo-org/example", labels: ["self-hosted"] });
    expect(receiver.received.at(-1)?.headers.get("x-hub-signature-256")).toBeNull();
  });

  test("the config alone is changed field by field", async () => {
    const one = `${REPOSITORY_HOOKS}/${String((await make()).id)}`;
    const { json } = await call("PATCH", `${one}/config`, { url: `${EDGE}/other` });
    expect(json).toMatchObject({ url: `${EDGE}/other`, content_type: "json", secret: "********" });
    expect((await call("GET", `${one}/config`)).json).toEqual(json);
  });

  test("events are added and removed one by one", async () => {
    const one = `${REPOSITORY_HOOKS}/${String((await make()).id)}`;
    const { json } = await call("PATCH", one, { add_events: ["push"], remove_events: ["workflow_job"] });
    expect(json["events"]).toEqual(["push"]);
  });

  test("after a change the next delivery is signed with the new secret and goes to the new address", async () => {
    const one = `${REPOSITORY_HOOKS}/${String((await make()).id)}`;
    await call("PATCH", one, wish({}, { secret: "another", url: `${EDGE}/other?x=1` }));
    await github.queueJob({ repository: "octo-org/example", labels: ["self-hosted"] });
    const last = receiver.received.at(-1);
    expect(last?.headers.get("x-hub-signature-256")).toBe(signature256("another", last?.body ?? ""));
  });

  test.each([
    ["another one of the same address and event", wish(), "Hook already exists on this repository"],
    ["one without an address", { events: ["workflow_job"], config: {} }, "url must be"],
    ["one whose address is none", wish({}, { url: "hooks.example.test" }), "url must be"],
    ["one without an event", wish({ events: [] }), "events must be"],
  ])("%s is 422", async (_what, body, message) => {
    await make();
    const answer = await call("POST", REPOSITORY_HOOKS, body);
    expect(answer.status).toBe(422);
    expect(answer.json["errors"]).toEqual([
      { resource: "Hook", code: "custom", message: expect.stringContaining(message) as string },
    ]);
    expect(github.inventory().hooks).toHaveLength(1);
  });

  test("two hooks may share an address while their events differ, and not become alike later", async () => {
    await make();
    const other = await call("POST", REPOSITORY_HOOKS, wish({ events: ["push"] }));
    expect(other.status).toBe(201);
    const one = `${REPOSITORY_HOOKS}/${String(other.json["id"])}`;
    expect((await call("PATCH", one, wish())).status).toBe(422);
    expect((await call("PATCH", one, wish({ events: ["push"] }))).status).toBe(200);
  });

  test("the 21st hook of one event is 422, one of another event is not", async () => {
    for (let index = 0; index < 20; index += 1) {
      const made = await call("POST", REPOSITORY_HOOKS, wish({}, { url: `${EDGE}/${String(index)}` }));
      expect(made.status).toBe(201);
    }
    const refused = await call("POST", REPOSITORY_HOOKS, wish());
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.json["errors"])).toContain("cannot have more than 20 hooks");
    expect((await call("POST", REPOSITORY_HOOKS, wish({ events: ["push"] }))).status).toBe(201);
  });

  test("a hook that did not change is 304 for whoever has it, and 200 once it did", async () => {
    const one = `${ORGANIZATION_HOOKS}/${String((await make(ORGANIZATION_HOOKS)).id)}`;
    const tag = (await call("GET", one)).headers.get("etag") ?? "";
    expect(tag).toMatch(/^W\/"/);
    expect((await call("GET", one, undefined, { "If-None-Match": tag })).status).toBe(304);
    await call("PATCH", one, { active: false });
    expect((await call("GET", one, undefined, { "If-None-Match": tag })).status).toBe(200);
  });

  test("a token that registers runners makes no hook, one for repositories none of the organization", async () => {
    const asked = async (token: string, base: string): Promise<number> =>
      (await ask(github, token, "POST", base, wish())).status;
    expect(await asked("runners", REPOSITORY_HOOKS)).toBe(403);
    expect(await asked("runners", ORGANIZATION_HOOKS)).toBe(403);
    expect(await asked("repositories", ORGANIZATION_HOOKS)).toBe(403);
    expect(await asked("repositories", REPOSITORY_HOOKS)).toBe(201);
  });

  test("an archived repository's hooks stay as they are", async () => {
    github.addRepository({ fullName: "octo-org/new", organization: true });
    const base = `${PREFIX}/repos/octo-org/new/hooks`;
    const one = `${base}/${String((await make(base)).id)}`;
    github.addRepository({ fullName: "octo-org/new", organization: true, archived: true });
    expect((await call("POST", base, wish({ events: ["push"] }))).status).toBe(403);
    expect((await call("PATCH", one, wish())).status).toBe(403);
    expect((await call("DELETE", one)).status).toBe(403);
    expect((await call("GET", one)).status).toBe(200);
  });

  test("a hook is pinged and delivers, signed, to where its address is served, under its own Host", async () => {
    await make();
    await answered("ping", null);
    await github.queueJob({ repository: "octo-org/example", labels: ["self-hosted"] });
    expect(receiver.received).toHaveLength(2);
    for (const { headers, body } of receiver.received) {
      expect(headers.get("host")).toBe("hooks.example.test");
      expect(headers.get("x-hub-signature-256")).toBe(signature256(SECRET, body));
    }
    expect(github.deliveries().map(({ status }) => status)).toEqual(["OK", "OK"]);
  });

  test("an address that is neither on loopback nor known is never called", async () => {
    for (const url of ["https://elsewhere.example.test/webhook", "http://192.0.2.1/webhook"]) {
      github.addHook({ target: "octo-org/example", url, secret: SECRET });
    }
    await github.queueJob({ repository: "octo-org/example", labels: ["self-hosted"] });
    expect(github.deliveries().map(({ status, statusCode }) => [status, statusCode])).toEqual([
      ["failed to connect to host", 502],
      ["failed to connect to host", 502],
    ]);
  });

  test("the inventory tells of hooks and runners that are left, and of no secret", async () => {
    expect(github.inventory()).toEqual({ hooks: [], groups: [], runners: [] });
    const { id } = await make();
    const path = `${PREFIX}/repos/octo-org/example/actions/runners/generate-jitconfig`;
    await ask(github, "runners", "POST", path, { name: "r-1", runner_group_id: 1, labels: ["self-hosted"] });
    const { hooks, runners } = github.inventory();
    expect(hooks).toEqual([
      {
        id,
        target: "octo-org/example",
        url: `${EDGE}/webhook`,
        events: ["workflow_job"],
        active: true,
      },
    ]);
    expect(runners).toEqual([expect.objectContaining({ name: "r-1", scope: "octo-org/example" })]);
    expect(JSON.stringify(github.inventory())).not.toContain(SECRET);
  });
});
