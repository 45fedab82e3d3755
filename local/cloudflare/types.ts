import type { Json } from "../worker/runtime";

/** A tunnel. `secret` is base64, as its token carries it. */
export interface Tunnel {
  readonly id: string;
  name: string;
  /** Where its ingress rules come from: `cloudflare` is what the API was given. */
  readonly configSrc: "local" | "cloudflare";
  secret: string;
  readonly createdAt: string;
  deletedAt: string | null;
  activeAt: string | null;
  inactiveAt: string | null;
  config: TunnelConfig | null;
  /** Goes up with every configuration. */
  configVersion: number;
}

/** Configuration of a tunnel, as on the wire.
 *  @see https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/configure-tunnels/cloudflared-parameters/origin-parameters/ */
export interface TunnelConfig {
  readonly ingress?: readonly IngressRule[] | null;
  readonly originRequest?: OriginRequest | null;
}

export interface IngressRule {
  readonly hostname?: string | null;
  /** A regular expression that is searched in the path. */
  readonly path?: string | null;
  readonly service: string;
  readonly originRequest?: OriginRequest | null;
}

export interface OriginRequest {
  readonly access?: {
    readonly required?: boolean | null;
    readonly teamName: string;
    readonly audTag: readonly string[];
  } | null;
  readonly caPool?: string | null;
  readonly httpHostHeader?: string | null;
  readonly matchSNItoHost?: boolean | null;
  readonly noTLSVerify?: boolean | null;
  readonly originServerName?: string | null;
}

/** A service token of Access. Times in milliseconds since the epoch. */
export interface ServiceToken {
  readonly id: string;
  name: string;
  readonly clientId: string;
  clientSecret: string;
  secretVersion: number;
  /** Still accepted until its end. */
  previous: { readonly clientSecret: string; readonly endsAt: number } | null;
  duration: string;
  expiresAt: number;
  readonly createdAt: string;
  updatedAt: string;
}

/** One selector of a policy: an object of one key. */
export type Selector = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Policy {
  readonly id: string;
  name: string;
  decision: "allow" | "deny" | "non_identity" | "bypass";
  include: readonly Selector[];
  exclude: readonly Selector[];
  require: readonly Selector[];
  sessionDuration: string;
  readonly createdAt: string;
  updatedAt: string;
}

export interface Application {
  readonly id: string;
  readonly aud: string;
  /** What was sent, without what is derived from it. */
  given: Readonly<Record<string, unknown>>;
  name: string;
  /** Host and path prefixes it protects, the first being its domain. */
  domains: readonly string[];
  policies: readonly { readonly id: string; readonly precedence: number }[];
  readonly createdAt: string;
  updatedAt: string;
}

export interface DnsRecord {
  readonly id: string;
  name: string;
  type: string;
  content: string;
  proxied: boolean;
  ttl: number;
  comment: string | null;
  tags: readonly string[];
  settings: Readonly<Record<string, unknown>>;
  readonly createdOn: string;
  modifiedOn: string;
}

export interface D1 {
  readonly id: string;
  readonly name: string;
  replication: string;
  readonly createdAt: string;
}

export interface Binding {
  readonly name: string;
  readonly type: string;
  /** The field of the type: `text`, `id`, … */
  readonly [field: string]: Json;
}

/** A field of a binding that is a text. */
export function fieldOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A Worker's script as it was uploaded. */
export interface Script {
  readonly name: string;
  readonly content: string;
  readonly contentType: string;
  readonly mainModule: string;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly bindings: readonly Binding[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Hex SHA-256 of the content. */
  readonly etag: string;
  readonly createdOn: string;
  readonly modifiedOn: string;
}

export interface Schedule {
  readonly cron: string;
  readonly createdOn: string;
  readonly modifiedOn: string;
}

export interface CustomDomain {
  readonly id: string;
  readonly hostname: string;
  readonly service: string;
}

/** Something that exists in the account or its zone. */
export interface Item {
  readonly kind:
    | "tunnel"
    | "service token"
    | "access policy"
    | "access application"
    | "dns record"
    | "d1 database"
    | "worker"
    | "cron trigger"
    | "custom domain";
  readonly id: string;
  readonly name: string;
}

/** What happened, for a test to wait for. No secret in it. */
export type CloudflareEvent =
  | { readonly type: "api"; readonly method: string; readonly path: string; readonly status: number }
  | { readonly type: "held"; readonly method: string; readonly path: string }
  | {
      readonly type: "access";
      readonly hostname: string;
      readonly outcome: "accepted" | "refused" | "bypassed";
      /** Id of the service token that was accepted. */
      readonly tokenId: string | null;
    }
  | { readonly type: "connector"; readonly tunnelId: string; readonly state: "up" | "draining" | "down" }
  | { readonly type: "worker"; readonly script: string; readonly line: string };
