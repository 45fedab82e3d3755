import type { CloudflareStandIn } from "../../../local/cloudflare/cloudflare";
import { call } from "./cloudflare-client";

/** A tunnel with Access before it, as the stack makes it. */
export interface Gateway {
  readonly tunnelId: string;
  readonly tunnelToken: string;
  readonly serviceTokenId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly applicationId: string;
  readonly aud: string;
  /** The headers of a caller whom Access knows. */
  readonly headers: Readonly<Record<string, string>>;
}

export const NOMAD_HOST = "nomad.example.com";
export const DISPATCH_PATH = "/v1/job/github-runner-linux/dispatch";

export interface GatewayOptions {
  /** @default non_identity */
  readonly decision?: string;
  /** What the tunnel requires in the assertion. @default the application's */
  readonly aud?: string;
  /** @default the stand-in's */
  readonly teamName?: string;
  /** Further fields of the application. */
  readonly application?: Readonly<Record<string, unknown>>;
}

/** Makes a gateway to an origin by the calls of the API, in the order in which Terraform does. */
export async function makeGateway(
  cloudflare: CloudflareStandIn,
  origin: string,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const made = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const { status, errors, result } = await call(cloudflare, method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(errors)}`);
    return result;
  };
  const tunnel = await made("POST", "A/cfd_tunnel", { name: "runners", config_src: "cloudflare" });
  const token = await made("POST", "A/access/service_tokens", { name: "worker", duration: "8760h" });
  const policy = await made("POST", "A/access/policies", {
    name: "worker",
    decision: options.decision ?? "non_identity",
    include: [{ service_token: { token_id: token["id"] } }],
  });
  const application = await made("POST", "A/access/apps", {
    type: "self_hosted",
    name: "nomad",
    domain: NOMAD_HOST,
    policies: [{ id: policy["id"], precedence: 1 }],
    ...options.application,
  });
  const tunnelId = String(tunnel["id"]);
  const aud = String(application["aud"]);
  await made("PUT", `A/cfd_tunnel/${tunnelId}/configurations`, {
    config: {
      ingress: [
        {
          hostname: NOMAD_HOST,
          path: "^/v1/job/(github-runner-linux)/dispatch$",
          service: origin,
          originRequest: {
            access: {
              required: true,
              teamName: options.teamName ?? cloudflare.teamName,
              audTag: [options.aud ?? aud],
            },
          },
        },
        { service: "http_status:404" },
      ],
    },
  });
  await made("POST", "Z/dns_records", {
    name: NOMAD_HOST,
    type: "CNAME",
    content: `${tunnelId}.cfargotunnel.com`,
    proxied: true,
    ttl: 1,
  });
  const [clientId, clientSecret] = [String(token["client_id"]), String(token["client_secret"])];
  const tunnelToken = await call(cloudflare, "GET", `A/cfd_tunnel/${tunnelId}/token`);
  return {
    tunnelId,
    tunnelToken: tunnelToken.result as unknown as string,
    serviceTokenId: String(token["id"]),
    clientId,
    clientSecret,
    applicationId: String(application["id"]),
    aud,
    headers: { "cf-access-client-id": clientId, "cf-access-client-secret": clientSecret },
  };
}
