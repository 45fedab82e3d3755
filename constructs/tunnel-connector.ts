import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Fn, type ITerraformDependable, TerraformAsset, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { hclExpression, literalText } from "./literal-text";
import {
  type ResolvedConnector,
  type TunnelConnectorProps,
  connectorProblems,
  resolveConnector,
} from "./tunnel-connector-props";
import { PACKAGE_ROOT } from "./worker-bundle";

export type { TunnelConnectorProps } from "./tunnel-connector-props";

/** Seconds between the connectors' stop and the deletion of what they served: the job's kill timeout (15) and a bit for
 *  Nomad to get the stop to the node. cloudflared takes itself off Cloudflare's list at the start of that time. */
const SETTLE_SECONDS = 20;

/**
 * The connectors of a tunnel: cloudflared as a Nomad service job, one on each of `count` nodes, with the tunnel's token
 * from Vault by workload identity. Nomad's servers and clients need their `vault` block; neither needs a token for it.
 *
 * - A changed token (Cloudflare's "rotate token", another tunnel) reaches Vault with the next deploy; Nomad sees it there
 *   within some five minutes and restarts the connectors one after the other.
 * - A job that was stopped by hand stays in Terraform's state as `dead`; `rerun_if_dead` makes the next plan show it and
 *   the next deploy start it again. One that Nomad has forgotten (purged, or collected after hours) is made anew.
 * - **Destroy.** Cloudflare refuses to delete a tunnel with a connector on it, with an answer that the provider does not
 *   try again; and the deregistration of a job returns before its allocations have stopped. So what this depends on goes
 *   only after a pause that begins with the deregistration. The pause is a `sleep` in a destroy-time provisioner, which
 *   Terraform runs on `destroy` but not when the construct was taken out of the configuration: then stop the job first.
 */
export class TunnelConnector extends Construct {
  /** Id of the Nomad job. */
  readonly jobId: string;
  /** Namespace of the Nomad job. */
  readonly namespace: string;
  /** The connectors; when `waitUntilReady`, each connected to Cloudflare. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: TunnelConnectorProps) {
    super(scope, id);
    const connector = resolveConnector(props);
    this.jobId = connector.jobId;
    this.namespace = connector.namespace;
    this.node.addValidation({ validate: () => connectorProblems(connector) });

    const settled = this.#settled(connector.dependsOn);
    const jobspec = new TerraformAsset(this, "Jobspec", {
      path: join(PACKAGE_ROOT, "jobs", "connector.nomad.hcl"),
    });
    const job = new Job(this, "Resource", {
      jobspec: Fn.file(jobspec.path),
      hcl2: { vars: connectorVariables(connector) },
      // By default the provider returns when Nomad has noted the job, whether or not anything of it runs.
      detach: !connector.waitUntilReady,
      rerunIfDead: true,
      // Otherwise a stopped job stays in Nomad until it is collected.
      purgeOnDestroy: true,
      dependsOn: [settled],
    });
    this.ready = [job];
  }

  /** Stands between the job and what it needs: made before the job and after the rest, so destroyed after the job and
   *  before the rest. */
  #settled(dependsOn: readonly ITerraformDependable[]): TerraformResource {
    // Not cdktf's DataResource, which runs `terraform version` at synth and refuses a machine without Terraform.
    return new TerraformResource(this, "Settled", {
      terraformResourceType: "terraform_data",
      dependsOn: [...dependsOn],
      provisioners: [{ type: "local-exec", when: "destroy", command: `sleep ${String(SETTLE_SECONDS)}` }],
    });
  }
}

/** The variables of jobs/connector.nomad.hcl, as text, sorted: that is how Nomad takes them, and a list or a map as an
 *  HCL expression. */
function connectorVariables(connector: ResolvedConnector): Record<string, string> {
  const { command, docker_network, driver, environment, image, user } = connector.driver.variables;
  const sortedEnvironment = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    command: literalText(command),
    count: String(connector.count),
    cpu: String(connector.cpuMhz),
    datacenters: hclExpression(connector.datacenters),
    docker_network: literalText(docker_network),
    driver: literalText(driver),
    environment: hclExpression(Object.fromEntries(sortedEnvironment)),
    image: literalText(image),
    memory: String(connector.memoryMib),
    metrics_port: String(connector.metricsPort),
    name: literalText(connector.jobId),
    namespace: literalText(connector.namespace),
    node_pool: literalText(connector.nodePool),
    service_provider: literalText(connector.serviceProvider),
    user: literalText(user),
    vault_audience: literalText(connector.vault.audience),
    vault_path: literalText(connector.vault.dataPath),
    vault_role: literalText(connector.vault.role),
  };
}
