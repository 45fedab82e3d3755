import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { type LoopbackServer, serve } from "../../local/http/serve";
import { eventually } from "../support/eventually";
import { watchLeftovers } from "../support/leftovers";
import { call, upload, visit } from "./support/cloudflare-client";
import { HOST, hooksOf } from "./support/cloudflare-script";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let cloudflare: CloudflareStandIn;
let origin: LoopbackServer;
let database: string;

beforeAll(async () => {
  origin = await serve((request) => {
    const { pathname } = new URL(request.url);
    return new Response(`origin ${pathname} ${request.headers.get("x-from") ?? ""}`);
  });
});
beforeEach(async () => {
  cloudflare = await startCloudflare({
    sweepSeconds: 0,
    outside: { "https://api.github.example": origin.url },
  });
  const { result } = await call(cloudflare, "POST", "A/d1/database", { name: "ledger" });
  database = String(result["uuid"]);
});
afterEach(() => cloudflare.close());
afterAll(async () => {
  await origin.close();
  await expectNothingLeft(leftovers);
});

const { ask, attach, deploy, schedule } = hooksOf(() => ({ cloudflare, database }));

describe("a schedule", () => {
  test("fires only once it is there, by its uploaded expression", async () => {
    await deploy();
    await expect(cloudflare.sweep("hooks")).rejects.toThrow("has no schedule");
    const made = await schedule("*/5 * * * *", "0 1 * * *");
    expect(made.result["schedules"]).toMatchObject([{ cron: "*/5 * * * *" }, { cron: "0 1 * * *" }]);
    expect(Object.keys((made.result["schedules"] as object[])[0] ?? {})).toEqual([
      "cron",
      "created_on",
      "modified_on",
    ]);
    expect((await call(cloudflare, "GET", "A/workers/scripts/hooks/schedules")).result).toEqual(made.result);
    await cloudflare.sweep("hooks");
    expect((await ask())["sweeps"]).toEqual(["*/5 * * * *", "0 1 * * *"]);
  });

  test("fires by itself as often as told", async () => {
    await cloudflare.close();
    cloudflare = await startCloudflare({ sweepSeconds: 0.2 });
    database = String((await call(cloudflare, "POST", "A/d1/database", { name: "ledger" })).result["uuid"]);
    await deploy();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await ask())["sweeps"]).toEqual([]);
    await schedule("* * * * *");
    expect(await eventually(async () => ((await ask())["sweeps"] as unknown[]).length >= 2)).toBe(true);
  });

  test("that is none is refused", async () => {
    await deploy();
    expect(await schedule("every minute")).toMatchObject({ status: 400 });
    expect(await call(cloudflare, "PUT", "A/workers/scripts/hooks/schedules", {})).toMatchObject({
      status: 400,
    });
  });
});

describe("a custom domain", () => {
  test("has every field that the provider reads; its deletion is answered without a body", async () => {
    await deploy();
    const { result } = await attach();
    expect(Object.keys(result).sort()).toEqual([
      "environment",
      "hostname",
      "id",
      "service",
      "zone_id",
      "zone_name",
    ]);
    expect(result).toMatchObject({ environment: "production", hostname: HOST, service: "hooks" });
    const own = `A/workers/domains/${String(result["id"])}`;
    expect((await call(cloudflare, "GET", own)).result).toEqual(result);
    expect(await call(cloudflare, "DELETE", own)).toEqual({ status: 200 });
    expect(await call(cloudflare, "GET", own)).toMatchObject({ status: 404 });
  });

  test("is refused outside of the zone, for a script that is not there, and where a record or another Worker stands", async () => {
    expect(await attach()).toMatchObject({ status: 404, errors: [{ code: 10007 }] });
    await deploy();
    expect(await attach("hooks.example.net")).toMatchObject({ status: 400 });
    const record = { name: "a.example.com", type: "CNAME", content: "b.example.net", ttl: 1 };
    await call(cloudflare, "POST", "Z/dns_records", record);
    expect(await attach("a.example.com")).toMatchObject({ status: 409, errors: [{ code: 100117 }] });
    await upload(cloudflare, { name: "other", content: "export default {}" });
    const other = { hostname: HOST, service: "other", zone_id: cloudflare.zone.id };
    expect(await call(cloudflare, "PUT", "A/workers/domains", other)).toMatchObject({
      status: 409,
      errors: [{ code: 100116 }],
    });
    const taken = { ...record, name: HOST };
    expect(await call(cloudflare, "POST", "Z/dns_records", taken)).toMatchObject({
      errors: [{ code: 81053 }],
    });
  });
});

describe("what a Worker fetches", () => {
  const fetched = (url: string) => visit(cloudflare, HOST, `/?fetch=${encodeURIComponent(url)}`);

  test("reaches loopback, and a host outside by what stands in for it", async () => {
    await deploy();
    expect(await fetched(`${origin.url}/a`)).toMatchObject({ status: 200, text: "origin /a worker" });
    expect(await fetched("https://api.github.example/b")).toMatchObject({
      status: 200,
      text: "origin /b worker",
    });
  });

  test("is refused for any other host, by name, in the answer and in the log", async () => {
    await deploy();
    const refused = await fetched("https://api.github.com/zen");
    expect(refused).toMatchObject({ status: 530 });
    expect(refused.text).toContain("https://api.github.com is not on this machine");
    expect(cloudflare.workerLogs().join("\n")).toContain("https://api.github.com");
  });
});
