import { DnsRecord } from "@cdktf/provider-cloudflare/lib/dns-record";
import { ZeroTrustAccessApplication } from "@cdktf/provider-cloudflare/lib/zero-trust-access-application";
import { ZeroTrustAccessPolicy } from "@cdktf/provider-cloudflare/lib/zero-trust-access-policy";
import { ZeroTrustAccessServiceToken } from "@cdktf/provider-cloudflare/lib/zero-trust-access-service-token";
import { ZeroTrustTunnelCloudflared } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared";
// The resource is `…_config`; the bindings end its class in A, because ZeroTrustTunnelCloudflaredConfig is the props of
// the tunnel itself.
import { ZeroTrustTunnelCloudflaredConfigA } from "@cdktf/provider-cloudflare/lib/zero-trust-tunnel-cloudflared-config";
import { Fn, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { GeneratedSecret } from "./generated-secret";
import { literalText } from "./literal-text";
import {
  type AccessToken,
  type INomadGateway,
  type NomadGatewayAttributes,
  type NomadGatewayProps,
  nomadGatewayProblems,
} from "./nomad-gateway-props";

export type {
  AccessToken,
  INomadGateway,
  NomadGatewayAttributes,
  NomadGatewayProps,
} from "./nomad-gateway-props";

/**
 * Nomad's API behind Cloudflare, for dispatches alone: a tunnel whose only route is the dispatch of the given jobs, an
 * Access application in front that takes one service token, and the DNS record. The cluster opens no port.
 *
 * Three things each keep a stranger out: Access (edge), the path of the ingress rule and the JWT that the connector asks
 * for (both on the connector, in case Access is ever removed or goes around).
 *
 * The service token's secret and the tunnel's token lie in Terraform's state: the provider knows no other way.
 */
export class NomadGateway extends Construct implements INomadGateway {
  /** A tunnel, or any other way to Nomad, that is not of this stack. Let it pass only
   *  `POST /v1/job/<class job>/dispatch`, and only with the service token. The Worker's construct checks the address. */
  static fromAttributes(attributes: NomadGatewayAttributes): INomadGateway {
    const { address, access } = attributes;
    return { address, ...(access && { access }), ready: [] };
  }

  /** Origin of Nomad's API: `https`, no path. */
  readonly address: string;
  /** The service token that Access asks for; its secret is known at apply. */
  readonly access: AccessToken;
  /** The DNS record and the tunnel's routes, with all they need. Whatever depends on them is destroyed before them. */
  readonly ready: readonly ITerraformDependable[];
  /** Id of the tunnel, known at apply. */
  readonly tunnelId: string;
  /** What a connector needs, and all it needs, to serve the tunnel. Sensitive, known at apply. */
  readonly tunnelToken: string;

  constructor(scope: Construct, id: string, props: NomadGatewayProps) {
    super(scope, id);
    const { accountId, hostname } = props;
    const name = literalText(props.name ?? "github-runners-nomad");
    const tunnelSecret = this.#tunnelSecret(props);
    const tunnel = new ZeroTrustTunnelCloudflared(this, "Resource", {
      accountId,
      name,
      // The default, "local", would have the connector read its routes from a file and ignore those below; changing it
      // later replaces the tunnel.
      configSrc: "cloudflare",
      tunnelSecret,
    });
    const serviceToken = this.#serviceToken(props, name);
    const application = this.#application(props, name, serviceToken);
    const routes = this.#routes(props, tunnel, application);
    const record = new DnsRecord(this, "Record", {
      zoneId: props.zoneId,
      // In full: the provider does not notice when the API shortens or lengthens a relative name.
      name: hostname,
      type: "CNAME",
      content: `${tunnel.id}.cfargotunnel.com`,
      proxied: true,
      // 1 is "automatic", the only one that a proxied record may have.
      ttl: 1,
      // Last to come and first to go, so that the name never leads to Nomad without Access in front.
      dependsOn: [application, routes],
    });

    this.address = `https://${hostname}`;
    this.access = {
      clientId: serviceToken.clientId,
      clientSecret: serviceToken.clientSecret,
      expiresAt: serviceToken.expiresAt,
    };
    this.ready = [record, routes];
    this.tunnelId = tunnel.id;
    this.tunnelToken = tunnelToken(accountId, tunnel, tunnelSecret);
    this.node.addValidation({ validate: () => nomadGatewayProblems(props) });
  }

  #serviceToken(props: NomadGatewayProps, name: string): ZeroTrustAccessServiceToken {
    const { accountId, serviceTokenRotation: rotation } = props;
    return new ZeroTrustAccessServiceToken(this, "ServiceToken", {
      accountId,
      name,
      duration: props.serviceTokenDuration ?? "8760h",
      // The provider takes both or none.
      ...(rotation && {
        clientSecretVersion: rotation.version,
        previousClientSecretExpiresAt: rotation.previousEndsAt,
      }),
    });
  }

  #application(
    { accountId, hostname }: NomadGatewayProps,
    name: string,
    serviceToken: ZeroTrustAccessServiceToken,
  ): ZeroTrustAccessApplication {
    const policy = new ZeroTrustAccessPolicy(this, "Policy", {
      accountId,
      name,
      // "Service Auth". Under "allow" a service token counts for nothing, and under "bypass" anybody does.
      decision: "non_identity",
      // This one token, not any valid one of the account. The JSON has one key in each object, as the API wants it.
      include: [{ serviceToken: { tokenId: serviceToken.id } }],
      // Set, because an empty text never stops showing as a change; of no meaning for service tokens.
      sessionDuration: "24h",
    });
    return new ZeroTrustAccessApplication(this, "Application", {
      accountId,
      name,
      // Spelt out although most are the API's defaults: what is left out here comes back as a change in each plan.
      type: "self_hosted",
      domain: hostname,
      sessionDuration: "24h",
      appLauncherVisible: false,
      httpOnlyCookieAttribute: true,
      // 401 for a missing or ended service token. Without it Access answers 403, which Nomad does too, for a bad ACL token.
      serviceAuth401Redirect: true,
      policies: [{ id: policy.id, precedence: 1 }],
    });
  }

  #routes(
    props: NomadGatewayProps,
    tunnel: ZeroTrustTunnelCloudflared,
    application: ZeroTrustAccessApplication,
  ): ZeroTrustTunnelCloudflaredConfigA {
    const { accessTeamName, caPool, hostname, jobs, origin, originServerName } = props;
    // The reference to the application's audience also makes Access come before the route and go after it. The provider
    // deletes no configuration: the route stays until the tunnel goes, still asking for the JWT.
    return new ZeroTrustTunnelCloudflaredConfigA(this, "Routes", {
      accountId: props.accountId,
      tunnelId: tunnel.id,
      config: {
        ingress: [
          {
            hostname,
            path: literalText(dispatchPath(jobs)),
            service: origin,
            originRequest: {
              access: { required: true, teamName: accessTeamName, audTag: [application.aud] },
              ...(caPool !== undefined && { caPool: literalText(caPool) }),
              ...(originServerName !== undefined && { originServerName: literalText(originServerName) }),
            },
          },
          // cloudflared refuses a configuration whose last rule does not match everything.
          { service: "http_status:404" },
        ],
      },
    });
  }

  /** Base64 of at least 32 bytes. Not kept over a rotation: Cloudflare takes one secret of a tunnel, connectors that are
   *  connected stay so, and those that start anew find the new token in Vault. */
  #tunnelSecret({ tunnelSecretGeneration: generation = 1 }: NomadGatewayProps): string {
    const secret = new GeneratedSecret(this, "TunnelSecret", { generation, keepPrevious: false });
    return Fn.base64encode(secret.current);
  }
}

/**
 * What `cloudflared tunnel run` takes: base64 of JSON with account, tunnel and secret. Made here, and not read by the
 * provider's data source: that wants a Cloudflare credential that may change tunnels for every plan, and does not mark
 * its answer as sensitive.
 * @see https://github.com/cloudflare/cloudflared/blob/2026.8.2/connection/connection.go (TunnelToken)
 */
function tunnelToken(accountId: string, tunnel: ZeroTrustTunnelCloudflared, secret: string): string {
  return Fn.base64encode(Fn.jsonencode({ a: accountId, t: tunnel.id, s: secret }));
}

/** A regular expression that matches the path of a dispatch of one of the jobs, and nothing else: cloudflared searches
 *  for it within the path, so it needs both anchors. */
function dispatchPath(jobs: readonly string[]): string {
  const ids = [...new Set(jobs)].map((job) => job.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return `^/v1/job/(${ids.join("|")})/dispatch$`;
}
