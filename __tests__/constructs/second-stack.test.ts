import { NomadRoute, RunnersStack, type RunnersStackProps } from "../../index";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";
import { SETTINGS, TUNNEL } from "./settings";

afterAll(removeOutputs);

/** What docs/deploy.md says that a second stack in one account and one cluster has to have of its own. */
const SECOND: RunnersStackProps = {
  ...SETTINGS,
  hostname: "gpu.example.com",
  worker: { scriptName: "gpu-runners" },
  nomad: { ...SETTINGS.nomad, namespace: "gpu-runners" },
  consul: { ...SETTINGS.consul, path: "terraform/gpu-runners" },
  route: NomadRoute.tunnel({
    ...TUNNEL,
    hostname: "gpu-nomad.example.com",
    name: "gpu-runners-nomad",
    vault: { kvMount: "kv", kvName: "gpu-runners/connector", roleName: "gpu-runners-connector" },
    connector: { jobId: "gpu-runners-connector" },
  }),
};

type Body = Readonly<Record<string, unknown>>;

/** The arguments by which a resource is found in its system: who writes the same ones writes over it. */
const NAMES: Readonly<Record<string, (body: Body) => unknown>> = {
  cloudflare_d1_database: ({ name }) => name,
  cloudflare_dns_record: ({ name }) => name,
  cloudflare_workers_custom_domain: ({ hostname }) => hostname,
  cloudflare_workers_script: ({ script_name }) => script_name,
  cloudflare_zero_trust_access_application: ({ domain }) => domain,
  cloudflare_zero_trust_access_policy: ({ name }) => name,
  cloudflare_zero_trust_access_service_token: ({ name }) => name,
  cloudflare_zero_trust_tunnel_cloudflared: ({ name }) => name,
  nomad_acl_policy: ({ name }) => name,
  nomad_job: ({ hcl2 }) => {
    const { name, namespace } = (hcl2 as { vars: Record<string, string> }).vars;
    return [namespace, name];
  },
  nomad_namespace: ({ name }) => name,
  vault_jwt_auth_backend_role: ({ backend, role_name }) => [backend, role_name],
  vault_kv_secret_v2: ({ mount, name }) => [mount, name],
  vault_policy: ({ name }) => name,
};

/** What is a stack's own because it belongs to a resource that is, or to no system. */
const FOLLOWS = [
  "cloudflare_workers_cron_trigger",
  "cloudflare_zero_trust_tunnel_cloudflared_config",
  "github_repository_webhook",
  "nomad_acl_token",
  "random_password",
  "terraform_data",
];

function resourcesOf(settings: RunnersStackProps): readonly (readonly [type: string, body: Body])[] {
  const stack = new RunnersStack(testApp(), "stack", settings);
  expect(problemsOf(stack)).toEqual([]);
  const { resource } = new Template(stack).json as { resource: Record<string, Record<string, Body>> };
  return Object.entries(resource).flatMap(([type, all]) =>
    Object.values(all).map((body) => [type, body] as const),
  );
}

function namesOf(settings: RunnersStackProps): readonly string[] {
  return resourcesOf(settings).flatMap(([type, body]) => {
    const name = NAMES[type];
    return name === undefined ? [] : [`${type} ${JSON.stringify(name(body))}`];
  });
}

describe("A second stack in one account and one cluster", () => {
  it("shares no name with the first when it has the settings that the guide lists", () => {
    const first = new Set(namesOf(SETTINGS));
    expect(first.size).toBeGreaterThan(Object.keys(NAMES).length);
    expect(namesOf(SECOND).filter((name) => first.has(name))).toEqual([]);
  });

  it("would write over the first without them", () => {
    const shared = namesOf({ ...SECOND, nomad: SETTINGS.nomad, route: SETTINGS.route });
    const first = new Set(namesOf(SETTINGS));
    for (const type of ["nomad_acl_policy", "nomad_job", "vault_kv_secret_v2", "vault_policy"]) {
      expect(shared.filter((name) => first.has(name))).toContainEqual(
        expect.stringMatching(new RegExp(`^${type} `)),
      );
    }
  });

  it("is looked at whole: every kind of resource either has a name or follows one that does", () => {
    const types = new Set(resourcesOf(SETTINGS).map(([type]) => type));
    expect([...types].sort()).toEqual([...Object.keys(NAMES), ...FOLLOWS].sort());
  });
});
