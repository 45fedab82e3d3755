import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Job, type Step, workflow, workflowFiles, workflowText } from "./support/workflow";

const ROOT = join(__dirname, "..", "..");
const files = workflowFiles();
const jobs = files.flatMap((file) =>
  Object.entries(workflow(file).jobs).map(([name, job]) => ({ file, name, job })),
);
const diff = workflow("diff.yml");
const deploy = workflow("deploy.yml");
const NO_JOB: Job = { "runs-on": "", steps: [] };
const plan = diff.jobs["plan"] ?? NO_JOB;
const comment = diff.jobs["comment"] ?? NO_JOB;
const production = deploy.jobs["deploy"] ?? NO_JOB;
const envOf = (job: Job): Readonly<Record<string, string>> =>
  Object.assign({}, ...job.steps.map((step: Step) => step.env ?? {})) as Record<string, string>;

describe("every workflow", () => {
  test("is read", () => {
    expect(files).toEqual(expect.arrayContaining(["ci.yml", "deploy.yml", "diff.yml"]));
    expect(jobs.length).toBeGreaterThanOrEqual(4);
  });

  test.each(files)("%s gives a token no permission that a job does not ask for", (file) => {
    expect(workflow(file).permissions).toEqual({});
  });

  test.each(files)("%s is not started for a fork with this repository's rights", (file) => {
    expect(Object.keys(workflow(file).on)).not.toContain("pull_request_target");
    expect(Object.keys(workflow(file).on)).not.toContain("workflow_run");
  });

  test.each(jobs)("$file: $name uses GitHub's own actions only, each at a commit", ({ job }) => {
    const uses = job.steps.flatMap((step) => step.uses ?? []);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^actions\/(?:checkout|setup-node)@[0-9a-f]{40}$/);
  });

  test("names the version behind each commit, for people and Renovate, and the same commit everywhere", () => {
    const pins = files.flatMap((file) => [...workflowText(file).matchAll(/uses: (\S+)@(\S+)(.*)$/gm)]);
    expect(pins.filter(([, , , version]) => !/^ # v\d+\.\d+\.\d+$/.test(version ?? ""))).toEqual([]);
    expect(new Set(pins.map(([, action]) => action)).size).toBe(
      new Set(pins.map(([, , commit]) => commit)).size,
    );
  });

  test.each(jobs)("$file: $name leaves no token in the checkout, and ends at some time", ({ job }) => {
    for (const step of job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
      expect(step.with).toMatchObject({ "persist-credentials": "false" });
    }
    expect(Number(job["timeout-minutes"])).toBeLessThanOrEqual(120);
  });

  test.each(jobs)(
    "$file: $name puts no expression into a command, where its text would be code",
    ({ job }) => {
      for (const { run } of job.steps) expect(run ?? "").not.toContain("${{");
    },
  );

  test.each(jobs)("$file: $name runs scripts that are there", ({ job }) => {
    const scripts = job.steps.flatMap(({ run = "" }) =>
      [...run.matchAll(/scripts\/[\w/-]+\.ts/g)].map(([it]) => it),
    );
    expect(scripts.filter((script) => !existsSync(join(ROOT, script)))).toEqual([]);
  });

  test.each(jobs)("$file: $name prints no secret", ({ job, file }) => {
    for (const { run = "" } of job.steps)
      expect(run).not.toMatch(/\b(?:echo|printenv|env|cat|set -x|curl)\b/);
    // Nothing is kept at GitHub: Vault issues it to the run.
    expect(workflowText(file)).not.toMatch(/secrets\./);
  });
});

describe("diff.yml", () => {
  test("plans branches of this repository only, and only once it is set up", () => {
    expect(Object.keys(diff.on)).toEqual(["pull_request"]);
    expect(plan.if).toBe(
      "github.event.pull_request.head.repo.full_name == github.repository && vars.VAULT_ADDR != ''",
    );
    expect(comment.if).toContain("needs.plan.result != 'skipped'");
  });

  test("plans on the runner class that is kept for it, in its environment", () => {
    expect(plan["runs-on"]).toEqual(["self-hosted", "deploy"]);
    expect(plan.environment).toBe("plan");
  });

  test("has one job that may log in, and another that may comment", () => {
    expect(plan.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(comment.permissions).toEqual({ contents: "read", "pull-requests": "write" });
  });

  test("takes the read-only role, no lock, for which it would have to write, and no token of Nomad's", () => {
    const { VAULT_READ = "", ...env } = envOf(plan);
    expect(env).toMatchObject({
      VAULT_ROLE: "github-runners-diff",
      TF_CLI_ARGS_plan: "-lock=false -refresh=false",
    });
    expect(VAULT_READ.trim().split("\n")).toEqual([
      "CLOUDFLARE_API_TOKEN=kv/data/github-runners/diff#cloudflare_api_token",
      "GITHUB_TOKEN=kv/data/github-runners/diff#github_token",
      "CONSUL_HTTP_TOKEN=consul/creds/github-runners-diff#token",
    ]);
  });

  test("gives credentials to the one command that needs them, behind the installation of packages", () => {
    const names = plan.steps.map(({ run, uses = "" }) => run ?? uses.split("@")[0]);
    expect(names).toEqual([
      "actions/checkout",
      "actions/setup-node",
      "npm ci --ignore-scripts",
      "npx tsx scripts/vault-run.ts npx tsx scripts/plan-comment.ts plan npx cdktf diff --skip-provider-lock",
    ]);
    expect(plan.steps.slice(0, -1).filter(({ env }) => env !== undefined)).toEqual([]);
  });

  test("hands the comment on as an output, and its job has nothing else of the plan's", () => {
    expect(plan.outputs).toEqual({ comment: "${{ steps.plan.outputs.comment }}" });
    expect(plan.steps.at(-1)?.id).toBe("plan");
    expect(envOf(comment)).toEqual({
      GITHUB_TOKEN: "${{ github.token }}",
      PR_NUMBER: "${{ github.event.pull_request.number }}",
      PLAN_COMMENT: "${{ needs.plan.outputs.comment }}",
    });
  });

  test("plans the newest commit of a pull request only", () => {
    expect(diff.concurrency).toEqual({
      group: "diff-${{ github.event.pull_request.number }}",
      "cancel-in-progress": "true",
    });
  });
});

describe("deploy.yml", () => {
  test("deploys main, behind an environment", () => {
    expect(Object.keys(deploy.on).sort()).toEqual(["push", "workflow_dispatch"]);
    expect(deploy.on["push"]).toEqual({ branches: ["main"] });
    expect(production.if).toBe("github.ref == 'refs/heads/main' && vars.VAULT_ADDR != ''");
    expect(production.environment).toBe("production");
  });

  test("has a role of its own, and no more permissions than to log in", () => {
    expect(production.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(envOf(production)["VAULT_ROLE"]).toBe("github-runners-deploy");
    expect(envOf(production)["VAULT_READ"]).not.toContain("diff");
  });

  test("is never cut off by the next", () => {
    expect(deploy.concurrency).toEqual({ group: "deploy", "cancel-in-progress": "false" });
  });

  test("hands a cancellation on to Terraform, which then stops in order", () => {
    expect(production.steps.at(-1)?.run).toBe(
      "exec node_modules/.bin/tsx scripts/vault-run.ts node_modules/.bin/cdktf deploy --auto-approve --skip-provider-lock",
    );
  });

  test("takes the state's lock", () => {
    expect(JSON.stringify(production)).not.toContain("-lock=false");
  });
});
