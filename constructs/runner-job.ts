import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Fn, type ITerraformDependable, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import type { RunnerClass } from "../contracts/policy";
import { hclExpression, literalText } from "./literal-text";
import {
  type ResolvedRunnerJob,
  type RunnerJobProps,
  resolveRunnerJob,
  runnerClassOf,
  runnerJobProblems,
} from "./runner-job-props";
import { PACKAGE_ROOT } from "./worker-bundle";

/** The job's text and its scripts: construct id, file in jobs/, and the job variable that takes a script's text. */
const JOBSPEC = { id: "Jobspec", file: "runner.nomad.hcl" } as const;
const SCRIPTS = [
  { id: "ClaimScript", file: "claim.sh", variable: "claim_script" },
  { id: "HookScript", file: "job-started-hook.sh", variable: "hook_script" },
  { id: "ReleaseScript", file: "release-runner.sh", variable: "release_script" },
  { id: "StartScript", file: "start-runner.sh", variable: "start_script" },
] as const;

/**
 * The parameterized Nomad job of one runner class: each dispatch of it is one runner for at most one workflow job.
 * Nothing runs until the Worker dispatches it.
 *
 * The job stays an HCL file. Terraform reads it with `file()`, which evaluates nothing in it, and hands the values over
 * as HCL2 variables. Nomad keeps the file and the variables readable, so they hold no secret; and none of them is known at
 * apply only, or the provider would not parse the job before.
 *
 * What a plan does not see: the provider keeps the variables in its state and drops what it reads back. (Nomad decodes them
 * as if they had come in a URL, and answers 500 to the scripts' `%`; the provider logs that and goes on.) A job that was
 * registered by hand with other values stays until its class is changed.
 */
export class RunnerJob extends Construct {
  /** The class as the Worker's policy has to name it. */
  readonly runnerClass: RunnerClass;
  /** Id of the Nomad job. */
  readonly jobId: string;
  /** Namespace of the Nomad job. */
  readonly namespace: string;
  /** Whether it runs code of forks. */
  readonly allowForks: boolean;
  /** The job, for what may only come after it. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: RunnerJobProps) {
    super(scope, id);
    const job = resolveRunnerJob(props);
    this.runnerClass = runnerClassOf(job);
    this.jobId = job.jobId;
    this.namespace = job.namespace;
    this.allowForks = job.allowForks;
    this.node.addValidation({ validate: () => runnerJobProblems(job) });

    const scripts = SCRIPTS.map(
      ({ id: scriptId, file, variable }) => [variable, this.#file(scriptId, file)] as const,
    );
    const resource = new Job(this, "Resource", {
      jobspec: this.#file(JOBSPEC.id, JOBSPEC.file),
      hcl2: { vars: sorted({ ...jobVariables(job), ...Object.fromEntries(scripts) }) },
      // One that was stopped by hand shows in the next plan, and the next deploy starts it again.
      rerunIfDead: true,
      // Stopped without a purge it would stay in the namespace, with its text, until Nomad's garbage collection.
      purgeOnDestroy: true,
      dependsOn: [...(props.dependsOn ?? [])],
    });
    this.ready = [resource];
  }

  /** A file of jobs/, copied beside the synthesized stack; the text of it at plan time. */
  #file(id: string, file: string): string {
    const asset = new TerraformAsset(this, id, { path: join(PACKAGE_ROOT, "jobs", file) });
    return Fn.file(asset.path);
  }
}

/** The variables of jobs/runner.nomad.hcl, as text: that is how Nomad takes them, and a list as an HCL expression. */
function jobVariables(job: ResolvedRunnerJob): Record<string, string> {
  const { driver, image, user, runner_root, copy_runner } = job.driver.variables;
  return {
    name: literalText(job.jobId),
    namespace: literalText(job.namespace),
    datacenters: hclExpression(job.datacenters),
    node_pool: literalText(job.nodePool),
    driver: literalText(driver),
    image: literalText(image),
    user: literalText(user),
    runner_root: literalText(runner_root),
    copy_runner: String(copy_runner),
    cpu: String(job.cpuMhz),
    memory: String(job.memoryMib),
    memory_max: String(job.memoryMaxMib),
    disk: String(job.diskMib),
    constraints: hclExpression(job.constraints),
    idle_timeout_seconds: String(job.idleTimeoutSeconds),
    max_duration_seconds: String(job.maxDurationSeconds),
    stop_grace_seconds: String(job.stopGraceSeconds),
    allow_forks: String(job.allowForks),
  };
}

function sorted(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}
