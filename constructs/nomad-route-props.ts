import type { NomadGatewayProps } from "./nomad-gateway";
import type { TunnelConnectorProps } from "./tunnel-connector";
import type { VaultSecretsProps } from "./vault-secrets";

/** What the stack knows of a route and its user does not have to repeat. */
export interface NomadRouteContext {
  /** Cloudflare account. */
  readonly accountId: string;
  /** Zone of the hostname. */
  readonly zoneId: string;
  /** Ids of the Nomad jobs that may be dispatched. */
  readonly jobs: readonly string[];
}

/** Where in Vault the connectors find the tunnel's token, and by which role. */
export type ConnectorVaultProps = Omit<VaultSecretsProps, "values" | "nomadNamespace" | "nomadJobId">;

/** The connectors: `cloudflared` as a Nomad job. */
export type ConnectorProps = Omit<TunnelConnectorProps, "vault" | "dependsOn">;

/** A tunnel of this stack: the gateway without what the stack knows, its token in Vault, its connectors. */
export interface TunnelRouteProps extends Omit<NomadGatewayProps, keyof NomadRouteContext> {
  /** Where in Vault the connectors find the tunnel's token. */
  readonly vault: ConnectorVaultProps;
  /**
   * The connectors.
   * @default - two of the official image, on distinct nodes, in the namespace `default`
   */
  readonly connector?: ConnectorProps;
}
