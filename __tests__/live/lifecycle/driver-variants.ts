import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Egress } from "../../../constructs/egress";
import { HookScript } from "../../../constructs/hook-script";
import { PrivateDocker } from "../../../constructs/private-docker";
import { type RunnerJobProps, resolveRunnerJob } from "../../../constructs/runner-job-props";
import { runnerJobVariables } from "../../../constructs/runner-job-variables";
import { RunnerNetwork } from "../../../constructs/runner-network";
import { RUNNER_RELEASE } from "../../../constructs/runner-release";
import { TaskDriver } from "../../../constructs/task-driver";

/** One way to write a class's job. */
export interface DriverVariant {
  /** What is chosen, in words. */
  readonly name: string;
  /** The job as Nomad gets it: its variables and itself as one file. */
  readonly jobText: string;
  /** As `nomad job validate -var NAME=VALUE` takes them. */
  readonly vars: Readonly<Record<string, string>>;
}

const JOBS = join(__dirname, "../../../jobs");
const text = (file: string): string => readFileSync(join(JOBS, file), "utf8");
const DNS = { servers: ["10.0.0.53"], searches: ["service.consul"], options: ["ndots:2"] };
const EGRESS = Egress.publicInternet({ except: [{ to: "staging.example.com", ports: [443] }] });
const VOLUMES = [{ hostVolume: "tools", path: "/opt/hostedtoolcache" }];
const { x64, arm64 } = RUNNER_RELEASE.archives;

const VARIANTS: readonly (readonly [string, Partial<RunnerJobProps>])[] = [
  ["docker", {}],
  ["docker on arm64", { architecture: "arm64", memoryMaxMib: 4_096 }],
  ["docker, sysbox-runc", { driver: TaskDriver.docker({ runtime: "sysbox-runc" }) }],
  ["docker, kata", { driver: TaskDriver.docker({ runtime: "kata" }) }],
  ["docker, the node's network", { network: RunnerNetwork.host({ dns: DNS }) }],
  ["docker, a bridge with DNS", { network: RunnerNetwork.bridge({ dns: DNS, egress: EGRESS }) }],
  ["docker, CNI", { network: RunnerNetwork.cni({ name: "runners" }) }],
  ["docker, a resolver", { network: RunnerNetwork.driverDefault({ dns: DNS }) }],
  [
    "docker, a volume and hooks",
    { volumes: VOLUMES, jobStartedHook: HookScript.text("docker ps {{ x }}\n") },
  ],
  ["docker, a rootless daemon", { docker: PrivateDocker.rootless(), volumes: VOLUMES }],
  [
    "docker, a rootless daemon behind a fence",
    { docker: PrivateDocker.rootless(), network: RunnerNetwork.bridge({ egress: EGRESS }) },
  ],
  [
    "docker, a daemon under Sysbox",
    { docker: PrivateDocker.sysbox({ registryMirrors: ["https://mirror.example.com"] }) },
  ],
  [
    "docker, a privileged daemon",
    { docker: PrivateDocker.privileged({ iKnowThisIsRootOnTheNode: true }), volumes: VOLUMES },
  ],
  ["podman", { driver: TaskDriver.podman() }],
  ["podman, the node's network", { driver: TaskDriver.podman(), network: RunnerNetwork.host() }],
  [
    "podman, a fence",
    { driver: TaskDriver.podman(), network: RunnerNetwork.bridge({ dns: DNS, egress: EGRESS }) },
  ],
  ["exec, an archive", { driver: TaskDriver.exec({ archive: x64, user: "runner" }) }],
  [
    "exec, an archive for arm64",
    { driver: TaskDriver.exec({ archive: arm64, user: "runner" }), architecture: "arm64" },
  ],
  [
    "exec, installed, in a bridge",
    {
      driver: TaskDriver.exec({ runnerRoot: "/opt/actions-runner", user: "runner" }),
      network: RunnerNetwork.bridge({ dns: DNS }),
      volumes: VOLUMES,
    },
  ],
  [
    "rawExec",
    {
      driver: TaskDriver.rawExec({
        runnerRoot: "/opt/actions-runner",
        user: "runner",
        iKnowThisIsNotIsolated: true,
      }),
    },
  ],
];

/** Every driver with every option that changes what is asked of it, by the constructs' own defaults. */
export function driverVariants(): readonly DriverVariant[] {
  const jobText = text("runner.variables.hcl") + text("runner.nomad.hcl");
  return VARIANTS.map(([name, props]) => {
    const job = resolveRunnerJob({
      className: "variant",
      labels: ["self-hosted", "linux"],
      driver: TaskDriver.docker(),
      ...props,
    });
    return {
      name,
      jobText,
      vars: {
        ...unescaped(runnerJobVariables(job)),
        claim_script: text("claim.sh"),
        start_script: text("start-runner.sh"),
        hook_script: text("job-started-hook.sh"),
        release_script: text("release-runner.sh"),
        docker_script: text("docker-daemon.sh"),
        egress_script: text("egress.sh"),
        user_started_hook: job.jobStartedHook?.text ?? "",
      },
    };
  });
}

/** What Terraform makes of the texts before the provider has them: a doubled mark of a template is the mark. */
function unescaped(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      value.replace(/([$%])\1\{/g, (_whole, mark: string) => `${mark}{`),
    ]),
  );
}
