import type { NomadGatewayProps } from "./nomad-gateway";
import type { TunnelConnectorProps } from "./tunnel-connector";
import type { VaultSecretsProps } from "./vault-secrets";

/** What the stack knows of a route and its user does not have to repeat. */
export interface NomadRouteContext {
  /** Name of the stack, of which the names are made that the route's props leave out. */
  readonly stackName: string;
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
export interface TunnelRouteProps extends Omit<NomadGatewayProps, keyof NomadRouteContext | "name"> {
  /**
   * Name of the tunnel, the service token, the policy and the application.
   * @default - the stack's name and "-nomad"
   */
  readonly name?: string;
  /** Where in Vault the connectors find the tunnel's token. Its `kvName` is `<stack's name>/connector` unless it is set, and
   *  its `roleName` `<stack's name>-connector`. */
  readonly vault: ConnectorVaultProps;
  /**
   * The connectors.
   * @default - two of the official image, on distinct nodes, in the namespace `default`, as `<stack's name>-connector`
   */
  readonly connector?: ConnectorProps;
}
