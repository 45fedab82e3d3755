import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { GithubCredentials, ProviderCredentials, RepositorySelection, RunnersStack } from "../../index";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";
import { SETTINGS } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

/** Everything that a real synth writes. */
function synthesized(): { readonly json: string; readonly outdir: string } {
  const app = testApp();
  new RunnersStack(app, "github-runners", SETTINGS);
  app.synth();
  const json = readFileSync(join(app.outdir, "stacks", "github-runners", "cdk.tf.json"), "utf8");
  return { json, outdir: app.outdir };
}

describe("RunnersStack", () => {
  it("has no problem and warns only of the credential in the state", () => {
    const whole = stackWith();
    expect(problemsOf(whole)).toEqual([]);
    expect(warningsOf(whole)).toEqual([expect.stringContaining("readable in Terraform's state")]);
  });

  it("gives the same bytes in two synths", () => {
    expect(synthesized().json).toBe(synthesized().json);
  });

  it("holds no path of this machine", () => {
    const { json, outdir } = synthesized();
    for (const path of [process.cwd(), outdir, homedir(), __dirname]) expect(json).not.toContain(path);
    // Paths on the nodes and in Nomad's and Vault's APIs begin with a slash, too.
    const absolute = [...json.matchAll(/"(\/[^"\\/][^"\\]*)"/g)].map(([, path]) => path);
    expect(absolute.toSorted()).toEqual(["/home/runner", "/nomad_job_id", "/opt/runner"]);
  });

  it("takes from outside only what it cannot generate, as a sensitive variable without a default", () => {
    const variables = new Template(stackWith()).block("variable");
    expect(Object.keys(variables)).toEqual(["github_app_private_key"]);
    expect(variables["github_app_private_key"]).toMatchObject({ sensitive: true, nullable: false });
    expect(variables["github_app_private_key"]).not.toHaveProperty("default");
  });

  it("holds no secret: each is a reference", () => {
    const bindings = [...bindingsOf(new Template(stackWith())).values()];
    const secrets = bindings.filter(({ type }) => type === "secret_text");
    expect(secrets.length).toBeGreaterThan(6);
    for (const { text } of secrets)
      expect(text).toMatch(/^\$\{[a-z_]+\.[A-Za-z0-9_.]+(?:\["\d+"\]\.[a-z_]+)?\}$/);
  });

  it("keeps the state in Consul, locked, and names no token for it", () => {
    const { terraform } = new Template(stackWith()).json as { terraform: { backend: unknown } };
    expect(terraform.backend).toEqual({
      consul: {
        address: "127.0.0.1:8500",
        scheme: "http",
        path: "terraform/github-runners",
        gzip: true,
        lock: true,
      },
    });
  });

  it("reaches Consul over TLS unless told otherwise", () => {
    const { terraform } = new Template(stackWith({ consul: { address: "c:8501", path: "p" } })).json as {
      terraform: { backend: unknown };
    };
    expect(terraform.backend).toMatchObject({ consul: { scheme: "https" } });
  });

  it("tells where deliveries go and how to look at it, the token as sensitive", () => {
    const outputs = new Template(stackWith()).block("output");
    expect(outputs["webhook_url"]).toMatchObject({ value: "https://runners.example.com/webhook" });
    expect(outputs["status_url"]).toMatchObject({ value: "https://runners.example.com/status" });
    expect(outputs["nomad_address"]).toMatchObject({ value: "https://nomad.example.com" });
    expect(outputs["status_token"]).toMatchObject({ sensitive: true });
  });
});

describe("the providers of RunnersStack", () => {
  const ignoringNomad = { ignore_env_vars: { NOMAD_NAMESPACE: true, NOMAD_REGION: true } };

  it("are configured without a credential, one of GitHub's for each owner", () => {
    const repositories = [
      RepositorySelection.named(["octo-org/example", "me/tool"]),
      RepositorySelection.owner({ owner: "Hub_Bot" }),
    ];
    expect(new Template(stackWith({ repositories })).block("provider")).toEqual({
      cloudflare: [{}],
      github: [
        { alias: "owner_me", owner: "me" },
        { alias: "owner_octo-org", owner: "octo-org" },
        { alias: "owner_hub_bot", owner: "Hub_Bot" },
      ],
      nomad: [{ address: "http://127.0.0.1:4646", ...ignoringNomad }],
      random: [{}],
      vault: [{ address: "http://127.0.0.1:8200" }],
    });
  });

  it("make each owner's webhooks by the owner's own provider", () => {
    const repositories = [RepositorySelection.named(["octo-org/example", "me/tool"])];
    const hooks = new Template(stackWith({ repositories })).resources(RepositoryWebhook);
    expect(hooks.map(({ provider }) => provider)).toEqual(["github.owner_me", "github.owner_octo-org"]);
  });

  it("give their credentials' own problems: a token cannot serve two owners", () => {
    const repositories = [RepositorySelection.named(["octo-org/example", "me/tool"])];
    const token = stackWith({ repositories, github: GithubCredentials.variable() });
    expect(problemsOf(token)).toEqual([
      expect.stringMatching(/^\[github-runners\] providers: must be a GitHub App for several owners/),
      expect.stringMatching(/^\[github-runners\/Runners\] github: must be a GitHub App for several owners/),
    ]);
    const githubApp = { appId: "1", installations: { "octo-org": "2", me: "3" } };
    const app = stackWith({ repositories, providers: ProviderCredentials.environment({ githubApp }) });
    expect(problemsOf(app)).toEqual([]);
  });

  it("take their credentials from Vault when asked to, and warn", () => {
    const whole = stackWith({ providers: ProviderCredentials.vaultKv({ mount: "kv", name: "deploy" }) });
    const { cloudflare, github, nomad } = new Template(whole).block("provider") as unknown as Record<
      string,
      readonly Readonly<Record<string, string>>[]
    >;
    expect(cloudflare?.[0]?.["api_token"]).toMatch(/^\$\{.*cloudflare_api_token.*\}$/);
    expect(github?.[0]?.["token"]).toMatch(/^\$\{.*github_token.*\}$/);
    expect(nomad?.[0]?.["secret_id"]).toMatch(/^\$\{.*nomad_token.*\}$/);
    expect(warningsOf(whole)).toContainEqual(expect.stringContaining("credentials of the providers"));
  });

  it("let a deploy of many webhooks take longer than Vault's token would live", () => {
    const vault = { address: "http://127.0.0.1:8200", maxLeaseTtlSeconds: 7_200 };
    expect(new Template(stackWith({ vault })).block("provider")["vault"]).toEqual([
      { address: "http://127.0.0.1:8200", max_lease_ttl_seconds: 7_200 },
    ]);
  });

  it("and the Worker use the same GitHub Enterprise Server", () => {
    const template = new Template(stackWith({ githubServerUrl: "https://github.example.com/" }));
    expect(template.block("provider")["github"]).toEqual([
      { alias: "owner_octo-org", owner: "octo-org", base_url: "https://github.example.com/" },
    ]);
    expect(bindingsOf(template).get("GITHUB_API_URL")).toMatchObject({
      text: "https://github.example.com/api/v3",
    });
  });

  describe("in an environment that would lead them elsewhere", () => {
    const before = { ...process.env };
    afterEach(() => {
      process.env = { ...before };
    });

    it.each([
      ["GITHUB_OWNER", "somebody-else"],
      ["GITHUB_BASE_URL", "https://github.example.com/"],
      ["CLOUDFLARE_API_KEY", "a-global-key"],
    ])("are refused when %s is set, without a credential in the text", (name, value) => {
      process.env[name] = value;
      const found = problemsOf(stackWith());
      expect(found).toEqual([expect.stringMatching(new RegExp(`^\\[github-runners\\] ${name}: must`))]);
      if (name === "CLOUDFLARE_API_KEY") expect(found[0]).not.toContain(value);
    });
  });
});
