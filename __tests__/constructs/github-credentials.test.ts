import { TerraformStack } from "cdktf";
import { GithubCredentials } from "../../constructs/github-credentials";
import { resolved } from "../support/resolved";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";

afterAll(removeOutputs);

function scope(): TerraformStack {
  return new TerraformStack(testApp(), "stack");
}

describe("GithubCredentials", () => {
  it("refers to an App's key in the Secrets Store", () => {
    const stack = scope();
    const credentials = GithubCredentials.secretsStore({ appId: "1", storeId: "s", secretName: "n" });
    expect(credentials.bind(stack)).toEqual({
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: { storeId: "s", secretName: "n" },
    });
    expect(new Template(stack).block("variable")).toEqual({});
    expect(warningsOf(stack)).toEqual([]);
  });

  it("refers to a token in the Secrets Store when no App is named", () => {
    const credentials = GithubCredentials.secretsStore({ storeId: "s", secretName: "n" });
    expect(credentials.bind(scope())).toEqual({ GITHUB_TOKEN: { storeId: "s", secretName: "n" } });
  });

  it.each([
    [{ appId: "1" }, "github_app_private_key"],
    [{}, "github_token"],
  ])("asks for the secret of %j as a sensitive variable and warns of the state", (props, name) => {
    const stack = scope();
    GithubCredentials.variable(props).bind(stack);
    expect(new Template(stack).block("variable")).toMatchObject({
      [name]: { sensitive: true, nullable: false },
    });
    expect(warningsOf(stack)).toEqual([expect.stringContaining("GithubCredentials.secretsStore")]);
  });

  it.each([
    [{}, "github_token", { GITHUB_TOKEN: expect.stringMatching(/data\["github_token"\]/) as unknown }],
    [
      { appId: "1" },
      "github_app_private_key",
      {
        GITHUB_APP_ID: "1",
        GITHUB_APP_PRIVATE_KEY: expect.stringMatching(/data\["github_app_private_key"\]/) as unknown,
      },
    ],
    [
      { field: "worker.pem", appId: "1" },
      "worker.pem",
      { GITHUB_APP_PRIVATE_KEY: expect.anything() as unknown },
    ],
  ])("reads %j from Vault and warns of the state", (props, field, bindings) => {
    const stack = scope();
    const bound = GithubCredentials.vaultKv({ mount: "kv", name: "github-runners/worker", ...props }).bind(
      stack,
    );
    const values = Object.fromEntries(
      Object.entries(bound).map(([name, value]) => [name, resolved(stack, value as string)]),
    );
    expect(values).toMatchObject(bindings);
    const [secret] = Object.values(new Template(stack).block("data")["vault_kv_secret_v2"] ?? {});
    expect(secret).toMatchObject({
      mount: "kv",
      name: "github-runners/worker",
      lifecycle: { postcondition: [{ condition: `\${lookup(self.data, "${field}", "") != ""}` }] },
    });
    expect(warningsOf(stack)).toEqual([
      expect.stringMatching(
        /^The GitHub credential, read from Vault's kv\/github-runners\/worker, will lie readable.*key_prefix.*secretsStore/,
      ),
    ]);
  });

  it("refuses a path or a field that Terraform would read otherwise", () => {
    const stack = scope();
    GithubCredentials.vaultKv({ mount: "kv/", name: "a b", field: 'x"]' }).bind(stack);
    expect(problemsOf(stack.node.findChild("GithubCredential"))).toEqual([
      expect.stringContaining(
        'mount: must be letters, digits, ., - and _ in parts joined by /, with none at either end, got "kv/"',
      ),
      expect.stringContaining("name: must be"),
      expect.stringContaining('field: must be letters, digits, ., - and _, got "x"]"'),
    ]);
  });

  it.each([
    ["vaultKv", (app: object) => GithubCredentials.vaultKv({ mount: "kv", name: "n", ...app })],
    [
      "secretsStore",
      (app: object) => GithubCredentials.secretsStore({ storeId: "s", secretName: "n", ...app }),
    ],
    ["variable", (app: object) => GithubCredentials.variable(app)],
  ])("serves several owners from %s only as an App", (_, make) => {
    expect(make({}).problems(["octo-org", "Octo-Org"])).toEqual([]);
    expect(make({}).problems(["octo-org", "me"])).toEqual([
      expect.stringMatching(/^github: must be a GitHub App for several owners.*"octo-org", "me"; give appId/),
    ]);
    expect(make({ appId: "1" }).problems(["octo-org", "me"])).toEqual([]);
  });
});
