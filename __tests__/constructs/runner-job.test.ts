import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { TerraformStack } from "cdktf";
import { RunnerJob, type RunnerJobProps, TaskDriver } from "../../index";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: RunnerJobProps = {
  className: "linux",
  labels: ["self-hosted", "linux"],
  driver: TaskDriver.docker({ image: "runner:1" }),
};

function made(overrides: Partial<RunnerJobProps> = {}): RunnerJob {
  return new RunnerJob(new TerraformStack(testApp(), "stack"), "Job", { ...PROPS, ...overrides });
}

function resource(overrides: Partial<RunnerJobProps> = {}): Record<string, unknown> {
  return new Template(TerraformStack.of(made(overrides))).resource(Job);
}

function variables(overrides: Partial<RunnerJobProps> = {}): Record<string, string> {
  return (resource(overrides)["hcl2"] as { vars: Record<string, string> }).vars;
}

/** The variables that the job's file declares; required when there is no default. */
async function declared(): Promise<{
  readonly all: readonly string[];
  readonly required: readonly string[];
}> {
  const file = join(__dirname, "..", "..", "jobs", "runner.variables.hcl");
  const { variable } = (await parse("runner.variables.hcl", readFileSync(file, "utf8"))) as {
    variable: Record<string, readonly Record<string, unknown>[]>;
  };
  const all = Object.keys(variable).sort();
  return { all, required: all.filter((name) => !Object.hasOwn(variable[name]?.[0] ?? {}, "default")) };
}

describe("RunnerJob", () => {
  it("hands over exactly the variables that the job's file declares", async () => {
    const { all, required } = await declared();
    expect(required.length).toBeGreaterThan(0);
    expect(Object.keys(variables())).toEqual(all);
  });

  it("has Terraform read the job and its scripts as files, so that nothing in them is evaluated", () => {
    const job = resource();
    expect(job["jobspec"]).toMatch(
      // One after the other, which is how Nomad reads them as one file.
      /^\$\{file\("assets\/Job_Variables_[0-9A-F]+\/[0-9A-F]+\/runner\.variables\.hcl"\)\}\$\{file\("assets\/Job_Jobspec_[0-9A-F]+\/[0-9A-F]+\/runner\.nomad\.hcl"\)\}$/,
    );
    const scripts = Object.entries(variables()).filter(([name]) => name.endsWith("_script"));
    expect(scripts.map(([name, text]) => [name, /\/([a-z-]+\.sh)"\)\}$/.exec(text)?.[1]])).toEqual([
      ["claim_script", "claim.sh"],
      ["docker_script", undefined],
      ["egress_script", undefined],
      ["hook_script", "job-started-hook.sh"],
      ["release_script", "release-runner.sh"],
      ["start_script", "start-runner.sh"],
    ]);
    for (const [, text] of scripts) expect(text).toMatch(/^$|^\$\{file\("assets\//);
  });

  it("has these defaults", () => {
    expect(variables()).toMatchObject({
      name: "github-runner-linux",
      namespace: "default",
      datacenters: '["*"]',
      node_pool: "default",
      cpu: "1000",
      memory: "2048",
      memory_max: "0",
      disk: "10240",
      constraints: "[]",
      idle_timeout_seconds: "300",
      max_duration_seconds: "21600",
      stop_grace_seconds: "60",
      allow_forks: "false",
    });
  });

  it.each([
    [{ jobId: "ci.linux" }, { name: "ci.linux" }],
    [{ namespace: "ci" }, { namespace: "ci" }],
    [{ datacenters: ["dc1", "dc2"] }, { datacenters: '["dc1","dc2"]' }],
    [{ nodePool: "ci" }, { node_pool: "ci" }],
    [{ cpuMhz: 500 }, { cpu: "500" }],
    [
      { memoryMib: 512, memoryMaxMib: 1_024 },
      { memory: "512", memory_max: "1024" },
    ],
    [{ diskMib: 300 }, { disk: "300" }],
    [{ idleTimeoutSeconds: 60 }, { idle_timeout_seconds: "60" }],
    [{ maxDurationSeconds: 3_600 }, { max_duration_seconds: "3600" }],
    [{ stopGraceSeconds: 31 }, { stop_grace_seconds: "31" }],
    [{ allowForks: true }, { allow_forks: "true" }],
    [
      { constraints: [{ attribute: "${attr.cpu.arch}", value: "amd64" }] },
      { constraints: '[{"attribute":"$$${attr.cpu.arch}","operator":"=","value":"amd64"}]' },
    ],
    [
      { constraints: [{ attribute: "${meta.disk}", operator: "!=", value: "slow" }] },
      { constraints: '[{"attribute":"$$${meta.disk}","operator":"!=","value":"slow"}]' },
    ],
  ] as const)("takes %j", (overrides, expected) => {
    expect(variables(overrides)).toMatchObject(expected);
  });

  it("offers the class as the Worker's policy has to name it", () => {
    const job = made({ maxRunners: 3, pickupDeadlineSeconds: 30, idleTimeoutSeconds: 60, jobId: "ci" });
    expect(job.runnerClass).toEqual({
      name: "linux",
      job: "ci",
      labels: ["self-hosted", "linux"],
      maxRunners: 3,
      maxRunnersPerRepository: 0,
      pickupDeadlineSeconds: 30,
      idleTimeoutSeconds: 60,
      maxDurationSeconds: 21_600,
    });
    expect([job.jobId, job.namespace, job.allowForks]).toEqual(["ci", "default", false]);
  });

  it.each([
    [{ cpuMhz: 99 }, "cpuMhz: must be a whole number from 100 to 1000000, got 99"],
    [{ memoryMib: 1.5 }, "memoryMib: must be a whole number from 256 to 16777216, got 1.5"],
    [{ diskMib: 0 }, "diskMib: must be a whole number from 100 to 16777216, got 0"],
    [{ stopGraceSeconds: 30 }, "stopGraceSeconds: must be a whole number from 31 to 80, got 30"],
    [{ stopGraceSeconds: 81 }, "stopGraceSeconds: must be a whole number from 31 to 80, got 81"],
    [{ memoryMaxMib: 1_000 }, "memoryMaxMib: must be at least memoryMib (2048), got 1000"],
    [{ datacenters: [] }, "datacenters: must name at least one, got an empty list"],
    [
      { className: "Linux" },
      'className: must be lower-case letters, digits and inner hyphens, at most 24, got "Linux"',
    ],
    [{ jobId: "a/b" }, 'jobId: must be letters, digits, ., - and _, at most 128, got "a/b"'],
    [{ labels: [] }, "labels: must be a list of 1 to 100 labels, got []"],
    [{ idleTimeoutSeconds: 0 }, "idleTimeoutSeconds: must be a whole number from 1 to 86400, got 0"],
    [{ maxRunners: -1 }, "maxRunners: must be a whole number from 0 to 10000, got -1"],
    [
      { constraints: [{ attribute: "${attr.cpu.arch}", operator: "equals", value: "amd64" }] },
      "constraints[0].operator: must be one of Nomad's (=, ==, is, !=, not, >, >=, <, <=, distinct_hosts, distinct_property, " +
        'regexp, version, semver, is_set, is_not_set, set_contains, set_contains_all, set_contains_any), got "equals"',
    ],
    [
      { constraints: [{ attribute: "", value: "amd64" }] },
      'constraints[0].attribute: must name an attribute of the node, got ""; write it as ${attr.cpu.arch}',
    ],
  ])("refuses %j and says what to do", (overrides, problem) => {
    expect(problemsOf(made(overrides))).toEqual([`[stack/Job] ${problem}`]);
  });

  it("takes the bounds themselves", () => {
    const bounds = { cpuMhz: 100, memoryMib: 256, diskMib: 100, stopGraceSeconds: 80, memoryMaxMib: 256 };
    expect(problemsOf(made(bounds))).toEqual([]);
  });
});
