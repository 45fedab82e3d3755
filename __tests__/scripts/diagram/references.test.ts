import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { AclToken } from "@cdktf/provider-nomad/lib/acl-token";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { Password } from "@cdktf/provider-random/lib/password";
import { TerraformLocal } from "cdktf";
import { namesIn, referencesOf } from "../../../scripts/diagram/references";
import { readStack } from "../../../scripts/diagram/stack";
import { stackOf } from "./support";

describe("names in a text", () => {
  test.each([
    ["a reference", "${nomad_job.x.id}", ["nomad_job.x"]],
    ["a data source", "a-${data.github_repositories.x.names}-b", ["data.github_repositories.x"]],
    ["a name with hyphens and digits", "${nomad_job.a-b_1.id}", ["nomad_job.a-b_1"]],
    ["two in one expression", "${merge(nomad_job.a, local.b)}", ["nomad_job.a", "local.b"]],
    ["a directive", "%{ if nomad_job.a.id == 1 }x%{ endif }", ["nomad_job.a"]],
    [
      "an object in an expression",
      "${{ a = nomad_job.a.id }}-${nomad_job.b.id}",
      ["nomad_job.a", "nomad_job.b"],
    ],
    ["a sequence in a string in an expression", '${join("${nomad_job.a.id}}", [])}', ["nomad_job.a"]],
  ])("%s is found", (_, text, names) => {
    expect(namesIn(text)).toEqual(names);
  });

  test.each([
    ["text beside a sequence", "nomad_job.x.id"],
    ["an escaped sequence", "$${nomad_job.x.id}"],
    ["an escaped directive", "%%{nomad_job.x.id}"],
    ["an escaped sequence in a string", '${f("$${nomad_job.x.id}")}'],
    ["a string in an expression", '${f("nomad_job.x.id \\" nomad_job.y.id")}'],
  ])("%s is no reference", (_, text) => {
    expect(namesIn(text)).toEqual([]);
  });
});

describe("the references of a stack", () => {
  test("are its values, its depends_on, and the configuration of each provider", () => {
    const references = referencesOf(
      stackOf((stack) => {
        const admin = new Password(stack, "Admin", { length: 8 });
        new NomadProvider(stack, "Nomad", { address: "https://nomad", secretId: admin.result });
        const namespace = new Namespace(stack, "Namespace", { name: "runners" });
        const policy = new AclPolicy(stack, "Policy", { name: "p", rulesHcl: namespace.name });
        new AclToken(stack, "Token", { type: "client", policies: [policy.name], dependsOn: [namespace] });
      }),
    );
    expect(references.map(({ from, to, via }) => `${from} ${via} ${to}`)).toEqual([
      "nomad_acl_policy.Policy value nomad_namespace.Namespace",
      "nomad_acl_policy.Policy provider random_password.Admin",
      "nomad_acl_token.Token value nomad_acl_policy.Policy",
      "nomad_acl_token.Token depends_on nomad_namespace.Namespace",
      "nomad_acl_token.Token provider random_password.Admin",
      "nomad_namespace.Namespace provider random_password.Admin",
    ]);
  });

  test("go through locals of locals, and a local that names itself ends", () => {
    const stack = stackOf((it) => {
      const secret = new Password(it, "Secret", { length: 8 });
      const inner = new TerraformLocal(it, "Inner", { a: secret.result });
      const outer = new TerraformLocal(it, "Outer", [inner.expression]);
      new Namespace(it, "Namespace", { name: outer.asString });
    });
    expect(referencesOf(stack)).toEqual([
      { from: "nomad_namespace.Namespace", to: "random_password.Secret", via: "value" },
    ]);
    const circular = { ...stack, locals: { Outer: "${local.Outer}" } };
    expect(referencesOf(circular)).toEqual([]);
  });

  test("take an alias's configuration, not that of the provider's default", () => {
    const references = referencesOf(
      stackOf((stack) => {
        const secret = new Password(stack, "Secret", { length: 8 });
        new NomadProvider(stack, "Nomad", { address: "https://one" });
        const provider = new NomadProvider(stack, "Other", {
          alias: "other",
          address: "https://two",
          secretId: secret.result,
        });
        new Namespace(stack, "Plain", { name: "a" });
        new Namespace(stack, "Aliased", { name: "b", provider });
      }),
    );
    expect(references).toEqual([
      { from: "nomad_namespace.Aliased", to: "random_password.Secret", via: "provider" },
    ]);
  });

  test("name a trigger of replacement, which stands without a sequence", () => {
    const stack = readStack(
      JSON.stringify({
        "//": { metadata: { stackName: "x" } },
        resource: {
          nomad_acl_token: { t: { lifecycle: { replace_triggered_by: ["terraform_data.g"] } } },
          terraform_data: { g: {} },
        },
      }),
    );
    expect(referencesOf(stack)).toEqual([
      { from: "nomad_acl_token.t", to: "terraform_data.g", via: "value" },
    ]);
  });

  test("a depends_on of what is not there is an error", () => {
    const stack = readStack(
      JSON.stringify({
        "//": { metadata: { stackName: "x" } },
        resource: { nomad_namespace: { n: { depends_on: ["nomad_job.gone"] } } },
      }),
    );
    expect(() => referencesOf(stack)).toThrow(
      'depends_on must name a resource of the stack, got "nomad_job.gone"',
    );
  });
});

describe("reading a stack", () => {
  test("refuses a text that cdktf did not write, and a module", () => {
    expect(() => readStack("{}")).toThrow("no name under //.metadata");
    expect(() => readStack('{"//":{"metadata":{"stackName":"x"}},"module":{"m":{}}}')).toThrow(
      "holds a module",
    );
  });
});
