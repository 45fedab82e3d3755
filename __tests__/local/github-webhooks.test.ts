import { type GithubStandIn, startGithub } from "../../local/github/github";
import { signature256 } from "../../local/github/sign";
import { REPOSITORY, ask } from "./support/github-client";
import { type Received, type Receiver, startReceiver } from "./support/receiver";

const SECRET = "It's a Secret to Everybody";
const HOOKS = `/repos/${REPOSITORY}/hooks`;

interface Payload {
  readonly action: string;
  readonly workflow_job: Record<string, unknown>;
  readonly repository: Record<string, unknown>;
  readonly deployment?: unknown;
}

describe("webhooks of the GitHub stand-in", () => {
  let github: GithubStandIn;
  let receiver: Receiver;
  const call = (method: string, path: string, body?: unknown) => ask(github, "pat", method, path, body);
  const payload = (received: Received | undefined): Payload => JSON.parse(received?.body ?? "{}") as Payload;
  const queue = (more = {}) =>
    github.queueJob({ repository: REPOSITORY, labels: ["self-hosted", "Linux"], ...more });

  beforeEach(async () => {
    receiver = await startReceiver();
    github = await startGithub({
      tokens: [{ token: "pat", owner: "octo-org" }],
      settings: { deliveryTimeoutMs: 300 },
    });
    github.addRepository({ fullName: REPOSITORY });
    github.addHook({ target: REPOSITORY, url: receiver.url, secret: SECRET });
  });
  afterEach(async () => {
    await github.close();
    await receiver.close();
  });

  test("signs as GitHub's own example does", () => {
    const expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    expect(signature256(SECRET, "Hello, World!")).toBe(expected);
    expect(signature256("another", "Hello, World!")).not.toBe(expected);
  });

  test("a queued job is delivered signed, with GitHub's headers and its own example as the payload", async () => {
    const job = await queue({ name: "build" });
    const [received] = receiver.received;
    expect(received?.headers.get("x-github-event")).toBe("workflow_job");
    expect(received?.headers.get("x-github-delivery")).toMatch(/^[0-9a-f-]{36}$/);
    expect(received?.headers.get("content-type")).toBe("application/json");
    expect(received?.headers.get("user-agent")).toMatch(/^GitHub-Hookshot\//);
    expect(received?.headers.get("x-github-hook-installation-target-type")).toBe("repository");
    expect(received?.headers.get("x-hub-signature-256")).toBe(signature256(SECRET, received?.body ?? ""));
    const { action, workflow_job: told, repository, ...rest } = payload(received);
    expect(action).toBe("queued");
    expect(told).toMatchObject({
      id: job.id,
      run_id: job.runId,
      name: "build",
      status: "queued",
      conclusion: null,
      labels: ["self-hosted", "Linux"],
      runner_id: null,
      runner_name: null,
    });
    expect(told).toHaveProperty("check_run_url");
    expect(repository).toMatchObject({
      full_name: REPOSITORY,
      private: true,
      visibility: "private",
      fork: false,
    });
    expect(rest).toHaveProperty("sender");
    expect(received?.body).not.toContain("Codertocat/Hello-World");
  });

  test("a job behind an approval gate comes as waiting, and is queued when it is approved", async () => {
    const job = await queue({ waiting: true });
    const told = receiver.received
      .map(payload)
      .map(({ action, workflow_job: { status } }) => [action, status]);
    expect(told.sort()).toEqual([
      ["queued", "waiting"],
      ["waiting", "waiting"],
    ]);
    expect(receiver.received.map(payload).some((it) => it.deployment !== undefined)).toBe(true);
    await github.approve(job.id);
    expect(payload(receiver.received[2])).toMatchObject({
      action: "queued",
      workflow_job: { status: "queued", id: job.id },
    });
    await expect(github.approve(job.id)).rejects.toThrow("is queued");
  });

  test("a cancelled job that waited completes without a runner", async () => {
    const job = await queue();
    await github.cancelJob(job.id);
    expect(payload(receiver.received[1])).toMatchObject({
      action: "completed",
      workflow_job: { status: "completed", conclusion: "cancelled", runner_name: null },
    });
    await expect(github.cancelJob(job.id)).rejects.toThrow("is completed");
  });

  test("a refused delivery is recorded as failed and never repeated by itself; a redelivery has its GUID and its body", async () => {
    receiver.answer(503);
    const job = await queue();
    const [failed] = github.deliveries();
    expect(failed).toMatchObject({ statusCode: 503, redelivery: false, jobId: job.id });
    receiver.answer(202);
    await github.redeliver(failed?.id ?? 0);
    expect(receiver.received).toHaveLength(2);
    const [first, second] = receiver.received;
    expect(second?.headers.get("x-github-delivery")).toBe(first?.headers.get("x-github-delivery"));
    expect(second?.body).toBe(first?.body);
    expect(github.deliveries()[1]).toMatchObject({
      statusCode: 202,
      status: "OK",
      redelivery: true,
      guid: failed?.guid,
    });
  });

  test("a receiver that does not answer in time has failed", async () => {
    receiver.answer(null);
    await queue();
    expect(github.deliveries()[0]).toMatchObject({ statusCode: 504, status: "timed out" });
  });

  test("a receiver that is not there has failed", async () => {
    await receiver.close();
    await queue();
    expect(github.deliveries()[0]).toMatchObject({ statusCode: 502, status: "failed to connect to host" });
  });

  test("deliveries can be lost, doubled under one GUID, and delayed past a later one", async () => {
    github.planDeliveries(() => ({ drop: true }));
    await queue();
    expect(receiver.received).toHaveLength(0);
    expect(github.deliveries()).toHaveLength(0);
    github.planDeliveries(() => ({ copies: 2 }));
    await queue();
    const guids = receiver.received.map(({ headers }) => headers.get("x-github-delivery"));
    expect(guids).toHaveLength(2);
    expect(new Set(guids).size).toBe(1);
    github.planDeliveries(({ action }) => (action === "queued" ? { delayMs: 150 } : {}));
    const late = queue();
    const job = github.jobs().at(-1);
    await github.cancelJob(job?.id ?? 0);
    await late;
    expect(
      receiver.received
        .slice(2)
        .map(payload)
        .map(({ action }) => action),
    ).toEqual(["completed", "queued"]);
  });

  test("a hook made over the API is pinged, hides its secret and defaults to GitHub's form encoding", async () => {
    const config = { url: receiver.url, secret: "s" };
    const made = await call("POST", HOOKS, { events: ["workflow_job"], config });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      config: { content_type: "form", secret: "********" },
      events: ["workflow_job"],
    });
    await github.events.waitFor(
      (event) => event.type === "delivery.answered" && event.delivery.event === "ping",
      "the ping",
    );
    const ping = receiver.received.find(({ headers }) => headers.get("x-github-event") === "ping");
    expect(ping?.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect(ping?.body).toMatch(/^payload=/);
    const listed = await call("GET", HOOKS);
    expect(listed.json).toHaveLength(2);
    expect(JSON.stringify(listed.json)).not.toContain(SECRET);
  });

  test.each([
    ["without a URL", { config: {} }],
    ["with events that are no list", { config: { url: "https://example.test/" }, events: "push" }],
  ])("a hook %s is 422", async (_what, body) => {
    expect((await call("POST", HOOKS, body)).status).toBe(422);
  });

  test("deliveries are paged by cursor, filtered by success and redelivered over the API", async () => {
    receiver.answer(503);
    for (let index = 0; index < 2; index += 1) await queue();
    receiver.answer(202);
    await queue();
    const [hook] = (await call("GET", HOOKS)).json as unknown as { id: number }[];
    const base = `${HOOKS}/${String(hook?.id)}/deliveries`;
    const first = await call("GET", `${base}?per_page=2`);
    const link = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await call("GET", link.slice(github.url.length));
    const ids = [first, second].map(({ json }) => (json as unknown as { id: number }[]).map(({ id }) => id));
    expect(ids.map(({ length }) => length)).toEqual([2, 1]);
    expect(second.headers.get("link")).toBeNull();
    const failed = (await call("GET", `${base}?status=failure`)).json as unknown as {
      id: number;
      guid: string;
    }[];
    expect(failed).toHaveLength(2);
    const one = String(failed[0]?.id);
    expect((await call("GET", `${base}/${one}`)).json).toMatchObject({
      request: { payload: { action: "queued" } },
    });
    expect((await call("POST", `${base}/${one}/attempts`)).status).toBe(202);
    await github.events.waitFor(
      (event) =>
        event.type === "delivery.answered" &&
        event.delivery.redelivery &&
        event.delivery.guid === failed[0]?.guid,
      "the redelivery",
    );
    expect((await call("POST", `${base}/1/attempts`)).status).toBe(404);
    const again = (await call("GET", `${base}?status=success`)).json as unknown as {
      id: number;
      guid: string;
    }[];
    expect(again[0]).toMatchObject({ guid: failed[0]?.guid, redelivery: true, status_code: 202 });
    expect(again[0]?.id).toBeGreaterThan(failed[0]?.id ?? Number.POSITIVE_INFINITY);
  });

  test("a list of deliveries that is the same is answered with 304 to its ETag, and any new one changes it", async () => {
    const [hook] = (await call("GET", HOOKS)).json as unknown as { id: number }[];
    const path = `${HOOKS}/${String(hook?.id)}/deliveries?status=failure`;
    const tag = (await call("GET", path)).headers.get("etag") ?? "";
    expect(tag).toMatch(/^W\/"[0-9a-f]+"$/);
    const list = async () =>
      fetch(github.url + path, {
        headers: { Authorization: "Bearer pat", "User-Agent": "tests", "If-None-Match": tag },
      });
    const same = await list();
    expect([same.status, await same.text(), same.headers.get("etag")]).toEqual([304, "", tag]);
    await queue();
    expect((await list()).status).toBe(304);
    receiver.answer(500);
    await queue();
    expect((await list()).status).toBe(200);
  });

  test.each([
    [202, ["success"]],
    [302, ["success"]],
    [404, ["failure"]],
    [503, ["failure"]],
    [null, ["failure"]],
  ] as const)(
    "a delivery answered %p is listed as %p, and no other word is a status",
    async (code, outcomes) => {
      receiver.answer(code);
      await queue();
      const [hook] = (await call("GET", HOOKS)).json as unknown as { id: number }[];
      const path = `${HOOKS}/${String(hook?.id)}/deliveries?status=`;
      const listed = await Promise.all(
        ["success", "failure"].map(async (one) => (await call("GET", path + one)).json),
      );
      expect(
        ["success", "failure"].filter((_, index) => (listed[index] as unknown as object[]).length > 0),
      ).toEqual(outcomes);
      expect((await call("GET", `${path}failed`)).status).toBe(422);
    },
  );
});
