import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { GithubCredentials, RunnersStack, type RunnersStackProps } from "../../index";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";
import { LARGE, LINUX, SETTINGS } from "./settings";

afterAll(removeOutputs);

function stack(overrides: Partial<RunnersStackProps> = {}): RunnersStack {
  return new RunnersStack(testApp(), "github-runners", { ...SETTINGS, ...overrides });
}

/** Hashes of what is bundled and copied change with every line of the Worker and the scripts; the stack does not. */
function masked(json: unknown): unknown {
  const text = JSON.stringify(json)
    .replace(/[0-9a-f]{64}/g, "<sha256>")
    .replace(/\/[0-9A-F]{32}\//g, "/<hash>/");
  return JSON.parse(text) as unknown;
}

/** Everything that a real synth writes. */
function synthesized(): { readonly json: string; readonly outdir: string } {
  const app = testApp();
  new RunnersStack(app, "github-runners", SETTINGS);
  app.synth();
  const json = readFileSync(join(app.outdir, "stacks", "github-runners", "cdk.tf.json"), "utf8");
  return { json, outdir: app.outdir };
}

describe("RunnersStack", () => {
  it("synthesizes what the snapshot holds", () => {
    const { json } = new Template(stack());
    expect(masked(json)).toMatchSnapshot();
  });

  it("has no problem and warns only of the credential in the state", () => {
    const whole = stack();
    expect(problemsOf(whole)).toEqual([]);
    expect(warningsOf(whole)).toEqual([expect.stringContaining("readable in Terraform's state")]);
  });

  it("gives the same bytes in two synths", () => {
    expect(synthesized().json).toBe(synthesized().json);
  });

  it("holds no path of this machine", () => {
    const { json, outdir } = synthesized();
    for (const path of [process.cwd(), outdir, homedir(), __dirname]) expect(json).not.toContain(path);
    expect(json).not.toMatch(/"\/(?!\/"|home\/runner"|opt\/runner")[^"]*"/);
  });

  it("takes every secret from a sensitive variable without a default", () => {
    const variables = new Template(stack()).block("variable");
    expect(Object.keys(variables).sort()).toEqual([
      "access_client_id",
      "access_client_secret",
      "claim_key",
      "github_app_private_key",
      "github_webhook_secret",
      "nomad_dispatch_token",
      "status_token",
    ]);
    for (const variable of Object.values(variables)) {
      expect(variable).toMatchObject({ sensitive: true, nullable: false, type: "string" });
      expect(variable).not.toHaveProperty("default");
    }
  });

  it("binds every secret to its variable and to nothing else", () => {
    const { bindings } = new Template(stack()).resource(WorkersScript) as {
      bindings: Record<string, string>[];
    };
    const secrets = bindings.filter(({ type }) => type === "secret_text");
    expect(Object.fromEntries(secrets.map(({ name, text }) => [name, text]))).toEqual({
      CF_ACCESS_CLIENT_ID: "${var.access_client_id}",
      CF_ACCESS_CLIENT_SECRET: "${var.access_client_secret}",
      CLAIM_KEY: "${var.claim_key}",
      GITHUB_APP_PRIVATE_KEY: "${var.github_app_private_key}",
      GITHUB_WEBHOOK_SECRET: "${var.github_webhook_secret}",
      NOMAD_TOKEN: "${var.nomad_dispatch_token}",
      STATUS_TOKEN: "${var.status_token}",
    });
  });

  it("refuses keys that are too short to be keys, at plan time", () => {
    const { claim_key: key } = new Template(stack()).block("variable");
    expect(key).toMatchObject({
      validation: [
        {
          condition: "${(length(var.claim_key) >= 32)}",
          error_message: "The value of claim_key must have at least 32 characters.",
        },
      ],
    });
  });

  it("keeps the state in Consul, locked, and names no token for it", () => {
    const { terraform } = new Template(stack()).json as { terraform: { backend: unknown } };
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
    const { terraform } = new Template(stack({ consul: { address: "c:8501", path: "p" } })).json as {
      terraform: { backend: unknown };
    };
    expect(terraform.backend).toMatchObject({ consul: { scheme: "https" } });
  });

  it("configures the providers without a credential", () => {
    const providers = new Template(stack()).block("provider");
    expect(providers).toEqual({ cloudflare: [{}], nomad: [{ address: "http://127.0.0.1:4646" }] });
  });

  it("makes one Nomad job for each class, in the namespace to which the Worker dispatches", () => {
    const template = new Template(stack());
    const vars = template.resources(Job).map((job) => (job["hcl2"] as { vars: Record<string, string> }).vars);
    expect(vars.map(({ name, namespace }) => [name, namespace])).toEqual([
      ["github-runner-large", "runners"],
      ["github-runner-linux", "runners"],
    ]);
    const { bindings } = template.resource(WorkersScript) as { bindings: Record<string, string>[] };
    expect(bindings).toContainEqual({ name: "NOMAD_NAMESPACE", type: "plain_text", text: "runners" });
  });

  it("runs code of forks where, and only where, the policy lets it", () => {
    for (const forkPullRequests of ["refuse", "allow"] as const) {
      const whole = stack({ policy: { ...SETTINGS.policy, forkPullRequests } });
      expect(whole.jobs.map(({ allowForks }) => allowForks)).toEqual(
        SETTINGS.classes.map(() => forkPullRequests === "allow"),
      );
    }
  });

  it("declares the previous keys while they are being changed", () => {
    const template = new Template(stack({ rotating: ["webhookSecret", "claimKey"] }));
    expect(Object.keys(template.block("variable"))).toEqual(
      expect.arrayContaining(["github_webhook_secret_previous", "claim_key_previous"]),
    );
    const { bindings } = template.resource(WorkersScript) as { bindings: Record<string, string>[] };
    expect(bindings).toContainEqual({
      name: "CLAIM_KEY_PREVIOUS",
      type: "secret_text",
      text: "${var.claim_key_previous}",
    });
  });

  it("sends no service token when nothing stands in front of Nomad", () => {
    const template = new Template(stack({ access: false }));
    expect(Object.keys(template.block("variable"))).not.toContain("access_client_id");
    const { bindings } = template.resource(WorkersScript) as { bindings: Record<string, string>[] };
    expect(bindings.map(({ name }) => name)).not.toContain("CF_ACCESS_CLIENT_ID");
  });

  it("keeps a credential of the Secrets Store out of the state, and does not warn", () => {
    const github = GithubCredentials.secretsStore({ appId: "1", storeId: "store", secretName: "key" });
    const whole = stack({ github });
    expect(warningsOf(whole)).toEqual([]);
    expect(Object.keys(new Template(whole).block("variable"))).not.toContain("github_app_private_key");
  });

  it("says all that is wrong at once, each with the path of its construct", () => {
    const wrong = stack({
      hostname: "https://runners.example.com",
      policy: { repositories: ["no-owner"] },
      classes: [
        { ...LINUX, className: "Linux" },
        { ...LARGE, memoryMib: 1 },
      ],
    });
    expect(problemsOf(wrong)).toEqual([
      expect.stringMatching(/^\[github-runners\/Classes\/Linux\] class\.name: must be .*, got "Linux"$/),
      "[github-runners/Classes/large] memoryMib: must be a whole number from 256 to 16777216, got 1",
      expect.stringMatching(/^\[github-runners\/Worker\] policy\.repositories\[0\]: .*, got "no-owner"$/),
      expect.stringMatching(/^\[github-runners\/Worker\] policy\.classes\[0\]\.name: .*, got "Linux"$/),
      expect.stringMatching(
        /^\[github-runners\/Worker\] hostname: .*, got "https:\/\/runners\.example\.com"$/,
      ),
    ]);
  });
});
