import { readFile } from "node:fs/promises";
import type { EdgeRequest } from "../worker/runtime";
import { ASSERTION_HEADER, issuerOf } from "./access";
import type { AccessJwt } from "./access-jwt";
import type { Connectors } from "./connectors";
import type { Target } from "./forward";
import { matchRule, originSettings, statusOf } from "./ingress";
import { type Outside, reach } from "./network";
import type { CloudflareState } from "./state";
import type { OriginRequest, Tunnel } from "./types";

/** What a tunnel is made of here. */
export interface Passage {
  readonly state: CloudflareState;
  readonly connectors: Connectors;
  readonly jwt: AccessJwt;
  readonly outside: Outside;
  /** Gets what a connector would log. */
  readonly onLine: (line: string) => void;
}

const NO_INGRESS_STATUS = 503;

/**
 * Sends a request through a tunnel: a connector, its ingress rule, the rule's check of Access, the origin. The rules run
 * in the stand-in and not in the connector, which only says that it is there.
 */
export async function throughTunnel(
  passage: Passage,
  tunnelId: string,
  request: EdgeRequest,
): Promise<Response> {
  const tunnel = passage.state.tunnels.get(tunnelId);
  const answer =
    tunnel === undefined || tunnel.deletedAt !== null
      ? null
      : await passage.connectors.through(tunnelId, () => toOrigin(passage, tunnel, request));
  return answer ?? plain(530, "error code: 1033");
}

async function toOrigin(passage: Passage, tunnel: Tunnel, request: EdgeRequest): Promise<Response> {
  // A tunnel configured locally knows no rule of the API's, and cloudflared answers 503 for all.
  const config = tunnel.configSrc === "cloudflare" ? tunnel.config : null;
  const rule = matchRule(config, request.url);
  if (rule === null) return new Response(null, { status: NO_INGRESS_STATUS });
  const settings = originSettings(config, rule);
  const refused = refusal(passage, settings, request.headers.get(ASSERTION_HEADER));
  if (refused !== null) return refused;
  const status = statusOf(rule);
  if (status !== null) return new Response(null, { status });
  try {
    const target = await targetOf(rule.service, settings, request.url);
    return await reach(request, passage.outside, target);
  } catch (error) {
    passage.onLine(`Unable to reach the origin service ${rule.service}: ${String(error)}`);
    const html =
      "<!DOCTYPE html><html><head><title>502: Bad gateway</title></head><body>Bad gateway</body></html>";
    return new Response(html, { status: 502, headers: { "content-type": "text/html; charset=UTF-8" } });
  }
}

/**
 * Checks Access's assertion where the rule requires it.
 * @see https://github.com/cloudflare/cloudflared/blob/2026.8.2/ingress/middleware/jwtvalidator.go
 */
function refusal(
  { state, jwt }: Passage,
  settings: OriginRequest,
  assertion: string | null,
): Response | null {
  const { access } = settings;
  if (access?.required !== true) return null;
  if (assertion === null) return new Response(null, { status: 403 });
  const issuer = `https://${access.teamName}.cloudflareaccess.com`;
  const claims = issuer === issuerOf(state) ? jwt.verify(assertion, issuer) : null;
  if (claims === null) return new Response(null, { status: 502 });
  return claims.aud.some((it) => access.audTag.includes(it)) ? null : new Response(null, { status: 403 });
}

async function targetOf(service: string, settings: OriginRequest, url: URL): Promise<Target> {
  const host = settings.httpHostHeader ?? url.host;
  const servername = settings.matchSNItoHost === true ? url.hostname : settings.originServerName;
  const ca = settings.caPool;
  return {
    url: new URL(url.pathname + url.search, service),
    host,
    tls: {
      rejectUnauthorized: settings.noTLSVerify !== true,
      ...(servername !== undefined && servername !== null && servername !== "" && { servername }),
      ...(ca !== undefined && ca !== null && ca !== "" && { ca: await readFile(ca, "utf8") }),
    },
  };
}

/** An error of Cloudflare's own, as it is told to what is no browser. */
export function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=UTF-8" } });
}
