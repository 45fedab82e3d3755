import { DnsRecord } from "@cdktf/provider-cloudflare/lib/dns-record";
import { ZeroTrustAccessApplication } from "@cdktf/provider-cloudflare/lib/zero-trust-access-application";
import { ZeroTrustAccessPolicy } from "@cdktf/provider-cloudflare/lib/zero-trust-access-policy";
import { ZeroTrustAccessServiceToken } from "@cdktf/provider-cloudflare/lib/zero-trust-access-service-token";
import { ZeroTrustTunnelCloudflared } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared";
import { ZeroTrustTunnelCloudflaredConfigA } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared-config";
import { Password } from "@cdktf/provider-random/lib/password";
import { DataResource, TerraformOutput, TerraformStack } from "cdktf";
import { NomadGateway } from "../../constructs/nomad-gateway";
import type { NomadGatewayProps } from "../../constructs/nomad-gateway-props";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: NomadGatewayProps = {
  accountId: "account",
  zoneId: "zone",
  hostname: "nomad.example.com",
  accessTeamName: "octo-team",
  origin: "http://127.0.0.1:4646",
  jobs: ["github-runner-linux", "github-runner-arm.64"],
};

interface IngressRule {
  readonly hostname?: string;
  readonly path?: string;
  readonly service: string;
  readonly origin_request?: Readonly<Record<string, unknown>>;
}

function made(overrides: Partial<NomadGatewayProps> = {}): NomadGateway {
  return new NomadGateway(new TerraformStack(testApp(), "stack"), "Gateway", { ...PROPS, ...overrides });
}

function template(overrides: Partial<NomadGatewayProps> = {}): Template {
  return new Template(TerraformStack.of(made(overrides)));
}

function ingress(overrides: Partial<NomadGatewayProps> = {}): readonly IngressRule[] {
  const { config } = template(overrides).resource(ZeroTrustTunnelCloudflaredConfigA);
  return (config as { ingress: IngressRule[] }).ingress;
}

/** Terraform's address of the one resource of a type. */
function address(found: Template, type: { readonly tfResourceType: string }): string {
  const [name = "none"] = Object.keys(found.block("resource")[type.tfResourceType] ?? {});
  return `${type.tfResourceType}.${name}`;
}

describe("The tunnel", () => {
  it("takes its routes from Cloudflare, not from a file", () => {
    expect(template().resource(ZeroTrustTunnelCloudflared)).toMatchObject({
      account_id: "account",
      name: "github-runners-nomad",
      config_src: "cloudflare",
    });
    expect(template({ name: "other" }).resource(ZeroTrustTunnelCloudflared)["name"]).toBe("other");
  });

  it("leads the dispatch paths to the origin and everything else to 404", () => {
    const [dispatch, rest, ...more] = ingress();
    expect(more).toEqual([]);
    expect(dispatch).toMatchObject({ hostname: "nomad.example.com", service: "http://127.0.0.1:4646" });
    expect(rest).toEqual({ service: "http_status:404" });
  });

  it("lets through the dispatch of each job that it names, and no other path", () => {
    const path = new RegExp(ingress()[0]?.path ?? "");
    expect(path.test("/v1/job/github-runner-linux/dispatch")).toBe(true);
    expect(path.test("/v1/job/github-runner-arm.64/dispatch")).toBe(true);
    for (const refused of [
      "/v1/job/github-runner-armx64/dispatch",
      "/v1/job/github-runner-linux/dispatch/more",
      "/v1/job/github-runner-linux",
      "/v1/job/other/dispatch",
      "/x/v1/job/github-runner-linux/dispatch",
      "/v1/job/github-runner-linux/dispatch\n/v1/jobs",
      "/v1/jobs",
      "/",
    ]) {
      expect([refused, path.test(refused)]).toEqual([refused, false]);
    }
  });

  it("names a job once when it is given twice", () => {
    expect(ingress({ jobs: ["a", "b", "a"] })[0]?.path).toBe("^/v1/job/(a|b)/dispatch$");
  });

  it("has the connector ask for the JWT of this application and this team", () => {
    const found = template();
    const { config } = found.resource(ZeroTrustTunnelCloudflaredConfigA);
    const [rule] = (config as { ingress: IngressRule[] }).ingress;
    expect(rule?.origin_request).toEqual({
      access: {
        required: true,
        team_name: "octo-team",
        aud_tag: [`\${${address(found, ZeroTrustAccessApplication)}.aud}`],
      },
    });
  });

  it("trusts another authority and another name of the origin when told so", () => {
    const [rule] = ingress({
      origin: "https://nomad.service.consul:4646",
      caPool: "/etc/nomad/ca.pem",
      originServerName: "server.global.nomad",
    });
    expect(rule?.origin_request).toMatchObject({
      ca_pool: "/etc/nomad/ca.pem",
      origin_server_name: "server.global.nomad",
    });
  });

  it("is made with a secret of its own, of which its token is made, so that a plan asks Cloudflare for nothing", () => {
    const gateway = made();
    const stack = TerraformStack.of(gateway);
    new TerraformOutput(stack, "token", { value: gateway.tunnelToken, sensitive: true });
    const found = new Template(stack);
    const secret = `base64encode(${address(found, Password)}.result)`;
    expect(found.resource(ZeroTrustTunnelCloudflared)["tunnel_secret"]).toBe(`\${${secret}}`);
    expect(found.block("output")["token"]?.["value"]).toBe(
      `\${base64encode(jsonencode({"a" = "account", "t" = ${address(found, ZeroTrustTunnelCloudflared)}.id, "s" = ${secret}}))}`,
    );
    expect(found.block("data")).toEqual({});
  });

  it("gets another secret by its generation, and keeps none: Cloudflare takes one", () => {
    const names = (overrides: Partial<NomadGatewayProps>): readonly string[] =>
      Object.keys(template(overrides).block("resource")[Password.tfResourceType] ?? {});
    expect(names({})).toEqual([expect.stringMatching(/^Gateway_TunnelSecret_Generation1_/)]);
    expect(names({ tunnelSecretGeneration: 3 })).toEqual([
      expect.stringMatching(/^Gateway_TunnelSecret_Generation3_/),
    ]);
    expect(problemsOf(made({ tunnelSecretGeneration: 0 }))).toEqual([
      expect.stringMatching(/^\[stack\/Gateway\/TunnelSecret\] generation: must be/),
    ]);
  });
});

describe("Access", () => {
  it("admits this one service token, by a policy that counts service tokens", () => {
    const found = template();
    const policy = found.resource(ZeroTrustAccessPolicy);
    expect(policy).toMatchObject({ decision: "non_identity", session_duration: "24h" });
    expect(policy["include"]).toEqual([
      { service_token: { token_id: `\${${address(found, ZeroTrustAccessServiceToken)}.id}` } },
    ]);
    expect(policy).not.toHaveProperty("exclude");
  });

  it("stands before the whole hostname, with every argument spelt out that would come back as a change", () => {
    const found = template();
    expect(found.resource(ZeroTrustAccessApplication)).toMatchObject({
      account_id: "account",
      type: "self_hosted",
      domain: "nomad.example.com",
      session_duration: "24h",
      app_launcher_visible: false,
      http_only_cookie_attribute: true,
      service_auth_401_redirect: true,
      policies: [{ id: `\${${address(found, ZeroTrustAccessPolicy)}.id}`, precedence: 1 }],
    });
  });

  it("takes the first secret of a token that lasts a year, unless told otherwise", () => {
    const token = template().resource(ZeroTrustAccessServiceToken);
    expect(token["duration"]).toBe("8760h");
    expect(token).not.toHaveProperty("client_secret_version");
    expect(token).not.toHaveProperty("previous_client_secret_expires_at");
    const other = template({ serviceTokenDuration: "17520h" }).resource(ZeroTrustAccessServiceToken);
    expect(other["duration"]).toBe("17520h");
  });

  it("rotates the secret while the previous one still holds", () => {
    const rotated = template({
      serviceTokenRotation: { version: 2, previousEndsAt: "2027-01-01T00:00:00Z" },
    }).resource(ZeroTrustAccessServiceToken);
    expect(rotated).toMatchObject({
      client_secret_version: 2,
      previous_client_secret_expires_at: "2027-01-01T00:00:00Z",
    });
  });
});

describe("The DNS record", () => {
  it("leads the full name to the tunnel, through Cloudflare", () => {
    const found = template();
    expect(found.resource(DnsRecord)).toMatchObject({
      zone_id: "zone",
      name: "nomad.example.com",
      type: "CNAME",
      content: `\${${address(found, ZeroTrustTunnelCloudflared)}.id}.cfargotunnel.com`,
      proxied: true,
      ttl: 1,
    });
  });

  it("comes after Access and the routes, and so goes before them", () => {
    const found = template();
    expect(found.resource(DnsRecord)["depends_on"]).toEqual([
      address(found, ZeroTrustAccessApplication),
      address(found, ZeroTrustTunnelCloudflaredConfigA),
    ]);
  });
});

describe("What others get of it", () => {
  it("is the origin, what Access asks for, and when that ends", () => {
    const gateway = made();
    expect(gateway.address).toBe("https://nomad.example.com");
    const stack = TerraformStack.of(gateway);
    const { clientId, clientSecret, expiresAt } = gateway.access;
    new TerraformOutput(stack, "access", {
      value: [clientId, clientSecret, expiresAt],
      sensitive: true,
    });
    new DataResource(stack, "After", { dependsOn: [...gateway.ready] });
    const found = new Template(stack);
    const token = address(found, ZeroTrustAccessServiceToken);
    expect(found.block("output")["access"]?.["value"]).toEqual([
      `\${${token}.client_id}`,
      `\${${token}.client_secret}`,
      `\${${token}.expires_at}`,
    ]);
    expect(found.resource(DataResource)["depends_on"]).toEqual([
      address(found, DnsRecord),
      address(found, ZeroTrustTunnelCloudflaredConfigA),
    ]);
  });

  it("makes nothing for a way that exists already", () => {
    const access = { clientId: "id", clientSecret: "secret" };
    expect(NomadGateway.fromAttributes({ address: "https://nomad.example.net", access })).toEqual({
      address: "https://nomad.example.net",
      access,
      ready: [],
    });
    expect(NomadGateway.fromAttributes({ address: "https://nomad.example.net" })).not.toHaveProperty(
      "access",
    );
  });
});
