import { html, json } from "./support/fetches";
import { API, ASKED, JIT, RUNNER, TOKEN, clientOf, granted } from "./support/github";

const error = (kind: string) => expect.objectContaining({ ok: false, error: kind }) as unknown;
const REPO = "octo-org/example";
const ORG = "octo-org";

describe("a request to GitHub", () => {
  test("carries the token, an agent and the API's version, is bounded in time and follows no redirect", async () => {
    const { github, sent } = clientOf(() => json(200, RUNNER));
    await github.getRunner(REPO, 23);
    expect(sent).toHaveLength(1);
    expect(Object.fromEntries(sent[0]?.headers ?? [])).toEqual({
      accept: "application/vnd.github+json",
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      "user-agent": "nomad-github-runners",
      "x-github-api-version": "2022-11-28",
    });
    expect(sent[0]?.body).toBeNull();
    expect(sent[0]?.init.redirect).toBe("manual");
    expect(sent[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  test.each([
    ["a repository", REPO, "/repos/octo-org/example"],
    ["an organization", ORG, "/orgs/octo-org"],
  ])("about runners goes to %s", async (_, scope, base) => {
    const { github, sent } = clientOf(({ method, url }) => {
      if (method === "POST") return granted();
      if (method === "DELETE") return new Response(null, { status: 204 });
      return json(200, url.includes("?") ? { total_count: 1, runners: [RUNNER] } : RUNNER);
    });
    expect(await github.generateJitConfig(scope, ASKED)).toEqual({
      ok: true,
      value: { runnerId: 23, encodedJitConfig: JIT.encoded_jit_config },
    });
    const runner = { id: 23, name: RUNNER.name, status: "online", busy: false };
    expect(await github.findRunner(scope, RUNNER.name)).toEqual({ ok: true, value: runner });
    expect(await github.getRunner(scope, 23)).toEqual({ ok: true, value: runner });
    expect(await github.deleteRunner(scope, 23)).toEqual({ ok: true, value: null });
    expect(sent.map(({ method, url }) => `${method} ${url.slice(API.length)}`)).toEqual([
      `POST ${base}/actions/runners/generate-jitconfig`,
      `GET ${base}/actions/runners?name=${RUNNER.name}&per_page=100`,
      `GET ${base}/actions/runners/23`,
      `DELETE ${base}/actions/runners/23`,
    ]);
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({
      name: RUNNER.name,
      runner_group_id: 1,
      labels: ["self-hosted", "linux"],
      work_folder: "_work",
    });
  });

  test("about a job or a run goes to its repository", async () => {
    const job = { id: 42, status: "in_progress", conclusion: null, runner_name: RUNNER.name };
    const run = { id: 1, head_repository: { full_name: "stranger/example", fork: true } };
    const { github, sent } = clientOf(({ url }) => json(200, url.includes("/jobs/") ? job : run));
    expect(await github.getJob(REPO, 42)).toEqual({
      ok: true,
      value: { status: "in_progress", conclusion: null, runnerName: RUNNER.name },
    });
    expect(await github.getRun(REPO, 1)).toEqual({
      ok: true,
      value: { headRepository: "stranger/example" },
    });
    expect(sent.map(({ url }) => url)).toEqual([
      `${API}/repos/octo-org/example/actions/jobs/42`,
      `${API}/repos/octo-org/example/actions/runs/1`,
    ]);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("the store does not answer"))],
    ["is empty", () => Promise.resolve("")],
    ["cannot stand in a header", () => Promise.resolve("a\nb")],
  ])("is not sent when the token %s", async (_, token) => {
    const { github, sent } = clientOf(granted, { kind: "token", token });
    const result = await github.generateJitConfig(REPO, ASKED);
    expect(result).toEqual(error("unavailable"));
    expect(result).toHaveProperty("detail", expect.stringContaining("credential is missing"));
    expect(sent).toHaveLength(0);
  });
});

describe("GitHub's refusals", () => {
  test.each([
    ["conflict", 409],
    ["not_found", 404],
    ["refused", 400],
    ["refused", 401],
    ["refused", 403],
    ["refused", 422],
    ["refused", 301],
    ["refused", 307],
    ["unavailable", 500],
    ["unavailable", 502],
    ["unavailable", 503],
  ])("are %s for %p", async (kind, status) => {
    const { github, sent } = clientOf(() => json(status, { message: "Because." }));
    const result = await github.generateJitConfig(REPO, ASKED);
    expect(result).toEqual(error(kind));
    expect(result).toHaveProperty(
      "detail",
      `POST /repos/octo-org/example/actions/runners/generate-jitconfig: answered ${String(status)} Because.`,
    );
    expect(sent).toHaveLength(1);
  });

  test("of a deletion: gone counts as deleted, a running job as busy", async () => {
    const answers = [404, 422, 403, 500].map((status) => json(status, { message: "x" }));
    const { github } = clientOf((_, index) => answers[index] ?? granted());
    expect(await github.deleteRunner(REPO, 23)).toEqual({ ok: true, value: null });
    expect(await github.deleteRunner(REPO, 23)).toEqual(error("busy"));
    expect(await github.deleteRunner(REPO, 23)).toEqual(error("refused"));
    expect(await github.deleteRunner(REPO, 23)).toEqual(error("unavailable"));
  });

  test("may say when to come back", async () => {
    const { github } = clientOf(() => json(503, {}, { "Retry-After": "9" }));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ retryAfterSeconds: 9 });
  });

  test("that are no JSON, or none at all, are told by their status", async () => {
    for (const answer of [
      html(502),
      new Response("", { status: 502 }),
      new Response("\u0000{", { status: 502 }),
    ]) {
      expect(await clientOf(() => answer).github.getRunner(REPO, 23)).toEqual(error("unavailable"));
    }
    const { github } = clientOf(() => Promise.reject(new TypeError(`failed with ${TOKEN}`)));
    expect(await github.getRunner(REPO, 23)).toEqual({
      ...{ ok: false, error: "unavailable", status: null, retryAfterSeconds: null },
      detail: "GET /repos/octo-org/example/actions/runners/23: no answer: TypeError",
    });
  });

  test("are told without the token, in printable ASCII, within 200 characters", async () => {
    const message = `${TOKEN}\n\u001b[31m${"x".repeat(900)}`;
    const { github } = clientOf(() => json(403, { message }));
    const result = await github.getRunner(REPO, 23);
    const detail = result.ok ? "" : result.detail;
    expect(detail).toMatch(/^[\x20-\x7e]{100,200}$/);
    expect(detail).not.toContain(TOKEN);
    const long = clientOf(() => json(200, "unknown")).github;
    const unknown = await long.getRunner(`${"o".repeat(100)}/${"r".repeat(100)}`, 1);
    expect(unknown.ok ? "" : unknown.detail).toHaveLength(200);
  });
});

describe("an answer of another shape is as good as none:", () => {
  const answers: readonly unknown[] = [null, [], "", 5, {}, { id: 0 }, { runners: {} }, { runners: [{}] }];

  test.each(answers)("%j", async (body) => {
    const { github } = clientOf(() => json(200, body));
    for (const result of [
      await github.generateJitConfig(REPO, ASKED),
      await github.findRunner(REPO, RUNNER.name),
      await github.getRunner(REPO, 23),
      await github.getJob(REPO, 42),
      await github.getRun(REPO, 1),
    ]) {
      expect(result).toEqual(error("unavailable"));
    }
  });

  test("a body that is not JSON, or is too long", async () => {
    for (const body of ["<html>", "{", "x".repeat(2 * 1024 * 1024)]) {
      const { github } = clientOf(() => new Response(body));
      expect(await github.getRunner(REPO, 23)).toEqual(error("unavailable"));
    }
  });

  test.each([
    ["a JIT config that is no base64", { ...JIT, encoded_jit_config: "$(reboot)" }],
    ["an empty JIT config", { ...JIT, encoded_jit_config: "" }],
    ["a JIT config over 64 KiB", { ...JIT, encoded_jit_config: "A".repeat(65_537) }],
    ["no JIT config", { ...JIT, encoded_jit_config: undefined }],
    ["a runner without an id", { ...JIT, runner: {} }],
    ["no runner", { ...JIT, runner: null }],
  ])("%s", async (_, body) => {
    const { github } = clientOf(() => json(201, body));
    expect(await github.generateJitConfig(REPO, ASKED)).toEqual(error("unavailable"));
  });

  test.each([
    ["of another state", { ...RUNNER, status: "sleeping" }],
    ["without a name", { ...RUNNER, name: 5 }],
    ["not known to be busy or idle", { ...RUNNER, busy: "false" }],
  ])("a runner %s, also in a list", async (_, runner) => {
    const { github } = clientOf(({ url }) => json(200, url.includes("?") ? { runners: [runner] } : runner));
    expect(await github.getRunner(REPO, 23)).toEqual(error("unavailable"));
    expect(await github.findRunner(REPO, RUNNER.name)).toEqual(error("unavailable"));
  });

  test("a hostile text in a job or a run is left out or refused", async () => {
    const job = { status: "queued", conclusion: "a b", runner_name: "$(reboot)" };
    const { github } = clientOf(({ url }) =>
      json(200, url.includes("/jobs/") ? job : { head_repository: { full_name: "a/../b" } }),
    );
    expect(await github.getJob(REPO, 42)).toEqual({
      ok: true,
      value: { status: "queued", conclusion: null, runnerName: null },
    });
    expect(await github.getRun(REPO, 1)).toEqual({ ok: true, value: { headRepository: null } });
    const odd = clientOf(() => json(200, { status: "'; DROP" }));
    expect(await odd.github.getJob(REPO, 42)).toEqual(error("unavailable"));
  });

  test("a deleted fork is a head repository that nobody knows", async () => {
    const { github } = clientOf(() => json(200, { head_repository: null }));
    expect(await github.getRun(REPO, 1)).toEqual({ ok: true, value: { headRepository: null } });
  });
});

describe("a runner is found by its name", () => {
  const others = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...RUNNER,
      id: index + 1,
      name: `other-${String(index)}`,
    }));

  test("exactly: not by a part of it, and null when there is none", async () => {
    const near = [`${RUNNER.name}0`, RUNNER.name.slice(0, -1), RUNNER.name.toUpperCase()];
    const { github } = clientOf(() => json(200, { runners: near.map((name) => ({ ...RUNNER, name })) }));
    expect(await github.findRunner(REPO, RUNNER.name)).toEqual({ ok: true, value: null });
    const none = clientOf(() => json(200, { total_count: 0, runners: [] })).github;
    expect(await none.findRunner(REPO, RUNNER.name)).toEqual({ ok: true, value: null });
  });

  test("on a later page where the server does not filter", async () => {
    const { github, sent } = clientOf(({ url }) =>
      json(200, { runners: url.endsWith("&page=2") ? [...others(3), RUNNER] : others(100) }),
    );
    expect(await github.findRunner(REPO, RUNNER.name)).toMatchObject({ ok: true, value: { id: 23 } });
    expect(sent).toHaveLength(2);
  });

  test("within ten pages, and is not called gone beyond them", async () => {
    const { github, sent } = clientOf(() => json(200, { runners: others(100) }));
    expect(await github.findRunner(REPO, RUNNER.name)).toEqual(error("unavailable"));
    expect(sent).toHaveLength(10);
  });

  test("or not at all while GitHub does not answer", async () => {
    const { github } = clientOf(() => json(500, {}));
    expect(await github.findRunner(REPO, RUNNER.name)).toEqual(error("unavailable"));
  });
});
