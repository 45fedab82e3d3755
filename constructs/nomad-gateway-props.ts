import { type ITerraformDependable, Token } from "cdktf";
import { NOMAD_JOB_ID } from "../contracts/patterns";
import { hostnameProblems } from "./hostnames";

/** An Access service token, as it is sent. */
export interface AccessToken {
  /** Value of `CF-Access-Client-Id`. */
  readonly clientId: string;
  /** Value of `CF-Access-Client-Secret`. */
  readonly clientSecret: string;
  /**
   * When it ends, ISO 8601; may be known at apply only.
   * @default - unknown
   */
  readonly expiresAt?: string;
}

/** A way to Nomad's API over the internet. */
export interface INomadGateway {
  /** Origin of Nomad's API: `https`, no path. */
  readonly address: string;
  /** What Access asks for; nothing where no Access application stands in front. */
  readonly access?: AccessToken;
  /** What has to stand before a request can arrive. */
  readonly ready: readonly ITerraformDependable[];
}

/** A way that exists already. */
export type NomadGatewayAttributes = Omit<INomadGateway, "ready">;

/** A new client secret for the service token, while the previous one is still taken. Keep it after the rotation: taken out,
 *  or with a lower version, it would ask for the first secret, and that is one more change without an overlap.
 *  @see https://registry.terraform.io/providers/cloudflare/cloudflare/5.14.0/docs/resources/zero_trust_access_service_token#client_secret_version */
export interface ServiceTokenRotation {
  /** Number of the secret: the token was made with 1, so the first rotation is 2. Raising it makes a new secret. */
  readonly version: number;
  /** When the previous secret ends, such as `2027-01-01T00:00:00Z`. A time in the past ends it at once. */
  readonly previousEndsAt: string;
}

/** Where the gateway is at Cloudflare, and what it leads to. */
export interface NomadGatewayProps {
  /** Id of the Cloudflare account. */
  readonly accountId: string;
  /** Id of the zone that holds the hostname. */
  readonly zoneId: string;
  /** Hostname by which the Worker reaches Nomad. Cloudflare serves it; it opens nothing on the cluster. */
  readonly hostname: string;
  /** The `<team>` of `<team>.cloudflareaccess.com`.
   *  @see https://developers.cloudflare.com/cloudflare-one/faq/getting-started-faq/#whats-a-team-domainteam-name */
  readonly accessTeamName: string;
  /** Nomad's API as the connectors reach it: an `http` or `https` origin, such as `https://nomad.service.consul:4646`.
   *  `127.0.0.1` is the connector's own node when it has the node's network. cloudflared has no certificate of its own to
   *  show: Nomad's `tls.verify_https_client` must be false. */
  readonly origin: string;
  /** Ids of the parameterized jobs that may be dispatched. Every other path is answered by 404 on the connector. */
  readonly jobs: readonly string[];
  /**
   * Name of the tunnel, the service token, the policy and the application.
   * @default "github-runners-nomad"
   */
  readonly name?: string;
  /**
   * File where the connector runs, with the certificates of the authority that signed Nomad's. A container has none of
   * the node's files: take `ConnectorDriver.exec`, or an image that has it.
   * @default - the system's authorities
   */
  readonly caPool?: string;
  /**
   * Name that the origin's certificate carries, such as `server.global.nomad`.
   * @default - the origin's hostname
   */
  readonly originServerName?: string;
  /**
   * Which secret the tunnel's token is made of: raising it by one is the rotation. Connectors that are connected stay so,
   * and restart with the new token within minutes, when Nomad sees it in Vault.
   * @default 1
   */
  readonly tunnelSecretGeneration?: number;
  /**
   * Life of the service token, such as `8760h`, or `forever`. Nothing renews it: changing it sets the end anew.
   * @default "8760h"
   */
  readonly serviceTokenDuration?: string;
  /**
   * A rotation of the service token's secret.
   * @default - the first secret
   */
  readonly serviceTokenRotation?: ServiceTokenRotation;
}

/** `https://example.com:4646`: no user, path, query or fragment. */
const ORIGIN = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/;
const SERVER_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const TEAM_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Go's durations as far as they make sense for a token, and Cloudflare's own word. */
const DURATION = /^(?:\d+h(?:\d+m)?(?:\d+s)?|\d+m(?:\d+s)?|\d+s|forever)$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Everything wrong at once, one sentence each. What is known at apply only is Terraform's to check. */
export function nomadGatewayProblems(props: NomadGatewayProps): string[] {
  return [
    ...idProblems(props),
    ...hostnameProblems("hostname", props.hostname),
    ...originProblems(props),
    ...jobProblems(props.jobs),
    ...tokenProblems(props),
  ];
}

function idProblems({ accountId, zoneId, accessTeamName, name }: NomadGatewayProps): string[] {
  const found: string[] = [];
  for (const [at, value] of Object.entries({ accountId, zoneId, ...(name !== undefined && { name }) })) {
    if (value.trim() === "") found.push(`${at}: must not be empty, got "${value}"`);
  }
  if (isKnown(accessTeamName) && !TEAM_NAME.test(accessTeamName)) {
    found.push(
      `accessTeamName: must be the <team> of <team>.cloudflareaccess.com alone, got "${accessTeamName}"; ` +
        "Zero Trust shows it under Settings",
    );
  }
  return found;
}

function originProblems({ origin, caPool, originServerName }: NomadGatewayProps): string[] {
  const found: string[] = [];
  if (isKnown(origin) && !ORIGIN.test(origin)) {
    found.push(
      `origin: must be an http or https origin without path, such as https://nomad.service.consul:4646, got "${origin}"`,
    );
  }
  for (const [at, value] of Object.entries({ caPool, originServerName })) {
    if (value !== undefined && isKnown(origin) && origin.startsWith("http://")) {
      found.push(`${at}: must be left out for an http origin, which has no certificate, got "${value}"`);
    }
  }
  if (caPool !== undefined && isKnown(caPool) && !caPool.startsWith("/")) {
    found.push(`caPool: must be an absolute path on the connector, got "${caPool}"`);
  }
  if (originServerName !== undefined && isKnown(originServerName) && !SERVER_NAME.test(originServerName)) {
    found.push(
      `originServerName: must be a name as a certificate has it, such as server.global.nomad, got "${originServerName}"`,
    );
  }
  return found;
}

function jobProblems(jobs: readonly string[]): string[] {
  if (jobs.length === 0) {
    return ["jobs: must name at least one job that may be dispatched, got an empty list"];
  }
  // A token cannot be made safe within a regular expression, so what is known at apply only is refused as well.
  return jobs
    .filter((job) => !NOMAD_JOB_ID.pattern.test(job))
    .map((job) => `jobs: each must be a literal job id (${NOMAD_JOB_ID.words}), got "${job}"`);
}

function tokenProblems({
  serviceTokenDuration: duration,
  serviceTokenRotation: rotation,
}: NomadGatewayProps): string[] {
  const found: string[] = [];
  if (duration !== undefined && isKnown(duration) && !DURATION.test(duration)) {
    found.push(`serviceTokenDuration: must be a duration such as 8760h, or forever, got "${duration}"`);
  }
  if (rotation === undefined) return found;
  const { version, previousEndsAt } = rotation;
  if (!Number.isInteger(version) || version < 2) {
    found.push(
      `serviceTokenRotation.version: must be a whole number from 2 on, since the token was made with 1, got ${String(version)}`,
    );
  }
  if (
    isKnown(previousEndsAt) &&
    (!ISO_TIME.test(previousEndsAt) || Number.isNaN(Date.parse(previousEndsAt)))
  ) {
    found.push(
      `serviceTokenRotation.previousEndsAt: must be a time such as 2027-01-01T00:00:00Z, got "${previousEndsAt}"`,
    );
  }
  return found;
}

function isKnown(value: string): boolean {
  return !Token.isUnresolved(value);
}
