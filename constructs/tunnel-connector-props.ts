import { type ITerraformDependable, Token } from "cdktf";
import { NOMAD_JOB_ID } from "../contracts/patterns";
import { ConnectorDriver } from "./connector-driver";

/** Where a connector finds the tunnel's token: what {@link VaultSecrets} makes, or what is there. */
export interface ConnectorVault {
  /** Role of the JWT auth method that the Nomad servers' Vault block names. */
  readonly role: string;
  /** API path of a KV version 2 secret with the field `token`, such as `kv/data/github-runners/connector`. */
  readonly dataPath: string;
  /**
   * Audience that the role binds.
   * @default "vault.io"
   */
  readonly audience?: string;
}

/** How many connectors, where, in what, and with which token. */
export interface TunnelConnectorProps {
  /** Where the tunnel's token lies. */
  readonly vault: ConnectorVault;
  /**
   * What it runs in.
   * @default ConnectorDriver.docker()
   */
  readonly driver?: ConnectorDriver;
  /**
   * Id of the Nomad job, and name of its service.
   * @default "github-runners-connector"
   */
  readonly jobId?: string;
  /**
   * Nomad namespace: not the runners', who may read what is in theirs.
   * @default "default"
   */
  readonly namespace?: string;
  /**
   * How many, each on a node of its own. Where there are fewer nodes the deploy fails, since the rest never start.
   * @default 2
   */
  readonly count?: number;
  /**
   * Datacenters whose nodes may run one.
   * @default - all
   */
  readonly datacenters?: readonly string[];
  /**
   * Node pool.
   * @default "default"
   */
  readonly nodePool?: string;
  /**
   * Port of cloudflared's metrics and its ready check, on the node's address.
   * @default - Nomad chooses a free one
   */
  readonly metricsPort?: number;
  /**
   * Where the service and its check are registered.
   * @default "nomad"
   */
  readonly serviceProvider?: "nomad" | "consul";
  /**
   * CPU share in MHz.
   * @default 100
   */
  readonly cpuMhz?: number;
  /**
   * Memory in MiB.
   * @default 128
   */
  readonly memoryMib?: number;
  /**
   * Whether a deploy waits until every connector is connected to Cloudflare, at most five minutes, and fails when one is
   * not.
   * @default true
   */
  readonly waitUntilReady?: boolean;
  /**
   * What has to stand before it starts, and has to go after it has stopped: the gateway, and the token in Vault.
   * @default - nothing
   */
  readonly dependsOn?: readonly ITerraformDependable[];
}

/** The props with every default in its place. */
export type ResolvedConnector = Required<Omit<TunnelConnectorProps, "vault">> & {
  /** With its audience. */
  readonly vault: Required<ConnectorVault>;
};

/** Puts every default in its place. */
export function resolveConnector(props: TunnelConnectorProps): ResolvedConnector {
  const { vault } = props;
  return {
    vault: { role: vault.role, dataPath: vault.dataPath, audience: vault.audience ?? "vault.io" },
    driver: props.driver ?? ConnectorDriver.docker(),
    jobId: props.jobId ?? "github-runners-connector",
    namespace: props.namespace ?? "default",
    count: props.count ?? 2,
    datacenters: [...(props.datacenters ?? ["*"])],
    nodePool: props.nodePool ?? "default",
    // 0 is "any" in the job's variable.
    metricsPort: props.metricsPort ?? 0,
    serviceProvider: props.serviceProvider ?? "nomad",
    cpuMhz: props.cpuMhz ?? 100,
    memoryMib: props.memoryMib ?? 128,
    waitUntilReady: props.waitUntilReady ?? true,
    dependsOn: [...(props.dependsOn ?? [])],
  };
}

/** Inclusive bounds. Cloudflare takes at most 25 connectors of one tunnel with four connections each.
 *  @see https://developers.cloudflare.com/cloudflare-one/account-limits/ */
const BOUNDS = {
  count: { min: 1, max: 25 },
  cpuMhz: { min: 1, max: 1_000_000 },
  memoryMib: { min: 32, max: 16_777_216 },
  metricsPort: { min: 0, max: 65_535 },
} as const;

/** What would end the template's quoted path, or open another action in it. */
const VAULT_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9._-]+)+$/;

/** Everything wrong at once, one sentence each. */
export function connectorProblems(connector: ResolvedConnector): string[] {
  const found: string[] = [];
  for (const key of Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]) {
    const { min, max } = BOUNDS[key];
    const value = connector[key];
    if (!Number.isInteger(value) || value < min || value > max) {
      found.push(
        `${key}: must be a whole number from ${String(min)} to ${String(max)}, got ${String(value)}`,
      );
    }
  }
  const { datacenters, jobId, vault } = connector;
  if (!NOMAD_JOB_ID.pattern.test(jobId)) found.push(`jobId: must be ${NOMAD_JOB_ID.words}, got "${jobId}"`);
  if (datacenters.length === 0) found.push("datacenters: must name at least one, got an empty list");
  if (vault.role.trim() === "") found.push(`vault.role: must not be empty, got "${vault.role}"`);
  const { dataPath } = vault;
  // Its parts may be known at apply only; VaultSecrets takes them so.
  if (!Token.isUnresolved(dataPath) && !(VAULT_PATH.test(dataPath) && dataPath.includes("/data/"))) {
    found.push(
      `vault.dataPath: must be the API path of a KV version 2 secret, such as kv/data/github-runners/connector, got "${dataPath}"`,
    );
  }
  found.push(...connector.driver.problems());
  return found;
}
