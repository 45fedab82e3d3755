import { parsePolicy } from "../../contracts/parse-policy";
import { D1Database } from "@cdktf/provider-cloudflare/lib/d1-database";
import { WorkersCronTrigger } from "@cdktf/provider-cloudflare/lib/workers-cron-trigger";
import { WorkersCustomDomain } from "@cdktf/provider-cloudflare/lib/workers-custom-domain";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { TerraformStack } from "cdktf";
import { GithubCredentials, type RunnerClass, WebhookWorker, type WebhookWorkerProps } from "../../index";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const LINUX: RunnerClass = {
  name: "linux",
  job: "github-runner-linux",
  labels: ["self-hosted"],
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};

const PROPS: WebhookWorkerProps = {
  accountId: "account",
  zoneId: "zone",
  hostname: "runners.example.com",
  policy: { repositories: ["octo-org/*"] },
  classes: [LINUX],
  github: GithubCredentials.secretsStore({ storeId: "store", secretName: "token" }),
  nomad: { address: "https://nomad.example.com", token: "nomad-token" },
  webhookSecret: "webhook-secret",
  claimKey: "claim-key",
  statusToken: "status-token",
};

function made(overrides: Partial<WebhookWorkerProps> = {}): { worker: WebhookWorker; stack: TerraformStack } {
  const stack = new TerraformStack(testApp(), "stack");
  return { worker: new WebhookWorker(stack, "Worker", { ...PROPS, ...overrides }), stack };
}

function template(overrides: Partial<WebhookWorkerProps> = {}): Template {
  return new Template(made(overrides).stack);
}

function binding(overrides: Partial<WebhookWorkerProps>, name: string): Record<string, unknown> | undefined {
  const { bindings } = template(overrides).resource(WorkersScript) as { bindings: Record<string, unknown>[] };
  return bindings.find((candidate) => candidate["name"] === name);
}

describe("WebhookWorker", () => {
  it("uploads the bundle by file, with the hash that makes Terraform check it", () => {
    const script = template().resource(WorkersScript);
    const sha256 = String(script["content_sha256"]);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(script["content_file"]).toBe(`assets/Worker_Bundle_983D723F/${sha256}/worker.js`);
    expect(script).toMatchObject({
      account_id: "account",
      script_name: "github-runners",
      main_module: "worker.js",
    });
    expect(script).not.toHaveProperty("content");
  });

  it("fixes the runtime's behaviour and sends its own fetches through Cloudflare's front door", () => {
    expect(template().resource(WorkersScript)).toMatchObject({
      compatibility_date: "2026-04-01",
      compatibility_flags: ["global_fetch_strictly_public"],
    });
  });

  it("keeps no binding that is not declared", () => {
    expect(template().resource(WorkersScript)).not.toHaveProperty("keep_bindings");
  });

  it("logs the Worker's lines and not the requests, whose headers hold signatures and claims", () => {
    expect(template().resource(WorkersScript)["observability"]).toEqual({
      enabled: true,
      logs: { enabled: true, invocation_logs: false },
    });
  });

  it("makes a ledger that goes with the stack, without read replicas", () => {
    expect(template().resource(D1Database)).toEqual({
      account_id: "account",
      name: "github-runners",
      read_replication: { mode: "disabled" },
      lifecycle: { prevent_destroy: false },
    });
  });

  it("has Terraform refuse to destroy the ledger, and names it otherwise, when told so", () => {
    expect(template({ retainLedger: true, ledgerName: "other" }).resource(D1Database)).toMatchObject({
      name: "other",
      lifecycle: { prevent_destroy: true },
    });
  });

  it("names the ledger after the script", () => {
    expect(template({ scriptName: "mine" }).resource(D1Database)).toMatchObject({ name: "mine" });
    expect(template({ scriptName: "mine" }).resource(WorkersScript)).toMatchObject({ script_name: "mine" });
  });

  it("wakes the sweep each minute", () => {
    expect(template().resource(WorkersCronTrigger)).toMatchObject({ schedules: [{ cron: "* * * * *" }] });
  });

  it("serves its hostname, after the script is there", () => {
    expect(template().resource(WorkersCustomDomain)).toEqual({
      account_id: "account",
      zone_id: "zone",
      // Left out, every plan would replace the domain.
      environment: "production",
      hostname: "runners.example.com",
      service: "${cloudflare_workers_script.Worker_11F36D0F.script_name}",
    });
  });

  it("makes public URL and webhook URL from the hostname", () => {
    const { worker } = made();
    expect(worker.publicUrl).toBe("https://runners.example.com");
    expect(worker.webhookUrl).toBe("https://runners.example.com/webhook");
    expect(binding({}, "PUBLIC_URL")).toMatchObject({ text: "https://runners.example.com" });
  });

  it("dispatches to the default namespace unless told otherwise", () => {
    expect(binding({}, "NOMAD_NAMESPACE")).toMatchObject({ text: "default" });
    expect(binding({ nomad: { ...PROPS.nomad, namespace: "ci" } }, "NOMAD_NAMESPACE")).toMatchObject({
      text: "ci",
    });
  });

  it.each([
    [
      "GITHUB_WEBHOOK_SECRET_PREVIOUS",
      { webhookSecretPrevious: "old" },
      { type: "secret_text", text: "old" },
    ],
    ["CLAIM_KEY_PREVIOUS", { claimKeyPrevious: "old" }, { type: "secret_text", text: "old" }],
    [
      "GITHUB_API_URL",
      { githubApiUrl: "https://ghes/api/v3" },
      { type: "plain_text", text: "https://ghes/api/v3" },
    ],
    [
      "CREDENTIAL_EXPIRY",
      { credentialExpiry: { nomad: "2027-01-01T00:00:00Z" } },
      { type: "json", json: '{"access":null,"nomad":"2027-01-01T00:00:00Z"}' },
    ],
    [
      "CF_ACCESS_CLIENT_SECRET",
      { nomad: { ...PROPS.nomad, access: { clientId: "id", clientSecret: "hidden" } } },
      { type: "secret_text", text: "hidden" },
    ],
  ] as const)("declares %s only when it is given", (name, overrides, expected) => {
    expect(binding({}, name)).toBeUndefined();
    expect(binding(overrides, name)).toEqual({ name, ...expected });
  });

  it("gives the policy with its classes, of whose numbers it writes those that are no default", () => {
    const classes = [LINUX, { ...LINUX, name: "large", maxRunners: 2, idleTimeoutSeconds: 60 }];
    const policy = binding(
      { policy: { repositories: ["a/b"], scope: "organization" }, classes },
      "RUNNER_POLICY",
    );
    const { name, job, labels } = LINUX;
    expect(JSON.parse(String(policy?.["json"]))).toEqual({
      scope: "organization",
      repositories: ["a/b"],
      classes: [
        { name, job, labels },
        { name: "large", job, labels, maxRunners: 2, idleTimeoutSeconds: 60 },
      ],
    });
    const read = parsePolicy(policy?.["json"]);
    expect(read.ok && read.policy.classes).toEqual(classes);
  });

  it.each([
    ["hostname", { hostname: "Runners.example.com" }, "hostname: must be a lower-case hostname"],
    ["hostname", { hostname: "runners.example.com/x" }, "hostname: must be a lower-case hostname"],
    [
      "Nomad address",
      { nomad: { ...PROPS.nomad, address: "http://nomad" } },
      "nomad.address: must be an https origin",
    ],
    [
      "Nomad path",
      { nomad: { ...PROPS.nomad, address: "https://nomad/" } },
      "nomad.address: must be an https origin",
    ],
    ["time", { credentialExpiry: { access: "tomorrow" } }, "credentialExpiry.access: must be a time"],
    [
      "time",
      { credentialExpiry: { nomad: "2027-13-01T00:00:00Z" } },
      "credentialExpiry.nomad: must be a time",
    ],
    ["policy", { policy: { repositories: [] } }, "policy.repositories: must "],
    ["classes", { classes: [] }, "policy.classes: must be a list of"],
  ] as const)("refuses a wrong %s and says what it got", (_what, overrides, problem) => {
    expect(problemsOf(made(overrides).worker)).toEqual([
      expect.stringContaining(`[stack/Worker] ${problem}`),
    ]);
  });

  it("tells a class's own faults when it stands alone, and not those that are told elsewhere", () => {
    const classes = [{ ...LINUX, name: "Linux", maxRunners: -1 }];
    const alone = problemsOf(made({ classes }).worker);
    expect(alone).toEqual([
      expect.stringContaining("[stack/Worker] policy.classes[0].name: must be"),
      expect.stringContaining("[stack/Worker] policy.classes[0].maxRunners: must be"),
    ]);
    const toldElsewhere = ["classes[0].name"];
    expect(problemsOf(made({ classes, toldElsewhere }).worker)).toEqual(alone.slice(1));
  });

  it("tells a policy's size once", () => {
    const repositories = Array.from({ length: 99 }, () => `octo-org/${"a".repeat(60)}`);
    expect(problemsOf(made({ policy: { repositories } }).worker)).toEqual([
      expect.stringContaining("[stack/Worker] policy: must be at most 5000 bytes of JSON, got "),
    ]);
  });

  it("refuses the default runner group for less than a whole organization", () => {
    const organization = (repositories: readonly string[], runnerGroupId?: number): readonly string[] =>
      problemsOf(
        made({
          policy: {
            scope: "organization",
            repositories,
            ...(runnerGroupId !== undefined && { runnerGroupId }),
          },
        }).worker,
      );
    expect(organization(["octo-org/*"])).toEqual([]);
    expect(organization(["octo-org/tool"], 7)).toEqual([]);
    expect(organization(["octo-org/tool"])).toEqual([
      expect.stringContaining("policy.runnerGroupId: must name"),
    ]);
    expect(organization(["octo-*/*"])).toEqual([expect.stringContaining("policy.runnerGroupId: must name")]);
    expect(organization(["octo-org/*"], 1)).toEqual([]);
  });

  it("shows no secret in what it refuses", () => {
    const problems = problemsOf(made({ claimKey: "", statusToken: "s3cret".repeat(1_000) }).worker);
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain("s3cret");
  });
});
