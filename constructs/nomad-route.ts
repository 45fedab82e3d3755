import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { NomadRouteContext, TunnelRouteProps } from "./nomad-route-props";
import { type INomadGateway, NomadGateway } from "./nomad-gateway";
import { sensitiveVariable } from "./sensitive-variable";
import { TunnelConnector } from "./tunnel-connector";
import { VaultSecrets } from "./vault-secrets";

/** A bring-your-own address of Nomad. */
export interface ExistingRouteProps {
  /** Origin by which the Worker reaches Nomad's API, `https://…`. */
  readonly address: string;
  /**
   * Whether an Access service token is sent on every call. It comes from two sensitive Terraform variables,
   * `access_client_id` and `access_client_secret`.
   * @default true
   */
  readonly access?: boolean;
}

/**
 * How the Worker reaches Nomad. {@link NomadRoute.tunnel} makes all of it: tunnel, Access, DNS record and the
 * connectors. {@link NomadRoute.existing} uses what is there.
 */
export abstract class NomadRoute {
  /** A Cloudflare Tunnel with Access in front of it, that lets through nothing but dispatches of the runner classes. Its
   *  token goes to the connectors through Vault. */
  static tunnel(props: TunnelRouteProps): NomadRoute {
    return new TunnelRoute(props);
  }

  /** A tunnel, or another way, of your own. Let it pass only `POST /v1/job/<class job>/dispatch`, and only with the
   *  service token. */
  static existing(props: ExistingRouteProps): NomadRoute {
    return new ExistingRoute(props);
  }

  /** Hostname that Cloudflare serves for Nomad; nothing when it is not this stack's. */
  abstract readonly hostname: string | undefined;

  /** The connectors' Nomad job in a stack of this name; nothing when they are not this stack's. */
  abstract connectorJob(stackName: string): ConnectorJob | undefined;

  /** Declares in `scope` what the route needs. */
  abstract bind(scope: Construct, context: NomadRouteContext): BoundRoute;
}

/** Where in Nomad the connectors are. */
export interface ConnectorJob {
  /** Id of the job. */
  readonly jobId: string;
  /** Namespace of the job. */
  readonly namespace: string;
}

/** A route once it is declared. */
export interface BoundRoute extends INomadGateway {
  /** What has to stand before a dispatch can arrive: the gateway, and the connectors where they are ours. */
  readonly ready: readonly ITerraformDependable[];
}

class ExistingRoute extends NomadRoute {
  override readonly hostname = undefined;

  constructor(private readonly props: ExistingRouteProps) {
    super();
  }

  override connectorJob(): undefined {
    return undefined;
  }

  override bind(scope: Construct): BoundRoute {
    const { address, access = true } = this.props;
    if (!access) return NomadGateway.fromAttributes({ address });
    return NomadGateway.fromAttributes({
      address,
      access: {
        clientId: sensitiveVariable(scope, {
          name: "access_client_id",
          description: "Client id of the Access service token for Nomad.",
        }),
        clientSecret: sensitiveVariable(scope, {
          name: "access_client_secret",
          description: "Client secret of the Access service token for Nomad.",
        }),
      },
    });
  }
}

class TunnelRoute extends NomadRoute {
  override readonly hostname: string;

  constructor(private readonly props: TunnelRouteProps) {
    super();
    this.hostname = props.hostname;
  }

  /** In a namespace that is not the runners' unless the settings say otherwise: nothing of it may be read by one. */
  override connectorJob(stackName: string): ConnectorJob {
    const { jobId = `${stackName}-connector`, namespace = "default" } = this.props.connector ?? {};
    return { jobId, namespace };
  }

  override bind(scope: Construct, { stackName, ...context }: NomadRouteContext): BoundRoute {
    const { vault, connector = {}, ...gatewayProps } = this.props;
    const { jobId, namespace } = this.connectorJob(stackName);
    const gateway = new NomadGateway(scope, "Gateway", {
      name: `${stackName}-nomad`,
      ...gatewayProps,
      ...context,
    });
    const secrets = new VaultSecrets(scope, "ConnectorSecrets", {
      kvName: `${stackName}/connector`,
      roleName: `${stackName}-connector`,
      ...vault,
      values: { token: gateway.tunnelToken },
      nomadNamespace: namespace,
      nomadJobId: jobId,
    });
    // Declared to depend on the tunnel and its Access application, so that it goes before them: Cloudflare deletes no
    // tunnel whose connectors are up.
    const connectors = new TunnelConnector(scope, "Connector", {
      ...connector,
      jobId,
      namespace,
      vault: { role: secrets.role, dataPath: secrets.dataPath, audience: secrets.audience },
      dependsOn: [...gateway.ready, ...secrets.ready],
    });
    return {
      address: gateway.address,
      access: gateway.access,
      ready: [...gateway.ready, ...connectors.ready],
    };
  }
}
