import { D1Database } from "@cdktf/provider-cloudflare/lib/d1-database";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { JwtAuthBackendRole } from "@cdktf/provider-vault/lib/jwt-auth-backend-role";
import { TerraformStack } from "cdktf";
import {
  GithubCredentials,
  NomadRoute,
  OnDemandRunners,
  RepositorySelection,
  type RunnerClassProps,
} from "../../index";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";
import { LARGE, LINUX, SETTINGS, TUNNEL } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

function jobsOf(template: Template): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  return new Map(
    template
      .resources(Job)
      .map((job) => [(job["hcl2"] as { vars: Record<string, string> }).vars["name"] ?? "", job]),
  );
}

describe("OnDemandRunners", () => {
  it("goes into anybody's stack: it declares no provider, no backend and no output", () => {
    const stack = new TerraformStack(testApp(), "theirs");
    new OnDemandRunners(stack, "Runners", { ...SETTINGS, nomad: {} });
    const { json } = new Template(stack);
    expect(json).not.toHaveProperty("provider");
    expect(json).not.toHaveProperty("output");
    expect(json).not.toHaveProperty("terraform.backend");
  });

  it("makes one Nomad job for each class, in the namespace to which the Worker dispatches", () => {
    const template = new Template(stackWith());
    for (const name of ["github-runner-large", "github-runner-linux"]) {
      expect(jobsOf(template).get(name)).toMatchObject({ hcl2: { vars: { namespace: "runners" } } });
    }
    expect(bindingsOf(template).get("NOMAD_NAMESPACE")).toMatchObject({ text: "runners" });
  });

  it("makes the namespace before the jobs, so that it goes after them", () => {
    const template = new Template(stackWith());
    expect(template.resource(Namespace)).toMatchObject({ name: "runners" });
    expect(jobsOf(template).get("github-runner-linux")?.["depends_on"]).toEqual([
      expect.stringMatching(/^nomad_namespace\./),
    ]);
  });

  it.each([
    ["is told not to", { namespace: "runners", createNamespace: false }],
    ["it is the one that always exists", { namespace: "default" }],
  ])("makes no namespace when %s", (_why, nomad) => {
    const template = new Template(stackWith({ nomad: { ...SETTINGS.nomad, ...nomad } }));
    expect(template.resources(Namespace)).toEqual([]);
    expect(jobsOf(template).get("github-runner-linux")).toMatchObject({ depends_on: [] });
  });

  it("lets the Worker's token dispatch in the jobs' namespace and do nothing else", () => {
    const template = new Template(stackWith());
    expect(template.resource(AclPolicy)["rules_hcl"]).toBe(
      'namespace "runners" {\n  capabilities = ["dispatch-job"]\n}\n',
    );
    expect(bindingsOf(template).get("NOMAD_TOKEN")?.["text"]).toMatch(
      /^\$\{nomad_acl_token\..*\.secret_id\}$/,
    );
  });

  it("names that token's policy after the namespace, so that two stacks of one cluster do not share it", () => {
    const named = (nomad: object): unknown =>
      new Template(stackWith({ nomad: { ...SETTINGS.nomad, ...nomad } })).resource(AclPolicy)["name"];
    expect(named({ namespace: "github-runners" })).toBe("github-runners-dispatch");
    expect(named({ namespace: "others" })).toBe("others-dispatch");
    expect(named({ namespace: "others", dispatchTokenName: "mine" })).toBe("mine");
  });

  it("tells the Worker of a class when Nomad has its job", () => {
    const { depends_on: after } = new Template(stackWith()).resource(WorkersScript) as {
      depends_on: readonly string[];
    };
    expect(after).toHaveLength(SETTINGS.classes.length);
    for (const address of after) expect(address).toMatch(/^nomad_job\.Runners_Classes_/);
  });

  it("keeps the address of a class's job when classes change places, or one is renamed and keeps its job", () => {
    const addresses = (classes: readonly RunnerClassProps[]): readonly string[] =>
      stackWith({ classes }).runners.jobs.map(({ node }) => node.path);
    const [linux, large] = addresses([LINUX, LARGE]);
    expect(addresses([LARGE, LINUX])).toEqual([large, linux]);
    expect(addresses([{ ...LINUX, className: "small", jobId: "github-runner-linux" }])).toEqual([linux]);
    expect(addresses([{ ...LINUX, jobId: "ci" }])).toEqual(
      addresses([{ ...LINUX, className: "small", jobId: "ci" }]),
    );
  });

  it("runs code of forks where, and only where, the policy lets it", () => {
    for (const forkPullRequests of ["refuse", "allow"] as const) {
      const { runners } = stackWith({ policy: { forkPullRequests } });
      expect(runners.jobs.map(({ allowForks }) => allowForks)).toEqual(
        SETTINGS.classes.map(() => forkPullRequests === "allow"),
      );
    }
  });

  it("narrows the Worker's policy to the selected owners, or to what it is told", () => {
    const repositories = [
      RepositorySelection.named(["octo-org/example", "octo-org/tool", "me/x"]),
      RepositorySelection.topic({ owner: "them", topic: "ci" }),
    ];
    const policyOf = (settings: Parameters<typeof stackWith>[0]): unknown =>
      JSON.parse(bindingsOf(new Template(stackWith(settings))).get("RUNNER_POLICY")?.["json"] ?? "");
    expect(policyOf({ repositories })).toMatchObject({ repositories: ["me/*", "octo-org/*", "them/*"] });
    expect(policyOf({ policy: { repositories: ["octo-org/e*"] } })).toMatchObject({
      repositories: ["octo-org/e*"],
    });
  });

  it("keeps the Worker's bindings within Cloudflare's 5 KB with 167 named repositories", () => {
    const names = Array.from(
      { length: 167 },
      (_, index) => `octo-org/${"repository-".repeat(8)}${String(index)}`,
    );
    const whole = stackWith({ repositories: [RepositorySelection.named(names)] });
    expect(problemsOf(whole)).toEqual([]);
    for (const binding of bindingsOf(new Template(whole)).values()) {
      expect(Buffer.byteLength(binding["text"] ?? binding["json"] ?? "")).toBeLessThanOrEqual(5_000);
    }
  });

  it("refuses a policy that names so many repositories itself", () => {
    const names = Array.from(
      { length: 167 },
      (_, index) => `octo-org/${"repository-".repeat(8)}${String(index)}`,
    );
    expect(problemsOf(stackWith({ policy: { repositories: names } }))).toContainEqual(
      expect.stringMatching(/must be at most 5000 bytes/),
    );
  });

  it("tells the Worker when the Access token ends, and the Nomad token where it does", () => {
    const expiryOf = (nomad = {}): string =>
      bindingsOf(new Template(stackWith({ nomad: { ...SETTINGS.nomad, ...nomad } }))).get(
        "CREDENTIAL_EXPIRY",
      )?.["json"] ?? "";
    expect(expiryOf()).toMatch(
      /^\{"access":"\$\{cloudflare_zero_trust_access_service_token\.\w+\.expires_at\}","nomad":null\}$/,
    );
    expect(expiryOf({ dispatchTokenExpiresIn: "24h" })).toMatch(
      /"nomad":"\$\{nomad_acl_token\..+\.expiration_time\}"\}$/,
    );
  });

  it("makes the webhooks last: after the Worker with its secrets, the jobs and the way to Nomad", () => {
    const template = new Template(stackWith());
    const { depends_on: after } = template.resource(RepositoryWebhook) as { depends_on: readonly string[] };
    expect(after.map((address) => address.split(".", 1).join("")).toSorted()).toEqual([
      "cloudflare_dns_record",
      "cloudflare_workers_cron_trigger",
      "cloudflare_workers_custom_domain",
      "cloudflare_workers_script",
      "cloudflare_zero_trust_tunnel_cloudflared_config",
      "nomad_job",
      "nomad_job",
      "nomad_job",
    ]);
  });

  it("keeps a webhook's address when the settings divide the owners otherwise", () => {
    const addresses = (repositories: readonly RepositorySelection[]): readonly string[] => {
      const { resource } = new Template(stackWith({ repositories })).json as {
        resource: Record<string, Record<string, unknown>>;
      };
      return Object.keys(resource["github_repository_webhook"] ?? {}).sort();
    };
    const [one, two] = [RepositorySelection.named(["a/x"]), RepositorySelection.owner({ owner: "b" })];
    expect(addresses([one, two])).toEqual(addresses([RepositorySelection.named(["b/y", "a/x"])]));
    expect(addresses([two, one])).toEqual(addresses([one, two]));
    const policyOf = (repositories: readonly RepositorySelection[]): string | undefined =>
      bindingsOf(new Template(stackWith({ repositories }))).get("RUNNER_POLICY")?.["json"];
    expect(policyOf([two, one])).toBe(policyOf([one, two]));
  });

  it("destroys the ledger with the stack unless it is retained", () => {
    expect(new Template(stackWith()).resource(D1Database)).toMatchObject({
      lifecycle: { prevent_destroy: false },
    });
    expect(new Template(stackWith({ ledger: { retain: true } })).resource(D1Database)).toMatchObject({
      lifecycle: { prevent_destroy: true },
    });
  });

  it("keeps a credential of the Secrets Store out of the state, and does not warn", () => {
    const github = GithubCredentials.secretsStore({ appId: "1", storeId: "store", secretName: "key" });
    const whole = stackWith({ github });
    expect(warningsOf(whole)).toEqual([]);
    expect(new Template(whole).block("variable")).toEqual({});
  });
});

describe("a tunnel as the way to Nomad", () => {
  it("gives the connectors the audience that the role in Vault binds", () => {
    const route = NomadRoute.tunnel({ ...TUNNEL, vault: { kvMount: "kv", audience: "vault.octo" } });
    const template = new Template(stackWith({ route }));
    const connector = jobsOf(template).get("github-runners-connector");
    expect(JSON.stringify(connector)).toContain('"vault.octo"');
    expect(template.resource(JwtAuthBackendRole)).toMatchObject({ bound_audiences: ["vault.octo"] });
  });
});

describe("a way to Nomad that exists", () => {
  it("takes its service token from variables", () => {
    const route = NomadRoute.existing({ address: "https://nomad.example.net" });
    const template = new Template(stackWith({ route }));
    expect(Object.keys(template.block("variable")).sort()).toEqual([
      "access_client_id",
      "access_client_secret",
      "github_app_private_key",
    ]);
    expect(bindingsOf(template).get("NOMAD_ADDR")).toMatchObject({ text: "https://nomad.example.net" });
    expect(bindingsOf(template).get("CREDENTIAL_EXPIRY")).toMatchObject({
      json: '{"access":null,"nomad":null}',
    });
  });

  it("sends no service token when nothing stands in front of Nomad", () => {
    const route = NomadRoute.existing({ address: "https://nomad.example.net", access: false });
    const template = new Template(stackWith({ route }));
    expect(Object.keys(template.block("variable"))).toEqual(["github_app_private_key"]);
    expect(bindingsOf(template).has("CF_ACCESS_CLIENT_ID")).toBe(false);
  });

  it("makes nothing of a tunnel, of Access or in Vault", () => {
    const route = NomadRoute.existing({ address: "https://nomad.example.net" });
    const { resource } = new Template(stackWith({ route })).json as { resource: Record<string, unknown> };
    expect(Object.keys(resource).filter((type) => /zero_trust|dns_record|vault/.test(type))).toEqual([]);
  });
});

it("uploads the Worker before it changes the webhooks, so a new secret is known before it is used", () => {
  const template = new Template(stackWith({ generations: { webhookSecret: 2 } }));
  const { resource } = template.json as { resource: Record<string, Record<string, unknown>> };
  const script = `cloudflare_workers_script.${Object.keys(resource[WorkersScript.tfResourceType] ?? {}).join("")}`;
  expect(template.resource(RepositoryWebhook)["depends_on"]).toContain(script);
});
