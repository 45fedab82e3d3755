import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Annotations, Fn, type ITerraformDependable, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import type { RunnerClass } from "../contracts/policy";
import type { HookScript } from "./hook-script";
import { literalText } from "./literal-text";
import { runnerJobProblems, runnerJobWarnings } from "./runner-job-checks";
import {
  type ResolvedRunnerJob,
  type RunnerJobProps,
  resolveRunnerJob,
  runnerClassOf,
} from "./runner-job-props";
import { runnerJobVariables } from "./runner-job-variables";
import { PACKAGE_ROOT } from "./worker-bundle";

/** The job's text, in the order in which Nomad reads it as one file: construct id, and file in jobs/. */
const JOBSPEC = [
  { id: "Variables", file: "runner.variables.hcl" },
  { id: "Jobspec", file: "runner.nomad.hcl" },
] as const;
/** Its scripts, with the job variable that takes a script's text; those of some classes only with what asks for them. */
const SCRIPTS = [
  { id: "ClaimScript", file: "claim.sh", variable: "claim_script" },
  { id: "HookScript", file: "job-started-hook.sh", variable: "hook_script" },
  { id: "ReleaseScript", file: "release-runner.sh", variable: "release_script" },
  { id: "StartScript", file: "start-runner.sh", variable: "start_script" },
  { id: "DockerScript", file: "docker-daemon.sh", variable: "docker_script", asked: hasDocker },
  { id: "EgressScript", file: "egress.sh", variable: "egress_script", asked: hasEgress },
] as const;

/**
 * The parameterized Nomad job of one runner class: each dispatch of it is one runner for at most one workflow job.
 * Nothing runs until the Worker dispatches it.
 *
 * The job stays HCL files. Terraform reads them with `file()`, which evaluates nothing in it, and hands the values over
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
  /** Whether workflow code is root on the node if it wants to be. */
  readonly privileged: boolean;
  /** The job, for what may only come after it. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: RunnerJobProps) {
    super(scope, id);
    const job = resolveRunnerJob(props);
    this.runnerClass = runnerClassOf(job);
    this.jobId = job.jobId;
    this.namespace = job.namespace;
    this.allowForks = job.allowForks;
    this.privileged = job.docker?.kind === "privileged";
    this.node.addValidation({ validate: () => runnerJobProblems(job) });

    for (const warning of runnerJobWarnings(job)) Annotations.of(this).addWarning(warning);

    const resource = new Job(this, "Resource", {
      jobspec: JOBSPEC.map(({ id: fileId, file }) => this.#file(fileId, jobFile(file))).join(""),
      hcl2: { vars: sorted({ ...runnerJobVariables(job), ...this.#scripts(job) }) },
      // One that was stopped by hand shows in the next plan, and the next deploy starts it again.
      rerunIfDead: true,
      // Stopped without a purge it would stay in the namespace, with its text, until Nomad's garbage collection.
      purgeOnDestroy: true,
      dependsOn: [...(props.dependsOn ?? [])],
    });
    this.ready = [resource];
  }

  #scripts(job: ResolvedRunnerJob): Record<string, string> {
    const scripts = SCRIPTS.map((script) => {
      const isAsked = !("asked" in script) || script.asked(job);
      return [script.variable, isAsked ? this.#file(script.id, jobFile(script.file)) : ""] as const;
    });
    return {
      ...Object.fromEntries(scripts),
      user_started_hook: this.#hook("StartedHook", job.jobStartedHook),
      user_completed_hook: this.#hook("CompletedHook", job.jobCompletedHook),
    };
  }

  #hook(id: string, hook: HookScript | undefined): string {
    if (hook?.path !== undefined) return hook.isFile ? this.#file(id, hook.path) : "";
    return literalText(hook?.text ?? "");
  }

  /** A file, copied beside the synthesized stack; the text of it at plan time. */
  #file(id: string, path: string): string {
    return Fn.file(new TerraformAsset(this, id, { path }).path);
  }
}

function jobFile(file: string): string {
  return join(PACKAGE_ROOT, "jobs", file);
}

function hasDocker({ docker }: ResolvedRunnerJob): boolean {
  return docker !== undefined;
}

function hasEgress({ network }: ResolvedRunnerJob): boolean {
  return network.variables.egress !== null;
}

function sorted(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}
