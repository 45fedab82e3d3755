import type { ITerraformDependable } from "cdktf";
import { CLASS_BOUNDS, type RunnerClass } from "../contracts/policy";
import { classFaults } from "./class-faults";
import type { TaskDriver } from "./task-driver";

/** A placement constraint as a Nomad job has it.
 *  @see https://developer.hashicorp.com/nomad/docs/job-specification/constraint */
export interface PlacementConstraint {
  /** Such as `${attr.cpu.arch}`; written as Nomad has it, nothing is escaped by hand. */
  readonly attribute: string;
  /**
   * How to compare.
   * @default "="
   */
  readonly operator?: string;
  /** What to compare with. */
  readonly value: string;
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
   * CPU share in MHz.
   * @default 2000
   */
  readonly cpuMhz?: number;
  /**
   * Memory that is reserved, in MiB.
   * @default 4096
   */
  readonly memoryMib?: number;
  /**
   * Most memory in MiB, where the cluster allows oversubscription.
   * @default - the reservation
   */
  readonly memoryMaxMib?: number;
  /**
   * Disk for checkout and build output, in MiB; with a driver on the node it also holds a copy of the runner.
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
  Omit<RunnerJobProps, "memoryMaxMib" | "constraints" | "dependsOn">
> & {
  /** 0 is the reservation. */
  readonly memoryMaxMib: number;
  /** Each with its operator. */
  readonly constraints: readonly Required<PlacementConstraint>[];
};

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
    cpuMhz: props.cpuMhz ?? 2_000,
    memoryMib: props.memoryMib ?? 4_096,
    memoryMaxMib: props.memoryMaxMib ?? 0,
    diskMib: props.diskMib ?? 10_240,
    constraints: (props.constraints ?? []).map(({ attribute, operator = "=", value }) => ({
      attribute,
      operator,
      value,
    })),
    maxRunners: props.maxRunners ?? CLASS_BOUNDS.maxRunners.default,
    maxRunnersPerRepository: props.maxRunnersPerRepository ?? CLASS_BOUNDS.maxRunnersPerRepository.default,
    pickupDeadlineSeconds: props.pickupDeadlineSeconds ?? CLASS_BOUNDS.pickupDeadlineSeconds.default,
    idleTimeoutSeconds: props.idleTimeoutSeconds ?? CLASS_BOUNDS.idleTimeoutSeconds.default,
    maxDurationSeconds: props.maxDurationSeconds ?? CLASS_BOUNDS.maxDurationSeconds.default,
    stopGraceSeconds: props.stopGraceSeconds ?? 60,
    allowForks: props.allowForks ?? false,
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

/** Inclusive bounds of what Nomad's job needs. Nomad's own minimum is lower; a runner does not start with less. */
const BOUNDS = {
  cpuMhz: { min: 100, max: 1_000_000 },
  memoryMib: { min: 256, max: 16_777_216 },
  diskMib: { min: 100, max: 16_777_216 },
  stopGraceSeconds: { min: 31, max: 80 },
} as const;

/** What Nomad compares with: another operator fails the deploy.
 *  @see https://developer.hashicorp.com/nomad/docs/job-specification/constraint#operator */
const OPERATORS: ReadonlySet<string> = new Set([
  ...["=", "==", "is", "!=", "not", ">", ">=", "<", "<="],
  ...["distinct_hosts", "distinct_property", "regexp", "version", "semver", "is_set", "is_not_set"],
  ...["set_contains", "set_contains_all", "set_contains_any"],
]);

function constraintProblems(constraints: readonly Required<PlacementConstraint>[]): string[] {
  const found: string[] = [];
  for (const [index, { attribute, operator }] of constraints.entries()) {
    if (!OPERATORS.has(operator)) {
      found.push(
        `constraints[${String(index)}].operator: must be one of Nomad's (${[...OPERATORS].join(", ")}), got "${operator}"`,
      );
    }
    if (attribute.trim() === "" && operator !== "distinct_hosts") {
      found.push(
        `constraints[${String(index)}].attribute: must name an attribute of the node, got "${attribute}"; ` +
          "write it as ${attr.cpu.arch}",
      );
    }
  }
  return found;
}

/** What the policy calls otherwise than the props do. */
const PROP_NAMES: ReadonlyMap<string, string> = new Map([
  ["name", "className"],
  ["job", "jobId"],
]);

/** Everything wrong with the job at once, one sentence each with the value received. */
export function runnerJobProblems(job: ResolvedRunnerJob): string[] {
  const found: string[] = [];
  for (const key of Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]) {
    const { min, max } = BOUNDS[key];
    const value = job[key];
    if (!Number.isInteger(value) || value < min || value > max) {
      found.push(
        `${key}: must be a whole number from ${String(min)} to ${String(max)}, got ${String(value)}`,
      );
    }
  }
  if (job.memoryMaxMib !== 0 && job.memoryMaxMib < job.memoryMib) {
    found.push(
      `memoryMaxMib: must be at least memoryMib (${String(job.memoryMib)}), got ${String(job.memoryMaxMib)}`,
    );
  }
  if (job.datacenters.length === 0) found.push("datacenters: must name at least one, got an empty list");
  found.push(...constraintProblems(job.constraints), ...job.driver.problems());
  for (const { path, words } of classFaults(runnerClassOf(job))) {
    found.push(`${PROP_NAMES.get(path) ?? path}: ${words}`);
  }
  return found;
}
