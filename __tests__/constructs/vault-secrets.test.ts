import { JwtAuthBackend } from "@cdktf/provider-vault/lib/jwt-auth-backend";
import { JwtAuthBackendRole } from "@cdktf/provider-vault/lib/jwt-auth-backend-role";
import { KvSecretV2 } from "@cdktf/provider-vault/lib/kv-secret-v2";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import { DataResource, TerraformStack, TerraformVariable } from "cdktf";
import { VaultSecrets } from "../../constructs/vault-secrets";
import type { VaultSecretsProps } from "../../constructs/vault-secrets-props";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: VaultSecretsProps = {
  kvMount: "kv",
  values: { token: "the-token" },
  nomadNamespace: "default",
  nomadJobId: "github-runners-connector",
};

function made(overrides: Partial<VaultSecretsProps> = {}): VaultSecrets {
  return new VaultSecrets(new TerraformStack(testApp(), "stack"), "Secrets", { ...PROPS, ...overrides });
}

function template(overrides: Partial<VaultSecretsProps> = {}): Template {
  return new Template(TerraformStack.of(made(overrides)));
}

/** The one local: the fields as Terraform gets them. */
function values(overrides: Partial<VaultSecretsProps> = {}): [string, unknown] {
  const [[name, value] = ["none", undefined]] = Object.entries(template(overrides).block("locals"));
  return [name, value];
}

describe("The secret", () => {
  it("lies where it is told, as an argument whose change Terraform sees, and goes with all its versions", () => {
    const [name, fields] = values();
    expect(fields).toEqual({ token: "the-token" });
    const secret = template().resource(KvSecretV2);
    expect(secret).toMatchObject({
      mount: "kv",
      name: "github-runners/connector",
      data_json: `\${jsonencode(local.${name})}`,
      delete_all_versions: true,
    });
    expect(secret).not.toHaveProperty("data_json_wo");
    expect(template({ kvName: "a/b" }).resource(KvSecretV2)["name"]).toBe("a/b");
  });

  it("holds literal values as they are and references as references", () => {
    const stack = new TerraformStack(testApp(), "stack");
    const variable = new TerraformVariable(stack, "token", { type: "string", sensitive: true });
    new VaultSecrets(stack, "Secrets", {
      ...PROPS,
      values: { token: variable.stringValue, literal: '"${x}" \\ %{y}' },
    });
    const [fields] = Object.values(new Template(stack).block("locals"));
    expect(fields).toEqual({ literal: '"$${x}" \\ %%{y}', token: "${var.token}" });
  });
});

describe("The policy", () => {
  it("lets read the secret's data path, and nothing else", () => {
    const policy = template({ kvMount: "kv", kvName: "a/b" }).resource(Policy);
    expect(policy["policy"]).toBe('path "kv/data/a/b" {\n  capabilities = ["read"]\n}\n');
    expect(policy["name"]).toBe("github-runners-connector");
  });
});

describe("The role", () => {
  it("lets in the job of that namespace, and no other", () => {
    const role = template().resource(JwtAuthBackendRole);
    expect(role).toMatchObject({
      backend: "jwt-nomad",
      role_name: "github-runners-connector",
      role_type: "jwt",
      bound_audiences: ["vault.io"],
      bound_claims: { nomad_namespace: "default", nomad_job_id: "github-runners-connector" },
      user_claim: "/nomad_job_id",
      user_claim_json_pointer: true,
    });
  });

  it("gives a token for this policy that lives as long as it is renewed", () => {
    const found = template();
    const [policy = "none"] = Object.keys(found.block("resource")["vault_policy"] ?? {});
    expect(found.resource(JwtAuthBackendRole)).toMatchObject({
      token_type: "service",
      token_period: 1_800,
      token_explicit_max_ttl: 0,
      token_policies: [`\${vault_policy.${policy}.name}`],
    });
  });

  it("has Terraform evaluate nothing in an audience or an address", () => {
    const found = template({ audience: "${a}", jwksUrl: "https://nomad.example.net/%{b}" });
    expect(found.resource(JwtAuthBackendRole)).toMatchObject({ bound_audiences: ["$${a}"] });
    expect(found.resource(JwtAuthBackend)).toMatchObject({ jwks_url: "https://nomad.example.net/%%{b}" });
  });

  it("takes another name, audience and auth method", () => {
    const found = template({ roleName: "other", audience: "aud", jwtAuthPath: "jwt/east" });
    expect(found.resource(JwtAuthBackendRole)).toMatchObject({
      backend: "jwt/east",
      role_name: "other",
      bound_audiences: ["aud"],
    });
    expect(found.resource(Policy)["name"]).toBe("other");
  });
});

describe("The auth method", () => {
  it("is Nomad's as a whole, so it is not made unless its keys are named", () => {
    expect(template().resources(JwtAuthBackend)).toEqual([]);
  });

  it("is made at its path with Nomad's keys, before the role", () => {
    const found = template({ jwksUrl: "https://nomad.example.net:4646/.well-known/jwks.json" });
    expect(found.resource(JwtAuthBackend)).toMatchObject({
      path: "jwt-nomad",
      type: "jwt",
      jwks_url: "https://nomad.example.net:4646/.well-known/jwks.json",
      jwt_supported_algs: ["RS256", "EdDSA"],
    });
    expect(found.resource(JwtAuthBackendRole)["backend"]).toMatch(
      /^\$\{vault_jwt_auth_backend\.\w+\.path\}$/,
    );
  });
});

describe("What others get of it", () => {
  it("is the role, the path of a template, the audience, and all that has to stand", () => {
    const secrets = made({ kvMount: "kv", kvName: "a/b", audience: "aud", roleName: "r" });
    expect([secrets.role, secrets.dataPath, secrets.audience]).toEqual(["r", "kv/data/a/b", "aud"]);
    const stack = TerraformStack.of(secrets);
    new DataResource(stack, "After", { dependsOn: [...secrets.ready] });
    expect(new Template(stack).resource(DataResource)["depends_on"]).toEqual([
      expect.stringMatching(/^vault_kv_secret_v2\./),
      expect.stringMatching(/^vault_policy\./),
      expect.stringMatching(/^vault_jwt_auth_backend_role\./),
    ]);
  });
});

describe("Its mistakes", () => {
  it("are none with the least that it takes", () => {
    expect(problemsOf(made())).toEqual([]);
  });

  it.each([
    ["kvMount", { kvMount: "kv/" }],
    ["kvMount", { kvMount: "" }],
    ["kvName", { kvName: "github-runners/*" }],
    ["kvName", { kvName: "+/connector" }],
    ["kvName", { kvName: "../other" }],
    ["kvName", { kvName: "data/github-runners" }],
    ["kvName", { kvName: 'x" { }' }],
    ["jwtAuthPath", { jwtAuthPath: "/jwt-nomad" }],
    ["roleName", { roleName: "a/b" }],
    ["jwksUrl", { jwksUrl: "nomad.example.net:4646" }],
    ["audience", { audience: "" }],
    ["nomadNamespace", { nomadNamespace: "" }],
    ["nomadJobId", { nomadJobId: " " }],
    ["values", { values: {} }],
    ["values", { values: { "to-ken": "x" } }],
  ] satisfies [string, Partial<VaultSecretsProps>][])("%s: %j is one", (prop, overrides) => {
    expect(problemsOf(made(overrides))).toEqual([expect.stringContaining(`[stack/Secrets] ${prop}: `)]);
  });

  it("are told without the secret", () => {
    const problems = problemsOf(made({ values: { "a b": "the-secret-itself" } }));
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("the-secret-itself");
  });
});
