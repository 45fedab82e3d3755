import { hclExpression, literalText } from "./literal-text";
import type { ResolvedRunnerJob } from "./runner-job-props";

/** The variables of jobs/runner.variables.hcl but the scripts', as text: that is how Nomad takes them, and a list or an
 *  object as an HCL expression. */
export function runnerJobVariables(job: ResolvedRunnerJob): Record<string, string> {
  const { docker, driver, network, volumes } = job;
  const { archive_url: url, archive_sha256: sha256, ...chosen } = driver.variables;
  const { dns, egress, container_network, network_mode } = network.variables;
  return {
    name: literalText(job.jobId),
    namespace: literalText(job.namespace),
    datacenters: hclExpression(job.datacenters),
    node_pool: literalText(job.nodePool),
    driver: chosen.driver,
    image: literalText(chosen.image),
    runtime: literalText(docker?.runnerRuntime || chosen.runtime),
    user: literalText(chosen.user),
    runner_root: literalText(chosen.runner_root),
    // The daemon mounts parts of the runner, so they are in the directory that both have.
    copy_runner: String(chosen.copy_runner || docker !== undefined),
    archive: hclExpression(url === "" ? null : { url, sha256 }),
    cpu: String(job.cpuMhz),
    memory: String(job.memoryMib),
    memory_max: String(job.memoryMaxMib),
    disk: String(job.diskMib),
    constraints: hclExpression(job.constraints),
    volumes: hclExpression(
      volumes.map(({ hostVolume: source, path, readOnly: read_only }) => ({ source, path, read_only })),
    ),
    network_mode: literalText(network_mode),
    container_network: literalText(docker?.runnerNetwork || container_network),
    dns: hclExpression(dns),
    egress: hclExpression(egress),
    docker: hclExpression(docker?.variables ?? null),
    idle_timeout_seconds: String(job.idleTimeoutSeconds),
    max_duration_seconds: String(job.maxDurationSeconds),
    stop_grace_seconds: String(job.stopGraceSeconds),
    allow_forks: String(job.allowForks),
  };
}
