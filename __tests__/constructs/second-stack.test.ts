import { Testing } from "cdktf";
import { NomadRoute, RunnersStack, type RunnersStackProps, drainPlan } from "../../index";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";
import { SETTINGS, TUNNEL } from "./settings";

afterAll(removeOutputs);

/** What a user writes who names nothing but the stack. */
const { namespace: _, ...NOMAD } = SETTINGS.nomad;
const FIRST: RunnersStackProps = { ...SETTINGS, nomad: NOMAD };

/** What docs/deploy.md says that a second stack in one account and one cluster has to have of its own. */
const SECOND: RunnersStackProps = {
  ...FIRST,
  name: "gpu-runners",
  hostname: "gpu.example.com",
  consul: { ...SETTINGS.consul, path: "terraform/gpu-runners" },
  route: NomadRoute.tunnel({ ...TUNNEL, hostname: "gpu-nomad.example.com" }),
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
    const first = new Set(namesOf(FIRST));
    expect(first.size).toBeGreaterThan(Object.keys(NAMES).length);
    expect(namesOf(SECOND).filter((name) => first.has(name))).toEqual([]);
  });

  it("would write over the first without a name", () => {
    const { name: _name, ...nameless } = SECOND;
    const first = new Set(namesOf(FIRST));
    const shared = namesOf(nameless).filter((name) => first.has(name));
    for (const type of [
      ...["cloudflare_workers_script", "cloudflare_zero_trust_tunnel_cloudflared"],
      ...["nomad_acl_policy", "nomad_job", "vault_kv_secret_v2", "vault_policy"],
    ]) {
      expect(shared).toContainEqual(expect.stringMatching(new RegExp(`^${type} `)));
    }
  });

  it("has all its names of the stack's", () => {
    expect(namesOf(SECOND)).toEqual(
      expect.arrayContaining([
        'cloudflare_d1_database "gpu-runners"',
        'cloudflare_workers_script "gpu-runners"',
        'cloudflare_zero_trust_access_service_token "gpu-runners-nomad"',
        'cloudflare_zero_trust_tunnel_cloudflared "gpu-runners-nomad"',
        'nomad_acl_policy "gpu-runners-dispatch"',
        'nomad_job ["default","gpu-runners-connector"]',
        'nomad_job ["gpu-runners","github-runner-linux"]',
        'nomad_namespace "gpu-runners"',
        'vault_jwt_auth_backend_role ["jwt-nomad","gpu-runners-connector"]',
        'vault_kv_secret_v2 ["kv","gpu-runners/connector"]',
        'vault_policy "gpu-runners-connector"',
      ]),
    );
  });

  it("may still be given each name by itself", () => {
    const names = namesOf({
      ...SECOND,
      worker: { scriptName: "script", ledgerName: "ledger" },
      nomad: { ...NOMAD, namespace: "space", dispatchTokenName: "token" },
      route: NomadRoute.tunnel({
        ...TUNNEL,
        name: "tunnel",
        vault: { kvMount: "kv", kvName: "secret", roleName: "role" },
        connector: { jobId: "job", namespace: "edge" },
      }),
    });
    expect(names.filter((name) => name.includes("gpu-runners"))).toEqual([]);
    expect(names).toContain('nomad_job ["edge","job"]');
  });

  it("is the stack as it is without a name when it has the default's", () => {
    const json = (settings: RunnersStackProps): string =>
      Testing.synth(new RunnersStack(testApp(), "stack", settings));
    expect(json({ ...FIRST, name: "github-runners" })).toBe(json(FIRST));
  });

  it("is drained by its own names", () => {
    expect(drainPlan(SECOND)).toEqual({
      nomadAddress: NOMAD.apiAddress,
      namespace: "gpu-runners",
      jobs: ["github-runner-linux", "github-runner-large"],
      prePulls: [],
      connector: { jobId: "gpu-runners-connector", namespace: "default" },
    });
    expect(drainPlan(FIRST)).toMatchObject({
      namespace: "github-runners",
      connector: { jobId: "github-runners-connector", namespace: "default" },
    });
    const route = NomadRoute.existing({ address: "https://nomad.example.net" });
    expect(drainPlan({ ...SECOND, route })).not.toHaveProperty("connector");
  });

  it("is drained of the jobs that pull images, too, of the classes that have one", () => {
    const classes = SECOND.classes.map((it, index) => ({ ...it, prePull: index === 0 }));
    const plan = drainPlan({ ...SECOND, classes });
    expect(plan.prePulls).toEqual(["github-runner-linux-pre-pull"]);
    const named = resourcesOf({ ...SECOND, classes }).flatMap(
      ([, { hcl2 }]) =>
        (hcl2 as { readonly vars?: { readonly name?: string } } | undefined)?.vars?.name ?? [],
    );
    expect(named).toEqual(expect.arrayContaining([...plan.jobs, ...plan.prePulls]));
  });

  it.each(["a", "gpu-runners-2", "a".repeat(40)])("may be named %p", (name) => {
    expect(problemsOf(new RunnersStack(testApp(), "stack", { ...SECOND, name }))).toEqual([]);
  });

  it.each([
    "",
    "GPU",
    "gpu_runners",
    "gpu/runners",
    "-gpu",
    "gpu-",
    "default",
    "a".repeat(41),
    "${var.name}",
  ])("may not be named %p", (name) => {
    expect(problemsOf(new RunnersStack(testApp(), "stack", { ...SECOND, name }))).toEqual([
      '[stack/Runners] name: must be lower-case letters, digits and inner hyphens, at most 40, and not "default", ' +
        `got ${JSON.stringify(name)}; leave it out for github-runners`,
    ]);
  });

  it("is looked at whole: every kind of resource either has a name or follows one that does", () => {
    const types = new Set(resourcesOf(FIRST).map(([type]) => type));
    expect([...types].sort()).toEqual([...Object.keys(NAMES), ...FOLLOWS].sort());
  });
});
