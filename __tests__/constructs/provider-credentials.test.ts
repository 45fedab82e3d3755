import { CloudflareProvider } from "@cdktf/provider-cloudflare/lib/provider";
import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { DataVaultKvSecretV2 } from "@cdktf/provider-vault/lib/data-vault-kv-secret-v2";
import { TerraformStack } from "cdktf";
import { ProviderCredentials } from "../../constructs/provider-credentials";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";

afterAll(removeOutputs);

const APP = { appId: "1234", installations: { "octo-org": "11", Me: "22" } };
const KV = { mount: "kv", name: "github-runners/providers" };

/** A stack whose providers have these credentials, with a GitHub provider for each owner. */
function declare(credentials: ProviderCredentials, owners: readonly string[] = ["octo-org"]): TerraformStack {
  const stack = new TerraformStack(testApp(), "stack");
  const bound = credentials.bind(stack);
  for (const owner of owners)
    new GithubProvider(stack, `Github-${owner}`, { alias: owner, ...bound.github(owner) });
  new CloudflareProvider(stack, "Cloudflare", { ...bound.cloudflare });
  new NomadProvider(stack, "Nomad", { address: "http://127.0.0.1:4646", ...bound.nomad });
  return stack;
}

function providers(stack: TerraformStack): unknown {
  return new Template(stack).block("provider");
}

function kvSecret(stack: TerraformStack): unknown {
  const secrets = new Template(stack).block("data")[DataVaultKvSecretV2.tfResourceType];
  return Object.values(secrets ?? {})[0];
}

describe("ProviderCredentials from the environment", () => {
  it("leave the credentials to the providers, and Nomad's namespace and region to the stack", () => {
    const stack = declare(ProviderCredentials.environment());
    expect(providers(stack)).toEqual({
      cloudflare: [{}],
      github: [{ alias: "octo-org", owner: "octo-org" }],
      nomad: [
        { address: "http://127.0.0.1:4646", ignore_env_vars: { NOMAD_NAMESPACE: true, NOMAD_REGION: true } },
      ],
    });
    expect(warningsOf(stack)).toEqual([]);
    expect(new Template(stack).block("variable")).toEqual({});
  });

  it("name the App's installation of each owner, and leave its key to the provider", () => {
    expect(
      providers(declare(ProviderCredentials.environment({ githubApp: APP }), ["octo-org", "me"])),
    ).toMatchObject({
      github: [
        { owner: "octo-org", app_auth: { id: "1234", installation_id: "11" } },
        { owner: "me", app_auth: { id: "1234", installation_id: "22" } },
      ],
    });
    expect(
      JSON.stringify(new Template(declare(ProviderCredentials.environment({ githubApp: APP }))).json),
    ).not.toContain("pem_file");
  });
});

describe("ProviderCredentials from Vault", () => {
  it("are fields of one secret, and synth warns of the state", () => {
    const stack = declare(ProviderCredentials.vaultKv(KV));
    const field = (name: string): unknown =>
      expect.stringMatching(new RegExp(`^\\$\\{data\\.vault_kv_secret_v2\\.\\w+\\.data\\["${name}"\\]\\}$`));
    expect(providers(stack)).toMatchObject({
      cloudflare: [{ api_token: field("cloudflare_api_token") }],
      github: [{ owner: "octo-org", token: field("github_token") }],
      nomad: [{ secret_id: field("nomad_token"), ignore_env_vars: { NOMAD_NAMESPACE: true } }],
    });
    expect(kvSecret(stack)).toMatchObject({ mount: "kv", name: "github-runners/providers" });
    expect(warningsOf(stack)).toEqual([
      expect.stringMatching(/state\. .*key_prefix .*ProviderCredentials\.environment/),
    ]);
  });

  it("hold the App's key instead of a token", () => {
    const stack = declare(ProviderCredentials.vaultKv({ ...KV, githubApp: APP }));
    expect(providers(stack)).toMatchObject({
      github: [{ app_auth: { pem_file: expect.stringContaining('data["github_app_pem"]') as unknown } }],
    });
    expect(JSON.stringify(providers(stack))).not.toContain("github_token");
  });

  // Left out or empty, a provider would go on with what it finds elsewhere.
  it("fail the plan when a field is missing or empty, or the key is not PKCS#1", () => {
    const conditions = (credentials: ProviderCredentials): unknown => kvSecret(declare(credentials));
    const present = (name: string): unknown => ({
      condition: `\${lookup(self.data, "${name}", "") != ""}`,
      error_message: expect.stringContaining(`must have the field ${name}`) as unknown,
    });
    expect(conditions(ProviderCredentials.vaultKv(KV))).toMatchObject({
      lifecycle: {
        postcondition: [present("github_token"), present("cloudflare_api_token"), present("nomad_token")],
      },
    });
    expect(conditions(ProviderCredentials.vaultKv({ ...KV, githubApp: APP }))).toMatchObject({
      lifecycle: {
        postcondition: [
          present("github_app_pem"),
          { condition: expect.stringContaining("BEGIN RSA PRIVATE KEY") as unknown },
          present("cloudflare_api_token"),
          present("nomad_token"),
        ],
      },
    });
  });

  it.each([
    [
      { mount: "/kv" },
      'mount: must be letters, digits, ., - and _ in parts joined by /, with none at either end, got "/kv"',
    ],
    [{ name: "a//b" }, "name: must be"],
    [{ name: "${x}" }, "name: must be"],
    [{ name: "" }, "name: must be"],
  ])("refuse the path %j", (path, problem) => {
    const stack = declare(ProviderCredentials.vaultKv({ ...KV, ...path }));
    expect(problemsOf(stack).filter((text) => text.startsWith("[stack/ProviderCredentials]"))).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe.each([
  [
    "the environment",
    (githubApp?: typeof APP) => ProviderCredentials.environment(githubApp && { githubApp }),
  ],
  [
    "Vault",
    (githubApp?: typeof APP) => ProviderCredentials.vaultKv({ ...KV, ...(githubApp && { githubApp }) }),
  ],
])("owners, with credentials from %s", (_, make) => {
  it("may be one with a token, however it is written", () => {
    expect(make().problems([])).toEqual([]);
    expect(make().problems(["octo-org", "Octo-Org"])).toEqual([]);
  });

  it("may not be several with a token", () => {
    expect(make().problems(["octo-org", "me"])).toEqual([
      "providers: must be a GitHub App for several owners, since a personal access token serves one, got a token for " +
        '"octo-org", "me"; give githubApp, or select repositories of one owner',
    ]);
  });

  it("may be several with an App that is installed at each", () => {
    expect(make(APP).problems(["OCTO-org", "me"])).toEqual([]);
  });

  it("may not be without an installation", () => {
    expect(make(APP).problems(["octo-org", "other", "third"])).toEqual([
      expect.stringMatching(
        /^githubApp\.installations: .* got none for other; .* add "other": "<installation id>"$/,
      ),
      expect.stringContaining("got none for third"),
    ]);
    expect(make(APP).bind(new TerraformStack(testApp(), "stack")).github("other")).not.toHaveProperty(
      "appAuth",
    );
  });

  it.each([
    [{ ...APP, appId: "my app" }, 'githubApp.appId: must be the id of a GitHub App, got "my app"'],
    [
      { appId: "1", installations: { me: "one" } },
      'githubApp.installations: must be numbers, got "one" for me',
    ],
    [{ appId: "1", installations: { me: "1", ME: "2" } }, "must name each owner once"],
  ])("get no webhooks with the App %j", (app, problem) => {
    expect(
      make(app as unknown as typeof APP).problems(["me"].slice(0, "me" in app.installations ? 1 : 0)),
    ).toEqual([expect.stringContaining(problem)]);
  });
});
