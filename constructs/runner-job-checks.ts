import { posix } from "node:path";
import { architectureProblems, architectureWarnings } from "./architecture";
import { classFaults } from "./class-faults";
import {
  type PlacementConstraint,
  type ResolvedRunnerJob,
  type RunnerVolume,
  runnerClassOf,
} from "./runner-job-props";

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

/** What is the allocation's own: a volume over it would be kept from job to job, or hide the scripts.
 *  @see https://developer.hashicorp.com/nomad/docs/reference/runtime-environment-settings#task-directories */
const TAKEN = ["/alloc", "/local", "/secrets", "/tmp", "/dev", "/proc", "/sys"] as const;

function volumeProblems(volumes: readonly Required<RunnerVolume>[]): string[] {
  const found: string[] = [];
  for (const [index, { hostVolume, path }] of volumes.entries()) {
    const at = `volumes[${String(index)}]`;
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(hostVolume)) {
      found.push(
        `${at}.hostVolume: must be a volume's name in the clients' configuration, got "${hostVolume}"`,
      );
    }
    if (!/^\/[^\s:]+$/.test(path)) {
      found.push(
        `${at}.path: must be an absolute path below the root, without blanks and colons, got "${path}"`,
      );
    } else if (posix.normalize(path) !== path || TAKEN.some((it) => `${path}/`.startsWith(`${it}/`))) {
      found.push(
        `${at}.path: must be a plain path outside of ${TAKEN.join(", ")}, which are the runner's own, got "${path}"; ` +
          "write it as /opt/hostedtoolcache",
      );
    }
    if (volumes.findIndex((other) => other.path === path) < index) {
      found.push(`${at}.path: must be another than those before it, got "${path}" twice`);
    }
  }
  return found;
}

/** What does not go together, one sentence each. */
function combinationProblems({ docker, driver, network, volumes }: ResolvedRunnerJob): string[] {
  const found: string[] = [];
  const { driver: name, runtime } = driver.variables;
  const { egress, dns } = network.variables;
  if (docker !== undefined) {
    if (name !== "docker") {
      found.push(
        `docker: must go with TaskDriver.docker, got ${name}; the daemon is a container beside the runner's`,
      );
    } else if (runtime !== "" && runtime !== (docker.runnerRuntime || "runc")) {
      found.push(
        `docker: must leave the runner's runtime to the daemon's kind (${docker.runnerRuntime || "runc"} for ${docker.kind}), ` +
          `got "${runtime}"; leave runtime out`,
      );
    }
    const wanted = docker.kind === "sysbox" ? "default" : "own";
    if (network.kind !== wanted) {
      found.push(
        `network: must be ${wanted === "own" ? "bridge or cni" : "driverDefault"} with a ${docker.kind} Docker daemon, got ` +
          `another; runner and daemon share one. Leave network out, or take that.`,
      );
    }
    if (egress !== null && docker.kind !== "rootless") {
      found.push(
        `network: egress must go without a ${docker.kind} Docker daemon, whose root could take the rules back; take rootless`,
      );
    }
  }
  if (egress !== null && !driver.inContainer) {
    found.push(
      `network: egress must go with TaskDriver.docker or podman, got ${name}; its rules are written from a container`,
    );
  }
  if (name === "raw_exec" && (dns !== null || volumes.length > 0)) {
    found.push(
      "driver: rawExec must go without dns and volumes, which Nomad mounts; the node's own are there",
    );
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
  found.push(
    ...constraintProblems(job.constraints),
    ...architectureProblems(job),
    ...volumeProblems(job.volumes),
    ...job.driver.problems(),
    ...job.network.problems(),
    ...(job.docker?.problems() ?? []),
    ...combinationProblems(job),
    ...(job.jobStartedHook?.problems("jobStartedHook") ?? []),
    ...(job.jobCompletedHook?.problems("jobCompletedHook") ?? []),
  );
  for (const { path, words } of classFaults(runnerClassOf(job))) {
    found.push(`${PROP_NAMES.get(path) ?? path}: ${words}`);
  }
  return found;
}

/** What is legal for the job and seldom meant, one sentence each. */
export function runnerJobWarnings(job: ResolvedRunnerJob): string[] {
  const ofVolumes = job.volumes
    .filter(({ readOnly }) => !readOnly)
    .map(
      ({ hostVolume, path }) =>
        `volumes: the volume "${hostVolume}" at ${path} can be written: what one workflow job leaves there, the next one of the ` +
        "node finds and may run. Leave readOnly out, unless all jobs of the class trust each other.",
    );
  const found = [...job.driver.warnings(), ...ofVolumes].map((it) => `Class "${job.className}": ${it}`);
  return [...architectureWarnings(job), ...found];
}
