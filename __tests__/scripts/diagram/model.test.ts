import { D1Database } from "@cdktf/provider-cloudflare/lib/d1-database";
import { DnsRecord } from "@cdktf/provider-cloudflare/lib/dns-record";
import { R2Bucket } from "@cdktf/provider-cloudflare/lib/r2-bucket";
import { WorkersCronTrigger } from "@cdktf/provider-cloudflare/lib/workers-cron-trigger";
import { WorkersCustomDomain } from "@cdktf/provider-cloudflare/lib/workers-custom-domain";
import { WorkersScript, type WorkersScriptBindings } from "@cdktf/provider-cloudflare/lib/workers-script";
import { ZeroTrustAccessApplication } from "@cdktf/provider-cloudflare/lib/zero-trust-access-application";
import { ZeroTrustTunnelCloudflared } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared";
import { ZeroTrustTunnelCloudflaredConfigA } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared-config";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { Password } from "@cdktf/provider-random/lib/password";
import { KvSecretV2 } from "@cdktf/provider-vault/lib/kv-secret-v2";
import { DataResource, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { ids, lines, modelOf } from "./support";

const accountId = "a";
const script = (scope: Construct, bindings: WorkersScriptBindings[] = []): WorkersScript =>
  new WorkersScript(scope, "Resource", { accountId, scriptName: "s", bindings });
const text = (name: string, value: string): WorkersScriptBindings => ({
  name,
  type: "plain_text",
  text: value,
});
const job = (
  scope: Construct,
  id: string,
  file: string,
  vars: Record<string, string> = {},
  dependsOn: ITerraformDependable[] = [],
): Job =>
  new Job(scope, id, {
    jobspec: `\${file("assets/x/${file}")}`,
    hcl2: { vars: { name: id.toLowerCase(), ...vars } },
    dependsOn,
  });
const hook = (scope: Construct, url: string): RepositoryWebhook =>
  new RepositoryWebhook(scope, "Hook", { repository: "r", events: ["workflow_job"], configuration: { url } });

describe("elements", () => {
  test("a resource that no rule knows is an error that says where to add one", () => {
    expect(() => modelOf((stack) => new R2Bucket(stack, "Bucket", { accountId, name: "b" }))).toThrow(
      "cloudflare_r2_bucket.Bucket: no rule says what a cloudflare_r2_bucket stands for; add one to RULES in scripts/diagram/resource-rules.ts.",
    );
  });

  test("so are a job of an unknown file, and a part of what is not there", () => {
    expect(() => modelOf((stack) => job(stack, "Job", "other.nomad.hcl"))).toThrow(
      'must be one of runner.nomad.hcl, pre-pull.nomad.hcl, connector.nomad.hcl, got "other.nomad.hcl"',
    );
    expect(() =>
      modelOf(
        (stack) => new WorkersCronTrigger(stack, "Cron", { accountId, scriptName: "s", schedules: [] }),
      ),
    ).toThrow(
      "cloudflare_workers_cron_trigger.Cron belongs to a cloudflare_workers_script, and the stack has none",
    );
  });

  test("parts belong to the nearest of their kind in the tree, and two of a kind have two ids", () => {
    const { elements } = modelOf((stack) => {
      for (const id of ["One", "Two"]) {
        const scope = new Construct(stack, id);
        script(scope);
        new WorkersCronTrigger(scope, "Cron", { accountId, scriptName: "s", schedules: [] });
      }
    });
    expect(
      elements.filter(({ kind }) => kind === "container").map(({ id, addresses }) => [id, addresses.length]),
    ).toEqual([
      ["worker", 2],
      ["worker-two", 2],
    ]);
    const addresses = elements.find(({ id }) => id === "worker-two")?.addresses ?? [];
    expect(addresses.every((address) => address.includes(".Two_"))).toBe(true);
  });

  test("what Terraform alone has goes with its neighbour, secrets with the state", () => {
    const model = modelOf((stack) => {
      const scope = new Construct(stack, "Connector");
      new DataResource(scope, "Settled", {});
      job(scope, "Resource", "connector.nomad.hcl");
      new Password(stack, "Secret", { length: 8 });
    });
    const of = (id: string): readonly string[] =>
      model.elements.find((element) => element.id === id)?.addresses.map((one) => one.split(".")[0] ?? "") ??
      [];
    expect(of("connector")).toEqual(["nomad_job", "terraform_data"]);
    expect(of("state")).toEqual(["random_password"]);
  });

  test("a job stands in its namespace, whether it names it by value, by reference, or not at all", () => {
    const { elements } = modelOf((stack) => {
      const namespace = new Namespace(stack, "Namespace", { name: "ours" });
      job(stack, "Value", "runner.nomad.hcl", { namespace: "ours" });
      job(stack, "Reference", "runner.nomad.hcl", { namespace: namespace.name });
      job(stack, "None", "runner.nomad.hcl");
    });
    const nodes = elements.filter(({ kind }) => kind === "container").map(({ id, node }) => [id, node]);
    expect(nodes).toEqual([
      ["none", "namespace-default"],
      ["reference", "namespace-ours"],
      ["value", "namespace-ours"],
    ]);
    const ours = elements.find(({ id }) => id === "namespace-ours");
    expect(ours).toMatchObject({ node: "nomad-cluster", addresses: ["nomad_namespace.Namespace"] });
  });
});

describe("a Worker's relationships", () => {
  test("come from its bindings", () => {
    const model = modelOf((stack) => {
      const ledger = new D1Database(stack, "Ledger", { accountId, name: "l" });
      script(stack, [
        { name: "LEDGER", type: "d1", id: ledger.id },
        { name: "GITHUB_TOKEN", type: "secrets_store_secret", storeId: "s", secretName: "t" },
        text("NOMAD_ADDR", "https://nomad.example.com"),
        text("STATUS_TOKEN", "x"),
      ]);
    });
    expect(lines(model)).toEqual([
      "operator → worker, run: reads /status and /metrics",
      "worker → github, run: JIT configs, runners, runs",
      "worker → ledger, run: one batch per transition",
      "worker → nomad, run: POST /v1/job/ID/dispatch",
      "worker → secrets-store, run: reads the secret at each use",
    ]);
  });

  test("are none for a Worker without bindings", () => {
    const model = modelOf((stack) => script(stack));
    expect(lines(model)).toEqual([]);
    expect(ids(model)).toEqual(["cloudflare", "worker"]);
  });

  test("with runners are those of its policy's classes alone", () => {
    const policy = { classes: [{ job: "mine", name: "a $${x}" }] };
    const model = modelOf((stack) => {
      script(stack, [{ name: "RUNNER_POLICY", type: "json", json: JSON.stringify(policy) }]);
      job(stack, "Mine", "runner.nomad.hcl");
      job(stack, "Other", "runner.nomad.hcl");
    });
    expect(lines(model)).toEqual([
      "mine → github, run: long-polls for its one job",
      "mine → worker, run: POST and DELETE /runners/claim",
      "nomad → mine, run: schedules",
      "nomad → other, run: schedules",
      "other → github, run: long-polls for its one job",
    ]);
  });

  test.each([
    ["the URL's host is its domain's", "https://w.example.com/webhook", true],
    [
      "the URL refers to its domain",
      "https://${cloudflare_workers_custom_domain.Domain.hostname}/webhook",
      true,
    ],
    ["the URL is another host's", "https://other.example.com/webhook", false],
    ["the URL only mentions its domain", "https://other.example.com/w.example.com", false],
  ])("with GitHub: %s", (_, url, isDelivered) => {
    const model = modelOf((stack) => {
      script(stack);
      new WorkersCustomDomain(stack, "Domain", {
        accountId,
        hostname: "w.example.com",
        service: "s",
        zoneId: "z",
      });
      hook(stack, url);
    });
    expect(lines(model).includes("github → worker, run: POST /webhook, workflow_job, HMAC-SHA256")).toBe(
      isDelivered,
    );
    expect(ids(model).includes("developer")).toBe(isDelivered);
  });
});

describe("the way to Nomad", () => {
  const tunnelled = (options: { access: boolean; connector: boolean; host?: string }): readonly string[] =>
    lines(
      modelOf((stack) => {
        const { access, connector, host = "nomad.example.com" } = options;
        const tunnel = new ZeroTrustTunnelCloudflared(stack, "Tunnel", { accountId, name: "t" });
        const routes = new ZeroTrustTunnelCloudflaredConfigA(stack, "Routes", {
          accountId,
          tunnelId: tunnel.id,
          config: {
            ingress: [{ hostname: host, service: "http://nomad:4646" }, { service: "http_status:404" }],
          },
        });
        new DnsRecord(stack, "Record", {
          name: host,
          type: "CNAME",
          ttl: 1,
          zoneId: "z",
          content: tunnel.id,
        });
        if (access) new ZeroTrustAccessApplication(stack, "Access", { accountId, domain: host });
        if (connector) {
          const secret = new KvSecretV2(stack, "Secret", { mount: "kv", name: "c", dataJson: tunnel.id });
          job(stack, "Connector", "connector.nomad.hcl", { vault_path: "kv/data/c" }, [secret, routes]);
        }
        script(stack, [text("NOMAD_ADDR", "https://nomad.example.com"), text("CF_ACCESS_CLIENT_ID", "x")]);
      }),
    );

  test("leads through Access, tunnel and connector to Nomad", () => {
    expect(tunnelled({ access: true, connector: true })).toEqual([
      "access → tunnel, run: requests it lets through, with its JWT",
      "connector → nomad, run: dispatches of the runner classes, nothing else",
      "connector → tunnel, run: outbound connections",
      "connector → vault, run: reads its token, by workload identity",
      "nomad → connector, run: schedules",
      "vault → tunnel, deploy: keeps the token of",
      "worker → access, run: POST /v1/job/ID/dispatch, with the service token",
    ]);
  });

  test("has no connector of a tunnel that its job does not need, and no secret that it does not read", () => {
    const model = modelOf((stack) => {
      new ZeroTrustTunnelCloudflared(stack, "Tunnel", { accountId, name: "t" });
      new KvSecretV2(stack, "Secret", { mount: "kv", name: "other", dataJson: "{}" });
      job(stack, "Connector", "connector.nomad.hcl", { vault_path: "kv/data/c" });
    });
    expect(lines(model)).toEqual(["nomad → connector, run: schedules"]);
  });

  test("leads straight to a tunnel without Access, and from it to Nomad where the connectors are another's", () => {
    expect(tunnelled({ access: false, connector: false })).toEqual([
      "tunnel → nomad, run: dispatches of the runner classes, nothing else",
      "worker → tunnel, run: POST /v1/job/ID/dispatch, with the service token",
    ]);
  });

  test("leads past a tunnel that has another hostname", () => {
    expect(tunnelled({ access: true, connector: false, host: "other.example.com" })).toContain(
      "worker → nomad, run: POST /v1/job/ID/dispatch, with the service token",
    );
  });
});

test("a reference between elements that no rule explains is an order; the content of a node is no relationship", () => {
  const model = modelOf((stack) => {
    const namespace = new Namespace(stack, "Namespace", { name: "ours" });
    const ledger = new D1Database(stack, "Ledger", { accountId, name: "l" });
    job(stack, "Mine", "runner.nomad.hcl", { namespace: namespace.name, image: ledger.id });
  });
  expect(lines(model)).toContain("mine → ledger, deploy: is made after");
  expect(model.references).toHaveLength(2);
  expect(model.relationships.some(({ to }) => to === "namespace-ours")).toBe(false);
});
