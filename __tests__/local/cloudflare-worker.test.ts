import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { type LoopbackServer, serve } from "../../local/http/serve";
import { eventually } from "../support/eventually";
import { watchLeftovers } from "../support/leftovers";
import { call, full, upload, visit } from "./support/cloudflare-client";
import { HOST, SCRIPT, hooksOf } from "./support/cloudflare-script";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let cloudflare: CloudflareStandIn;
let origin: LoopbackServer;
let database: string;
/** Paths the origin was asked for. */
const asked: string[] = [];
let answerLater: Promise<void> = Promise.resolve();

beforeAll(async () => {
  origin = await serve(async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname === "/later") await answerLater;
    return new Response(`origin ${pathname} ${request.headers.get("x-from") ?? ""}`);
  });
});
beforeEach(async () => {
  asked.length = 0;
  cloudflare = await startCloudflare({
    sweepSeconds: 0,
    secrets: { "store/github": "hush" },
  });
  const { result } = await call(cloudflare, "POST", "A/d1/database", { name: "ledger" });
  database = String(result["uuid"]);
});
afterEach(() => cloudflare.close());
afterAll(async () => {
  await origin.close();
  await expectNothingLeft(leftovers);
});

const { ask, bindings, deploy, schedule } = hooksOf(() => ({ cloudflare, database }));

describe("an uploaded script", () => {
  test("answers with every field that the provider reads, and is read back without its secrets' texts", async () => {
    const secret = { name: "KEY", type: "secret_text", text: "very secret" };
    const answer = await deploy("1", {
      bindings: bindings([secret]),
      observability: { enabled: true, logs: { enabled: true, invocation_logs: false } },
      usage_model: "standard",
    });
    expect(answer).toMatchObject({ status: 200, success: true });
    const fields = ["created_on", "modified_on", "etag", "has_assets", "has_modules", "named_handlers"];
    fields.push(
      "last_deployed_from",
      "startup_time_ms",
      "usage_model",
      "placement",
      "tail_consumers",
      "logpush",
    );
    expect(Object.keys(answer.result)).toEqual(expect.arrayContaining(fields));
    expect(answer.result["handlers"]).toEqual(["fetch", "scheduled"]);
    const service = await call(cloudflare, "GET", "A/workers/services/hooks");
    expect(service.result).toMatchObject({
      default_environment: { script: { etag: answer.result["etag"] } },
    });
    const settings = await call(cloudflare, "GET", "A/workers/scripts/hooks/settings");
    expect(settings.result).toMatchObject({
      bindings: [
        { name: "LEDGER", type: "d1", id: database },
        { name: "KEY", type: "secret_text" },
      ],
      compatibility_date: "2026-04-01",
      compatibility_flags: ["global_fetch_strictly_public"],
      observability: { enabled: true },
    });
    expect(JSON.stringify([service, settings])).not.toContain("very secret");
  });

  test("comes back byte for byte", async () => {
    await deploy();
    const path = cloudflare.apiUrl + full(cloudflare, "A/workers/scripts/hooks/content/v2");
    const answer = await fetch(path, { headers: { authorization: `Bearer ${cloudflare.apiToken}` } });
    const part = (await answer.formData()).get("worker.js");
    expect(typeof part === "object" && part !== null ? await part.text() : part).toBe(
      SCRIPT.replace("VERSION", "1"),
    );
  });

  test("that is not there is 404 for each of the provider's reads", async () => {
    const paths = [
      "services/hooks",
      "scripts/hooks/settings",
      "scripts/hooks/content/v2",
      "scripts/hooks/schedules",
    ];
    for (const path of paths)
      expect(await call(cloudflare, "GET", `A/workers/${path}`)).toMatchObject({ status: 404 });
  });

  test("runs under its custom domain with the bindings that were uploaded, and JSON sent as a text stays one", async () => {
    await deploy("1", {
      bindings: bindings([
        { name: "TEXT", type: "plain_text", text: "a" },
        { name: "POLICY", type: "json", json: '{"a":1}' },
        { name: "OBJECT", type: "json", json: { a: 1 } },
        { name: "TOKEN", type: "secrets_store_secret", store_id: "store", secret_name: "github" },
      ]),
    });
    expect(await ask("/env")).toEqual({ TEXT: "a", POLICY: '{"a":1}', OBJECT: { a: 1 }, TOKEN: "hush" });
    expect(await ask("/path?query=1")).toMatchObject({ url: `https://${HOST}/path?query=1` });
    expect(cloudflare.workerLogs()).toContain("asked /path");
  });

  test("that throws is answered 500 with Cloudflare's code", async () => {
    await deploy();
    expect(await visit(cloudflare, HOST, "/throw")).toMatchObject({ status: 500, text: "error code: 1101" });
  });

  test.each([
    ["a binding of more than 5 KB", [{ name: "KEY", type: "secret_text", text: "x".repeat(5_001) }], 10021],
    [
      "a database that is not there",
      [{ name: "DB", type: "d1", id: "00000000-0000-4000-8000-000000000000" }],
      10181,
    ],
    [
      "a secret that the store lacks",
      [{ name: "T", type: "secrets_store_secret", store_id: "store", secret_name: "x" }],
      10021,
    ],
    ["a binding without its value", [{ name: "T", type: "plain_text" }], 10021],
    ["a kind of binding that it cannot give", [{ name: "Q", type: "queue", queue_name: "q" }], 10021],
  ])("is refused for %s", async (_what, more, code) => {
    const refused = await deploy("1", { bindings: bindings(more) });
    expect(refused).toMatchObject({ status: 400, errors: [{ code }] });
    expect(JSON.stringify(refused)).not.toContain("xxxx");
    expect(cloudflare.inventory().map(({ kind }) => kind)).toEqual(["d1 database"]);
  });

  test("is refused without its main module", async () => {
    expect(await deploy("1", { main_module: "other.js" })).toMatchObject({
      status: 400,
      errors: [{ code: 10021 }],
    });
    expect(await deploy("1", { main_module: null })).toMatchObject({ status: 400 });
  });

  test("that does not start is refused, and the version before goes on", async () => {
    await deploy();
    const broken = await upload(cloudflare, {
      content: "export default {",
      metadata: { bindings: bindings() },
    });
    expect(broken).toMatchObject({ status: 400, errors: [{ code: 10021 }] });
    expect(await ask()).toMatchObject({ version: "1" });
  });

  test("keeps the ledger of the version before it", async () => {
    await deploy();
    await schedule("* * * * *");
    await cloudflare.sweep("hooks");
    expect(await deploy("2")).toMatchObject({ status: 200 });
    expect(await ask()).toMatchObject({ version: "2", sweeps: ["* * * * *"] });
    const ledger = await cloudflare.ledger("hooks");
    await ledger.prepare("DELETE FROM sweeps").run();
    expect(await ask()).toMatchObject({ sweeps: [] });
    const { result } = await call(cloudflare, "GET", `A/d1/database/${database}`);
    expect(result).toMatchObject({ num_tables: 1 });
    expect(result["file_size"]).toBeGreaterThan(0);
  });

  test("drops what is left out of the next upload, unless its type is to be kept", async () => {
    const [text, secret] = [
      { name: "TEXT", type: "plain_text", text: "a" },
      { name: "KEY", type: "secret_text", text: "b" },
    ];
    await deploy("1", { bindings: bindings([text, secret]) });
    await deploy("2", { keep_bindings: ["secret_text"] });
    expect(await ask("/env")).toEqual({ KEY: "b" });
    await deploy("3");
    expect(await ask("/env")).toEqual({});
  });

  test("lets a fetch of the version before come to its end", async () => {
    let answer = (): void => undefined;
    answerLater = new Promise((resolve) => {
      answer = resolve;
    });
    await deploy("1", { bindings: bindings([{ name: "ORIGIN", type: "plain_text", text: origin.url }]) });
    await ask("/later");
    expect(await eventually(() => asked.includes("/later"))).toBe(true);
    const second = deploy("2");
    const waiting = ask();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await call(cloudflare, "GET", "A/workers/scripts/hooks/settings")).toMatchObject({
      result: { bindings: [{}, { name: "ORIGIN" }] },
    });
    answer();
    expect(await second).toMatchObject({ status: 200 });
    expect(await waiting).toMatchObject({ version: "2" });
  });

  test("is gone with its domain and its schedules when it is deleted; its database stays", async () => {
    await deploy();
    await schedule("* * * * *");
    expect(
      cloudflare
        .inventory()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["cron trigger", "custom domain", "d1 database", "worker"]);
    expect(await call(cloudflare, "DELETE", "A/workers/scripts/hooks")).toMatchObject({ status: 200 });
    expect(cloudflare.inventory().map(({ kind }) => kind)).toEqual(["d1 database"]);
    expect(await visit(cloudflare, HOST, "/")).toMatchObject({ status: 530, text: "error code: 1016" });
    await expect(async () => cloudflare.ledger("hooks")).rejects.toThrow('no script "hooks" is deployed');
  });
});
