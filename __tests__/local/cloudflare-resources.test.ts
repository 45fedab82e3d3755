import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { watchLeftovers } from "../support/leftovers";
import { call } from "./support/cloudflare-client";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let cloudflare: CloudflareStandIn;

beforeAll(async () => {
  cloudflare = await startCloudflare();
});
afterAll(async () => {
  await cloudflare.close();
  await expectNothingLeft(leftovers);
});

/** What the provider reads of an answer: an absent field becomes null in its state. */
const RESOURCES: readonly {
  readonly resource: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly update: readonly [method: string, body: Readonly<Record<string, unknown>>];
  readonly fields: readonly string[];
  readonly id?: string;
}[] = [
  {
    resource: "zero_trust_tunnel_cloudflared",
    path: "A/cfd_tunnel",
    body: { name: "runners", config_src: "cloudflare" },
    update: ["PATCH", { name: "renamed" }],
    fields: [
      ...["id", "name", "config_src", "account_tag", "created_at", "deleted_at", "conns_active_at", "status"],
      ...["conns_inactive_at", "connections", "remote_config", "tun_type", "metadata"],
    ],
  },
  {
    resource: "zero_trust_access_service_token",
    path: "A/access/service_tokens",
    body: { name: "worker", duration: "8760h", client_secret_version: 1 },
    update: ["PUT", { name: "renamed", duration: "8760h", client_secret_version: 1 }],
    fields: ["id", "name", "duration", "client_id", "expires_at"],
  },
  {
    resource: "zero_trust_access_policy",
    path: "A/access/policies",
    body: { name: "worker", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
    update: ["PUT", { name: "renamed", decision: "bypass", include: [{ everyone: {} }] }],
    fields: ["id", "name", "decision", "include", "exclude", "require", "session_duration"],
  },
  {
    resource: "zero_trust_access_application",
    path: "A/access/apps",
    body: { type: "self_hosted", name: "nomad", domain: "nomad.example.com", policies: [] },
    update: ["PUT", { type: "self_hosted", name: "renamed", domain: "other.example.com", policies: [] }],
    fields: [
      ...["id", "aud", "name", "domain", "type", "destinations", "self_hosted_domains", "policies"],
      ...["session_duration", "app_launcher_visible", "http_only_cookie_attribute"],
    ],
  },
  {
    resource: "dns_record",
    path: "Z/dns_records",
    body: { name: "nomad.example.com", type: "CNAME", content: "x.example.net", proxied: true, ttl: 1 },
    update: [
      "PUT",
      { name: "nomad.example.com", type: "CNAME", content: "y.example.net", proxied: true, ttl: 1 },
    ],
    fields: [
      ...["id", "name", "type", "content", "proxied", "ttl", "proxiable", "settings", "tags", "comment"],
      ...["meta", "created_on", "modified_on"],
    ],
  },
  {
    resource: "d1_database",
    path: "A/d1/database",
    body: { name: "ledger", read_replication: { mode: "disabled" } },
    update: ["PUT", { read_replication: { mode: "auto" } }],
    fields: ["uuid", "name", "created_at", "version", "num_tables", "file_size", "read_replication"],
    id: "uuid",
  },
];

describe.each(RESOURCES)("$resource", ({ path, body, update, fields, id = "id" }) => {
  test("is created, read, updated and deleted with every field that the provider reads", async () => {
    const created = await call(cloudflare, "POST", path, body);
    expect(created).toMatchObject({ status: 200, success: true, errors: [], messages: [] });
    const own = `${path}/${String(created.result[id])}`;
    const [method, change] = update;
    for (const answer of [
      created,
      await call(cloudflare, "GET", own),
      await call(cloudflare, method, own, change),
    ]) {
      expect(Object.keys(answer.result)).toEqual(expect.arrayContaining([...fields]));
    }
    expect((await call(cloudflare, "GET", own)).result).toMatchObject(change);
    expect(cloudflare.inventory()).toHaveLength(1);
    expect(await call(cloudflare, "DELETE", own)).toMatchObject({ status: 200, success: true });
    expect(cloudflare.inventory()).toEqual([]);
  });

  test("that is not there is 404, so that the provider takes it out of its state", async () => {
    const own = `${path}/00000000-0000-4000-8000-000000000000`;
    for (const method of ["GET", update[0], "DELETE"]) {
      const missing = await call(cloudflare, method, own, method === "GET" ? undefined : update[1]);
      expect(missing).toMatchObject({ status: 404, success: false, result: null });
      expect(missing.errors[0]?.code).toBeGreaterThan(0);
    }
  });
});
