import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { watchLeftovers } from "../support/leftovers";
import { call, full } from "./support/cloudflare-client";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let cloudflare: CloudflareStandIn;

beforeEach(async () => {
  cloudflare = await startCloudflare();
});
afterEach(() => cloudflare.close());
afterAll(async () => {
  await expectNothingLeft(leftovers);
});

describe("the API of the Cloudflare stand-in", () => {
  test("wants its own token, its own account and its own zone", async () => {
    const path = "A/cfd_tunnel/x";
    expect(await call(cloudflare, "GET", path, undefined, "x".repeat(40))).toMatchObject({ status: 401 });
    const bare = await fetch(cloudflare.apiUrl + full(cloudflare, path));
    expect(bare.status).toBe(400);
    for (const other of ["/accounts/other/cfd_tunnel", "/zones/other/dns_records"]) {
      expect(await call(cloudflare, "POST", other, {})).toMatchObject({ status: 403 });
    }
    expect(await call(cloudflare, "GET", "A/queues")).toMatchObject({
      status: 404,
      errors: [{ code: 7003 }],
    });
    expect(cloudflare.apiToken).toMatch(/^[A-Za-z0-9_-]{40}$/);
  });

  test.each([
    ["a second tunnel of a name", "A/cfd_tunnel", { name: "a" }, 409, 1013],
    ["a second database of a name", "A/d1/database", { name: "a" }, 400, 7502],
    [
      "a second application for a domain",
      "A/access/apps",
      { type: "self_hosted", name: "a", domain: "a.example.com" },
      409,
      11010,
    ],
    [
      "a second CNAME of a name",
      "Z/dns_records",
      { name: "a.example.com", type: "CNAME", content: "x.example.net", ttl: 1 },
      400,
      81053,
    ],
  ])("refuses %s", async (_what, path, body, status, code) => {
    expect(await call(cloudflare, "POST", path, body)).toMatchObject({ status: 200 });
    expect(await call(cloudflare, "POST", path, body)).toMatchObject({ status, errors: [{ code }] });
  });

  test.each([
    ["a tunnel without a name", "A/cfd_tunnel", {}],
    ["a tunnel secret of less than 32 bytes", "A/cfd_tunnel", { name: "a", tunnel_secret: "c2hvcnQ=" }],
    ["a null setting of D1's replication", "A/d1/database", { name: "a", read_replication: null }],
    [
      "a TTL beside a proxied record",
      "Z/dns_records",
      { name: "a", type: "CNAME", content: "b", proxied: true, ttl: 60 },
    ],
    ["a token's lifetime that is none", "A/access/service_tokens", { name: "a", duration: "one year" }],
    [
      "a policy that decides otherwise",
      "A/access/policies",
      { name: "a", decision: "service_auth", include: [{ everyone: {} }] },
    ],
    ["a policy for nobody", "A/access/policies", { name: "a", decision: "allow", include: [] }],
    [
      "a selector that it cannot judge",
      "A/access/policies",
      { name: "a", decision: "allow", include: [{ geo: { country_code: "DE" } }] },
    ],
    [
      "an application outside of the zone",
      "A/access/apps",
      { type: "self_hosted", domain: "nomad.example.net" },
    ],
    [
      "an application of an unknown policy",
      "A/access/apps",
      { type: "self_hosted", domain: "a.example.com", policies: [{ id: "x", precedence: 1 }] },
    ],
  ])("refuses %s with 400", async (_what, path, body) => {
    expect(await call(cloudflare, "POST", path, body)).toMatchObject({ status: 400, success: false });
    expect(cloudflare.inventory()).toEqual([]);
  });

  test("a record's name outside of the zone gets the zone's name behind it", async () => {
    const body = { name: "nomad.other.net", type: "CNAME", content: "b.example.net", ttl: 1 };
    expect((await call(cloudflare, "POST", "Z/dns_records", body)).result).toMatchObject({
      name: "nomad.other.net.example.com",
    });
  });

  test("a deleted tunnel can be read with its end, and no longer configured", async () => {
    const { result } = await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a" });
    const own = `A/cfd_tunnel/${String(result["id"])}`;
    await call(cloudflare, "DELETE", own);
    const read = await call(cloudflare, "GET", own);
    expect(read.result["deleted_at"]).toEqual(expect.any(String));
    expect(await call(cloudflare, "PUT", `${own}/configurations`, { config: {} })).toMatchObject({
      status: 404,
    });
    expect(await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a" })).toMatchObject({ status: 200 });
  });

  test("a tunnel's token is base64 of account, tunnel and secret", async () => {
    const secret = Buffer.alloc(32, 7).toString("base64");
    const { result } = await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a", tunnel_secret: secret });
    const id = String(result["id"]);
    const token = await call(cloudflare, "GET", `A/cfd_tunnel/${id}/token`);
    const text = Buffer.from(token.result as unknown as string, "base64").toString();
    expect(text).toBe(JSON.stringify({ a: cloudflare.accountId, t: id, s: secret }));
    expect(JSON.stringify(result)).not.toContain(secret);
  });

  test("a tunnel's configuration comes back as it was sent, and its version goes up", async () => {
    const { result } = await call(cloudflare, "POST", "A/cfd_tunnel", {
      name: "a",
      config_src: "cloudflare",
    });
    const path = `A/cfd_tunnel/${String(result["id"])}/configurations`;
    expect((await call(cloudflare, "GET", path)).result).toMatchObject({ config: null, version: 0 });
    const config = {
      ingress: [{ hostname: "a.example.com", service: "http://127.0.0.1:1" }, { service: "http_status:404" }],
    };
    expect((await call(cloudflare, "PUT", path, { config })).result).toMatchObject({ config, version: 1 });
    expect((await call(cloudflare, "GET", path)).result).toMatchObject({
      tunnel_id: result["id"],
      config,
      version: 1,
      source: "cloudflare",
      created_at: expect.any(String) as unknown,
    });
  });

  test.each([
    ["no catch-all", [{ hostname: "a.example.com", service: "http://127.0.0.1:1" }]],
    ["a catch-all that is not last", [{ service: "http_status:404" }, { service: "http_status:503" }]],
    ["an origin with a path", [{ service: "http://127.0.0.1:1/v1" }]],
    ["an origin without a scheme", [{ service: "127.0.0.1" }]],
    ["a broken path", [{ path: "(", service: "http://127.0.0.1:1" }, { service: "http_status:404" }]],
  ])("refuses an ingress with %s", async (_what, ingress) => {
    const { result } = await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a" });
    const path = `A/cfd_tunnel/${String(result["id"])}/configurations`;
    const refused = await call(cloudflare, "PUT", path, { config: { ingress } });
    expect(refused).toMatchObject({ status: 400, errors: [{ code: 1056 }] });
  });

  test("a service token's secret is shown at its creation and at its rotation only", async () => {
    const body = { name: "a", duration: "24h", client_secret_version: 1 };
    const created = await call(cloudflare, "POST", "A/access/service_tokens", body);
    const own = `A/access/service_tokens/${String(created.result["id"])}`;
    expect(created.result["client_secret"]).toMatch(/^cfast_[0-9a-f]{48}$/);
    expect((await call(cloudflare, "GET", own)).result).not.toHaveProperty("client_secret");
    expect((await call(cloudflare, "PUT", own, body)).result).not.toHaveProperty("client_secret");
    const rotated = await call(cloudflare, "PUT", own, {
      ...body,
      client_secret_version: 2,
      previous_client_secret_expires_at: new Date(Date.now() + 60_000).toISOString(),
    });
    expect(rotated.result["client_secret"]).toMatch(/^cfast_/);
    expect(rotated.result["client_secret"]).not.toBe(created.result["client_secret"]);
    expect(rotated.result["expires_at"]).toBe(created.result["expires_at"]);
    const longer = await call(cloudflare, "PUT", own, { ...body, client_secret_version: 2, duration: "48h" });
    expect(Date.parse(String(longer.result["expires_at"])) - Date.now()).toBeGreaterThan(47 * 3_600_000);
  });

  test("an application shows its policies in full, without its own settings being lost", async () => {
    const policy = await call(cloudflare, "POST", "A/access/policies", {
      name: "worker",
      decision: "non_identity",
      include: [{ any_valid_service_token: {} }],
    });
    const { result } = await call(cloudflare, "POST", "A/access/apps", {
      type: "self_hosted",
      name: "nomad",
      domain: "nomad.example.com",
      app_launcher_visible: false,
      policies: [{ id: policy.result["id"], precedence: 3 }],
    });
    expect(result).toMatchObject({
      app_launcher_visible: false,
      session_duration: "24h",
      destinations: [{ type: "public", uri: "nomad.example.com" }],
      policies: [{ id: policy.result["id"], precedence: 3, decision: "non_identity", name: "worker" }],
    });
  });

  test("a fault strikes the next call only", async () => {
    cloudflare.faults.add({ method: "POST", path: /cfd_tunnel/, fault: { kind: "answer", status: 500 } });
    expect(await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a" })).toMatchObject({ status: 500 });
    expect(await call(cloudflare, "POST", "A/cfd_tunnel", { name: "a" })).toMatchObject({ status: 200 });
  });

  test("a gate holds one call before anything is done, and lets others pass", async () => {
    const gate = cloudflare.gate({ method: "POST", path: /\/cfd_tunnel$/ });
    const held = call(cloudflare, "POST", "A/cfd_tunnel", { name: "held" });
    await gate.reached;
    expect(cloudflare.inventory()).toEqual([]);
    expect(await call(cloudflare, "POST", "A/cfd_tunnel", { name: "other" })).toMatchObject({ status: 200 });
    gate.open();
    expect(await held).toMatchObject({ status: 200 });
    expect(cloudflare.inventory().map(({ name }) => name)).toEqual(["other", "held"]);
  });

  test("ends while a call is held", async () => {
    const gate = cloudflare.gate({ path: /\/cfd_tunnel$/ });
    const held = call(cloudflare, "POST", "A/cfd_tunnel", { name: "held" }).catch(() => null);
    await gate.reached;
    await cloudflare.close();
    await held;
  });
});
