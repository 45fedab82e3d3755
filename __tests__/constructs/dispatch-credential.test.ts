import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { AclToken } from "@cdktf/provider-nomad/lib/acl-token";
import { TerraformOutput, TerraformStack } from "cdktf";
import { DispatchCredential, type DispatchCredentialProps } from "../../constructs/dispatch-credential";
import { resolved } from "../support/resolved";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";

afterAll(removeOutputs);

function declare(props: Partial<DispatchCredentialProps> = {}): {
  readonly stack: TerraformStack;
  readonly credential: DispatchCredential;
} {
  const stack = new TerraformStack(testApp(), "stack");
  return { stack, credential: new DispatchCredential(stack, "Dispatch", { namespace: "runners", ...props }) };
}

describe("DispatchCredential", () => {
  it("permits to dispatch in its namespace, and nothing else", () => {
    const policy = new Template(declare().stack).resource(AclPolicy);
    expect(policy).toMatchObject({
      name: "github-runners-dispatch",
      rules_hcl: 'namespace "runners" {\n  capabilities = ["dispatch-job"]\n}\n',
    });
  });

  it("makes a client token that does not end, of that policy alone, with the generation in its name", () => {
    const token = new Template(declare().stack).resource(AclToken);
    expect(token).toMatchObject({
      name: "github-runners-dispatch-1",
      type: "client",
      policies: [expect.stringMatching(/^\$\{nomad_acl_policy\.\w+\.name\}$/)],
    });
    expect(token).not.toHaveProperty("expiration_ttl");
    expect(token).not.toHaveProperty("global");
  });

  it("makes the next generation another instance of one resource, so that the old one goes last", () => {
    const token = (generation: number): unknown => {
      const { stack, credential } = declare({ generation });
      new TerraformOutput(stack, "token", { value: credential.token, sensitive: true });
      const { json } = new Template(stack);
      return { resource: json["resource"], output: json["output"] };
    };
    const [second, third] = [token(2), token(3)] as const;
    expect(second).toMatchObject({
      resource: {
        nomad_acl_token: {
          Dispatch_DB0A2E2F: {
            for_each: '${toset(["2"])}',
            name: "github-runners-dispatch-2",
            lifecycle: { create_before_destroy: true },
          },
        },
      },
      output: { token: { value: '${nomad_acl_token.Dispatch_DB0A2E2F["2"].secret_id}' } },
    });
    expect(JSON.stringify(third)).toBe(
      JSON.stringify(second)
        .replaceAll('\\"2\\"', '\\"3\\"')
        .replace("github-runners-dispatch-2", "github-runners-dispatch-3"),
    );
  });

  // The provider reads a TTL back as Go writes it; in another form each plan would make a new token.
  it.each([
    ["24h", "24h0m0s"],
    ["90m", "1h30m0s"],
    ["1h30m", "1h30m0s"],
    ["3600s", "1h0m0s"],
    ["5m", "5m0s"],
    ["1h0m90s", "1h1m30s"],
  ])("writes a life of %s as Go does, %s", (expiresIn, written) => {
    const { stack, credential } = declare({ expiresIn });
    expect(new Template(stack).resource(AclToken)).toMatchObject({ expiration_ttl: written });
    expect(resolved(stack, credential.expiresAt)).toBe(
      '${nomad_acl_token.Dispatch_DB0A2E2F["1"].expiration_time}',
    );
    expect([...problemsOf(credential), ...warningsOf(stack)]).toEqual([]);
  });

  it("has no end to tell of when none was asked for", () => {
    expect(declare().credential.expiresAt).toBeUndefined();
  });

  it.each(["", "24", "1d", "-1h", "h", "0s", "0h0m", "1m1h", "1.5h", "1h ", "${file(1)}"])(
    "refuses a life of %j",
    (expiresIn) => {
      expect(problemsOf(declare({ expiresIn }).credential)).toEqual([
        expect.stringMatching(
          /^\[stack\/Dispatch\] expiresIn: must be hours, minutes and seconds.*got ".*"; /,
        ),
      ]);
    },
  );

  it.each([
    ["25h", "acl.token_max_expiration_ttl"],
    ["24h1s", "acl.token_max_expiration_ttl"],
    ["59s", "acl.token_min_expiration_ttl"],
  ])("warns that servers by default refuse %s", (expiresIn, setting) => {
    const { stack, credential } = declare({ expiresIn });
    expect(problemsOf(credential)).toEqual([]);
    expect(warningsOf(stack)).toEqual([expect.stringContaining(setting)]);
  });

  it.each([
    [{ namespace: "*" }, "namespace: must be letters"],
    [{ namespace: 'a" { policy = "write" }' }, "namespace: must be letters"],
    [{ namespace: "run_ners" }, "namespace: must be letters"],
    [{ name: "n".repeat(129) }, "name: must be letters"],
    [{ generation: 0 }, "generation: must be a whole number from 1, got 0"],
    [{ generation: 1.5 }, "generation: must be a whole number from 1, got 1.5"],
    [{ generation: Number.NaN }, "generation: must be a whole number from 1, got NaN"],
  ])("refuses %j", (props, problem) => {
    expect(problemsOf(declare(props).credential)).toEqual([expect.stringContaining(problem)]);
  });

  it("keeps a name from being read as a template", () => {
    expect(new Template(declare({ namespace: "${x}" }).stack).resource(AclPolicy)["rules_hcl"]).toContain(
      '"$${x}"',
    );
  });

  it("takes a namespace that is known only at apply", () => {
    const { stack } = declare();
    const credential = new DispatchCredential(stack, "Other", {
      namespace: new AclPolicy(stack, "Any", { name: "n", rulesHcl: "" }).name,
    });
    expect(problemsOf(credential)).toEqual([]);
  });

  it("warns of the default namespace, whose other jobs it could dispatch", () => {
    expect(warningsOf(declare({ namespace: "default" }).stack)).toEqual([
      expect.stringContaining("every parameterized job"),
    ]);
    expect(warningsOf(declare().stack)).toEqual([]);
  });

  it("is ready when the token is", () => {
    const { credential } = declare();
    expect(credential.ready).toEqual([expect.any(AclToken)]);
  });
});
