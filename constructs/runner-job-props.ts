import type { ITerraformDependable } from "cdktf";
import { CLASS_BOUNDS, type RunnerClass } from "../contracts/policy";
import type { HookScript } from "./hook-script";
import { type PlacementConstraint, architectureConstraint, withOperators } from "./placement";
import type { PrivateDocker } from "./private-docker";
import { RunnerNetwork } from "./runner-network";
import type { RunnerArchitecture } from "./runner-release";
import type { TaskDriver } from "./task-driver";

export type { PlacementConstraint };

/** A host volume of the nodes.
 *  @see https://developer.hashicorp.com/nomad/docs/configuration/client#host_volume-block */
export interface RunnerVolume {
  /** Name of the volume in the clients' configuration. */
  readonly hostVolume: string;
  /** Absolute path at which a runner and its Docker daemon have it, such as `/opt/hostedtoolcache`. */
  readonly path: string;
  /**
   * Whether a workflow job may only read it. What one job can write, the next one may run.
   * @default true
   */
  readonly readOnly?: boolean;
}

/** One runner class: its labels, what it runs in, its size, its limits. */
export interface RunnerJobProps {
  /** Name of the runner class: lower-case letters, digits and inner hyphens, at most 24. Part of runner names. */
  readonly className: string;
  /** Labels the runner registers with. A workflow job fits when these cover all of its own. */
  readonly labels: readonly string[];
  /** What workflow code runs in. */
  readonly driver: TaskDriver;
  /**
   * Architecture of the nodes, which becomes a constraint. A class should carry it as a label, too.
   * @default - any
   */
  readonly architecture?: RunnerArchitecture;
  /**
   * A Docker daemon of each runner's own, for `container:` jobs, services, `docker build` and the like.
   * @default - none, and workflow code has no Docker
   */
  readonly docker?: PrivateDocker;
  /**
   * The runner's network, its resolver and what it may reach.
   * @default - the driver's; `RunnerNetwork.bridge()` with a rootless or privileged Docker daemon
   */
  readonly network?: RunnerNetwork;
  /**
   * Host volumes, such as a tool cache.
   * @default - none
   */
  readonly volumes?: readonly RunnerVolume[];
  /**
   * Runs before a workflow job's first step, after the fence against forks; a job whose hook fails, fails.
   * @default - none
   */
  readonly jobStartedHook?: HookScript;
  /**
   * Runs after a workflow job's last step.
   * @default - none
   */
  readonly jobCompletedHook?: HookScript;
  /**
   * Id of the parameterized Nomad job. Another id is another job; the old one is deregistered.
   * @default - "github-runner-" and the class's name
   */
  readonly jobId?: string;
  /**
   * Nomad namespace. Whoever may read a job in it can read a claim and so be a runner: give runners their own.
   * @default "default"
   */
  readonly namespace?: string;
  /**
   * Datacenters whose nodes may run the class.
   * @default - all
   */
  readonly datacenters?: readonly string[];
  /**
   * Node pool. One of their own keeps machines that run workflow code away from everything else.
   * @default "default"
   */
  readonly nodePool?: string;
  /**
   * CPU share in MHz: a weight while others want the processor, not a limit.
   * @default 1000
   */
  readonly cpuMhz?: number;
  /**
   * Memory that is reserved, in MiB. The default fits a node of 4 GB with a Docker daemon of 1024 beside it.
   * @default 2048
   */
  readonly memoryMib?: number;
  /**
   * Most memory in MiB, where the cluster allows oversubscription.
   * @default - the reservation
   */
  readonly memoryMaxMib?: number;
  /**
   * Disk of the allocation, in MiB: with a driver on the node the runner, checkout and build output, with a Docker daemon its
   * images, too. A container without one writes into itself.
   * @default 10240
   */
  readonly diskMib?: number;
  /**
   * Further conditions on the node.
   * @default - none
   */
  readonly constraints?: readonly PlacementConstraint[];
  /**
   * Most runners of the class at once, over all scopes; further jobs wait. 0 is no limit but the cluster's.
   * @default 0
   */
  readonly maxRunners?: number;
  /**
   * Most runners of the class at once for the jobs of one repository; further jobs wait. 0 is no limit.
   * @default 0
   */
  readonly maxRunnersPerRepository?: number;
  /**
   * Seconds a dispatched runner may take until it claims its registration; then another one is asked for.
   * @default 300
   */
  readonly pickupDeadlineSeconds?: number;
  /**
   * Seconds a runner waits for a workflow job before it leaves.
   * @default 300
   */
  readonly idleTimeoutSeconds?: number;
  /**
   * Seconds after which a workflow job is stopped.
   * @default 21600
   */
  readonly maxDurationSeconds?: number;
  /**
   * Seconds between asking the runner to stop and killing it, 31 to 80. The runner takes up to 30 to report its job as
   * cancelled, and the job's kill timeout is 90.
   * @default 60
   */
  readonly stopGraceSeconds?: number;
  /**
   * Lets a public repository's pull request from a fork run its code here; as the Worker's policy has it.
   * @default false
   */
  readonly allowForks?: boolean;
  /**
   * What has to stand before the job, such as its namespace.
   * @default - nothing
   */
  readonly dependsOn?: readonly ITerraformDependable[];
}

/** The props with every default in its place. */
export type ResolvedRunnerJob = Required<
  Omit<RunnerJobProps, "memoryMaxMib" | "constraints" | "volumes" | "dependsOn" | OptionalProp>
> &
  Pick<RunnerJobProps, OptionalProp> & {
    /** 0 is the reservation. */
    readonly memoryMaxMib: number;
    /** Each with its operator; the architecture's among them. */
    readonly constraints: readonly Required<PlacementConstraint>[];
    readonly volumes: readonly Required<RunnerVolume>[];
  };

/** What stays open when it is not given. */
type OptionalProp = "architecture" | "docker" | "jobStartedHook" | "jobCompletedHook";

/** Puts every default in its place. */
export function resolveRunnerJob(props: RunnerJobProps): ResolvedRunnerJob {
  return {
    className: props.className,
    labels: [...props.labels],
    driver: props.driver,
    jobId: props.jobId ?? `github-runner-${props.className}`,
    namespace: props.namespace ?? "default",
    datacenters: [...(props.datacenters ?? ["*"])],
    nodePool: props.nodePool ?? "default",
    cpuMhz: props.cpuMhz ?? 1_000,
    memoryMib: props.memoryMib ?? 2_048,
    memoryMaxMib: props.memoryMaxMib ?? 0,
    diskMib: props.diskMib ?? 10_240,
    constraints: withOperators([...architectureConstraint(props.architecture), ...(props.constraints ?? [])]),
    volumes: (props.volumes ?? []).map(({ hostVolume, path, readOnly = true }) => ({
      hostVolume,
      path,
      readOnly,
    })),
    network: props.network ?? defaultNetwork(props.docker),
    ...pickGiven(props),
    maxRunners: props.maxRunners ?? CLASS_BOUNDS.maxRunners.default,
    maxRunnersPerRepository: props.maxRunnersPerRepository ?? CLASS_BOUNDS.maxRunnersPerRepository.default,
    pickupDeadlineSeconds: props.pickupDeadlineSeconds ?? CLASS_BOUNDS.pickupDeadlineSeconds.default,
    idleTimeoutSeconds: props.idleTimeoutSeconds ?? CLASS_BOUNDS.idleTimeoutSeconds.default,
    maxDurationSeconds: props.maxDurationSeconds ?? CLASS_BOUNDS.maxDurationSeconds.default,
    stopGraceSeconds: props.stopGraceSeconds ?? 60,
    allowForks: props.allowForks ?? false,
  };
}

/** Runner and daemon share a namespace of Nomad's; Sysbox makes its own. */
function defaultNetwork(docker: PrivateDocker | undefined): RunnerNetwork {
  return docker === undefined || docker.kind === "sysbox"
    ? RunnerNetwork.driverDefault()
    : RunnerNetwork.bridge();
}

function pickGiven(props: RunnerJobProps): Pick<RunnerJobProps, OptionalProp> {
  const { architecture, docker, jobStartedHook, jobCompletedHook } = props;
  return {
    ...(architecture && { architecture }),
    ...(docker && { docker }),
    ...(jobStartedHook && { jobStartedHook }),
    ...(jobCompletedHook && { jobCompletedHook }),
  };
}

/** The class as the Worker's policy holds it. */
export function runnerClassOf(job: ResolvedRunnerJob): RunnerClass {
  const { className: name, jobId, labels, maxRunners, maxRunnersPerRepository } = job;
  const { pickupDeadlineSeconds, idleTimeoutSeconds, maxDurationSeconds } = job;
  return {
    name,
    job: jobId,
    labels,
    maxRunners,
    maxRunnersPerRepository,
    pickupDeadlineSeconds,
    idleTimeoutSeconds,
    maxDurationSeconds,
  };
}
