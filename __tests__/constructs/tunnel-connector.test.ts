import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import { DataResource, TerraformStack, TerraformVariable } from "cdktf";
import { ConnectorDriver } from "../../constructs/connector-driver";
import { TunnelConnector } from "../../constructs/tunnel-connector";
import type { TunnelConnectorProps } from "../../constructs/tunnel-connector-props";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: TunnelConnectorProps = {
  vault: { role: "github-runners-connector", dataPath: "kv/data/github-runners/connector" },
};

function made(overrides: Partial<TunnelConnectorProps> = {}): TunnelConnector {
  return new TunnelConnector(new TerraformStack(testApp(), "stack"), "Connector", {
    ...PROPS,
    ...overrides,
  });
}

function template(overrides: Partial<TunnelConnectorProps> = {}): Template {
  return new Template(TerraformStack.of(made(overrides)));
}

function variables(overrides: Partial<TunnelConnectorProps> = {}): Record<string, string> {
  return (template(overrides).resource(Job)["hcl2"] as { vars: Record<string, string> }).vars;
}

/** The variables that the job's file declares, with their defaults. */
async function declared(): Promise<Readonly<Record<string, unknown>>> {
  const file = join(__dirname, "..", "..", "jobs", "connector.nomad.hcl");
  const { variable } = (await parse("connector.nomad.hcl", readFileSync(file, "utf8"))) as {
    variable: Record<string, readonly Record<string, unknown>[]>;
  };
  return Object.fromEntries(Object.entries(variable).map(([name, [found]]) => [name, found?.["default"]]));
}

describe("TunnelConnector", () => {
  it("hands over exactly the variables that the job's file declares", async () => {
    expect(Object.keys(variables())).toEqual(Object.keys(await declared()).sort());
  });

  it("has the defaults of the job's file", async () => {
    const { image, docker_network, count, memory, cpu, vault_audience } = await declared();
    expect(variables()).toMatchObject({
      driver: "docker",
      image,
      docker_network,
      count: String(count),
      memory: String(memory),
      cpu: String(cpu),
      vault_audience,
      name: "github-runners-connector",
      namespace: "default",
      node_pool: "default",
      datacenters: '["*"]',
      metrics_port: "0",
      service_provider: "nomad",
      environment: "{}",
      vault_role: "github-runners-connector",
      vault_path: "kv/data/github-runners/connector",
    });
  });

  it("pins the version of the image", () => {
    expect(variables()["image"]).toMatch(/^cloudflare\/cloudflared:\d{4}\.\d+\.\d+$/);
  });

  it("hands over what it is told instead", () => {
    expect(
      variables({
        vault: { role: "r", dataPath: "kv/data/x", audience: "aud" },
        jobId: "conn",
        namespace: "infra",
        count: 3,
        datacenters: ["dc1", "dc2"],
        nodePool: "edge",
        metricsPort: 2000,
        serviceProvider: "consul",
        cpuMhz: 200,
        memoryMib: 256,
      }),
    ).toMatchObject({
      vault_role: "r",
      vault_path: "kv/data/x",
      vault_audience: "aud",
      name: "conn",
      namespace: "infra",
      count: "3",
      datacenters: '["dc1","dc2"]',
      node_pool: "edge",
      metrics_port: "2000",
      service_provider: "consul",
      cpu: "200",
      memory: "256",
    });
    const connector = made({ jobId: "conn", namespace: "infra" });
    expect([connector.jobId, connector.namespace]).toEqual(["conn", "infra"]);
  });

  it("has Terraform read the job as a file, so that nothing in it is evaluated", () => {
    expect(template().resource(Job)["jobspec"]).toMatch(
      /^\$\{file\("assets\/Connector_Jobspec_[0-9A-F]+\/[0-9A-F]+\/connector\.nomad\.hcl"\)\}$/,
    );
  });

  it("starts again at the next deploy after somebody stopped it, and leaves no stopped job behind", () => {
    expect(template().resource(Job)).toMatchObject({ rerun_if_dead: true, purge_on_destroy: true });
  });

  it("waits until it is connected, unless told not to", () => {
    expect(template().resource(Job)["detach"]).toBe(false);
    expect(template({ waitUntilReady: false }).resource(Job)["detach"]).toBe(true);
  });

  it("is what others wait for", () => {
    const connector = made();
    const stack = TerraformStack.of(connector);
    new Policy(stack, "After", { name: "p", policy: "", dependsOn: [...connector.ready] });
    expect(new Template(stack).resource(Policy)["depends_on"]).toEqual([
      expect.stringMatching(/^nomad_job\./),
    ]);
  });
});

describe("What it needs", () => {
  it("goes only after a pause that begins when the job is deregistered and outlasts its kill timeout", () => {
    const stack = new TerraformStack(testApp(), "stack");
    const tunnel = new Policy(stack, "Policy", { name: "p", policy: "" });
    new TunnelConnector(stack, "Connector", { ...PROPS, dependsOn: [tunnel] });
    const found = new Template(stack);
    const pause = found.resource(DataResource);
    const [name = "none"] = Object.keys(found.block("resource")["terraform_data"] ?? {});
    expect(found.resource(Job)["depends_on"]).toEqual([`terraform_data.${name}`]);
    expect(pause["depends_on"]).toEqual([`vault_policy.${tunnel.friendlyUniqueId}`]);
    const [provisioner] = pause["provisioner"] as Readonly<
      Record<string, Readonly<Record<string, string>>>
    >[];
    expect(provisioner?.["local-exec"]).toMatchObject({ when: "destroy" });
    const [, seconds] = /^sleep (\d+)$/.exec(provisioner?.["local-exec"]?.["command"] ?? "") ?? [];
    const source = readFileSync(join(__dirname, "..", "..", "jobs", "connector.nomad.hcl"), "utf8");
    const [, killTimeout] = /kill_timeout = "(\d+)s"/.exec(source) ?? [];
    expect(Number(seconds)).toBeGreaterThan(Number(killTimeout));
  });
});

describe("A machine without Terraform", () => {
  const { PATH } = process.env;

  afterEach(() => {
    process.env["PATH"] = PATH;
  });

  it("synthesizes it all the same: cdktf's own class for the pause would ask for the program's version", () => {
    const connector = made();
    process.env["PATH"] = "";
    expect(problemsOf(connector)).toEqual([]);
  });
});

describe("ConnectorDriver", () => {
  it("is a container with the node's network or one of its own", () => {
    expect(variables()["docker_network"]).toBe("host");
    const driver = ConnectorDriver.docker({ image: "mirror/cloudflared:1", network: "bridge" });
    expect(variables({ driver })).toMatchObject({
      driver: "docker",
      image: "mirror/cloudflared:1",
      docker_network: "bridge",
    });
  });

  it.each([
    ["exec", ConnectorDriver.exec({ command: "/usr/bin/cloudflared", user: "cf" })],
    ["raw_exec", ConnectorDriver.rawExec({ command: "/usr/bin/cloudflared", user: "cf" })],
  ])("is %s with the node's program", (name, driver) => {
    expect(variables({ driver })).toMatchObject({
      driver: name,
      command: "/usr/bin/cloudflared",
      user: "cf",
      image: "",
    });
  });

  it("passes further settings as an HCL expression, in which nothing is evaluated", () => {
    const driver = ConnectorDriver.docker({
      environment: { TUNNEL_TRANSPORT_PROTOCOL: "http2", HTTPS_PROXY: "http://${host}:3128" },
    });
    // `$${` for Nomad's template, of which Terraform's needs the `${` doubled once more.
    expect(variables({ driver })["environment"]).toBe(
      '{"HTTPS_PROXY":"http://$$${host}:3128","TUNNEL_TRANSPORT_PROTOCOL":"http2"}',
    );
  });
});

describe("Its mistakes", () => {
  it("are none with the least that it takes", () => {
    expect(problemsOf(made())).toEqual([]);
  });

  it.each([
    ["count", { count: 0 }],
    ["count", { count: 26 }],
    ["count", { count: 1.5 }],
    ["cpuMhz", { cpuMhz: 0 }],
    ["memoryMib", { memoryMib: 16 }],
    ["metricsPort", { metricsPort: 70_000 }],
    ["jobId", { jobId: "a b" }],
    ["datacenters", { datacenters: [] }],
    ["vault.role", { vault: { role: "", dataPath: "kv/data/x" } }],
    ["vault.dataPath", { vault: { role: "r", dataPath: "kv/x" } }],
    ["vault.dataPath", { vault: { role: "r", dataPath: 'kv/data/x" }}{{ env "HOME' } }],
    ["driver", { driver: ConnectorDriver.docker({ image: " " }) }],
    ["driver", { driver: ConnectorDriver.exec({ command: "cloudflared" }) }],
    ["driver", { driver: ConnectorDriver.rawExec({ command: "" }) }],
    ["driver", { driver: ConnectorDriver.docker({ environment: { "A B": "x" } }) }],
    ["driver", { driver: ConnectorDriver.docker({ environment: { TUNNEL_GRACE_PERIOD: "3m" } }) }],
  ] satisfies [string, Partial<TunnelConnectorProps>][])("%s: %j is one", (prop, overrides) => {
    expect(problemsOf(made(overrides))).toEqual([expect.stringContaining(`[stack/Connector] ${prop}: `)]);
  });

  it("are not looked for in a path that is known at apply only", () => {
    const stack = new TerraformStack(testApp(), "stack");
    const mount = new TerraformVariable(stack, "mount", { type: "string" }).stringValue;
    const connector = new TunnelConnector(stack, "Connector", {
      vault: { role: "r", dataPath: `${mount}/data/x` },
    });
    expect(problemsOf(connector)).toEqual([]);
    const [job] = new Template(stack).resources(Job);
    expect(job).toMatchObject({ hcl2: { vars: { vault_path: "${var.mount}/data/x" } } });
  });

  it("include a token in the environment, where Nomad would show it, and the text does not", () => {
    const driver = ConnectorDriver.docker({ environment: { TUNNEL_TOKEN: "the-token-itself" } });
    const problems = problemsOf(made({ driver }));
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("the-token-itself");
  });
});
