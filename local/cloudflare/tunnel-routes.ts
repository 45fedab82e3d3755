import { randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import type { Connectors } from "./connectors";
import { asRecord, asText, jsonBody, ok, refuse } from "./envelope";
import { configProblem } from "./ingress";
import { type CloudflareState, timestamp, uuid } from "./state";
import { encodeTunnelToken } from "./tunnel-token";
import type { Tunnel, TunnelConfig } from "./types";

const MIN_SECRET_BYTES = 32;

/**
 * Tunnels, their configuration and their token.
 * @see https://developers.cloudflare.com/api/resources/zero_trust/subresources/tunnels/subresources/cloudflared/
 */
export function tunnelRoutes(state: CloudflareState, connectors: Connectors): Hono {
  const routes = new Hono();
  const base = "/accounts/:account/cfd_tunnel";
  routes.post(base, (context) => create(context, state, connectors));
  routes.get(`${base}/:id`, (context) =>
    withTunnel(context, state, (it) => ok(context, view(state, connectors, it))),
  );
  routes.patch(`${base}/:id`, (context) =>
    withTunnel(context, state, async (it) => {
      const body = await jsonBody(context);
      it.name = asText(body["name"]) ?? it.name;
      it.secret = asText(body["tunnel_secret"]) ?? it.secret;
      return ok(context, view(state, connectors, it));
    }),
  );
  routes.delete(`${base}/:id`, (context) =>
    withTunnel(context, state, (it) => {
      // Seen by users of the provider: https://github.com/cloudflare/terraform-provider-cloudflare/issues/5255
      if (connectors.of(it.id).length > 0) {
        return refuse(context, 400, 1022, "Cannot delete tunnel because it has active connections");
      }
      it.deletedAt ??= timestamp();
      return ok(context, view(state, connectors, it));
    }),
  );
  routes.get(`${base}/:id/token`, (context) =>
    withTunnel(context, state, (it) =>
      ok(context, encodeTunnelToken({ a: state.accountId, t: it.id, s: it.secret })),
    ),
  );
  routes.get(`${base}/:id/configurations`, (context) =>
    withTunnel(context, state, (it) => ok(context, configView(it))),
  );
  routes.put(`${base}/:id/configurations`, (context) =>
    withTunnel(context, state, async (it) => {
      const config = asRecord((await jsonBody(context))["config"]) as TunnelConfig | null;
      const problem = config === null ? "config is missing" : configProblem(config);
      if (config === null || problem !== null) {
        return refuse(context, 400, 1056, `Bad Configuration: Validation failed: ${problem ?? ""}`);
      }
      it.config = config;
      it.configVersion += 1;
      return ok(context, configView(it));
    }),
  );
  return routes;
}

async function create(context: Context, state: CloudflareState, connectors: Connectors): Promise<Response> {
  const body = await jsonBody(context);
  const name = asText(body["name"]);
  if (name === null) return refuse(context, 400, 1001, "Tunnel name is required");
  if ([...state.tunnels.values()].some((it) => it.name === name && it.deletedAt === null)) {
    return refuse(context, 409, 1013, "You already have a tunnel with this name");
  }
  const secret = asText(body["tunnel_secret"]) ?? randomBytes(MIN_SECRET_BYTES).toString("base64");
  if (Buffer.from(secret, "base64").byteLength < MIN_SECRET_BYTES) {
    return refuse(
      context,
      400,
      1004,
      `Tunnel secret must be at least ${String(MIN_SECRET_BYTES)} bytes, base64`,
    );
  }
  const tunnel: Tunnel = {
    id: uuid(),
    name,
    configSrc: body["config_src"] === "cloudflare" ? "cloudflare" : "local",
    secret,
    createdAt: timestamp(),
    deletedAt: null,
    activeAt: null,
    inactiveAt: null,
    config: null,
    configVersion: 0,
  };
  state.tunnels.set(tunnel.id, tunnel);
  return ok(context, view(state, connectors, tunnel));
}

/** A deleted tunnel stays readable, with the time of its end; an unknown one is 404. */
function withTunnel(
  context: Context,
  state: CloudflareState,
  then: (tunnel: Tunnel) => Response | Promise<Response>,
): Response | Promise<Response> {
  const tunnel = state.tunnels.get(context.req.param("id") ?? "");
  if (tunnel === undefined) return refuse(context, 404, 1003, "Tunnel not found");
  const isRead = context.req.method === "GET" && context.req.path.endsWith(tunnel.id);
  if (tunnel.deletedAt !== null && !isRead) return refuse(context, 404, 1003, "Tunnel not found");
  return then(tunnel);
}

function view(state: CloudflareState, connectors: Connectors, tunnel: Tunnel): object {
  const up = connectors.of(tunnel.id);
  return {
    id: tunnel.id,
    account_tag: state.accountId,
    created_at: tunnel.createdAt,
    deleted_at: tunnel.deletedAt,
    name: tunnel.name,
    connections: up.map((it) => ({
      id: it.id,
      uuid: it.id,
      client_id: it.id,
      client_version: it.version,
      colo_name: "lo01",
      is_pending_reconnect: false,
      opened_at: it.openedAt,
      origin_ip: "127.0.0.1",
    })),
    conns_active_at: tunnel.activeAt,
    conns_inactive_at: tunnel.inactiveAt,
    tun_type: "cfd_tunnel",
    metadata: {},
    status: up.length > 0 ? "healthy" : tunnel.activeAt === null ? "inactive" : "down",
    config_src: tunnel.configSrc,
    remote_config: tunnel.configSrc === "cloudflare",
  };
}

function configView(tunnel: Tunnel): object {
  return {
    tunnel_id: tunnel.id,
    version: tunnel.configVersion,
    config: tunnel.config,
    source: tunnel.configSrc,
    created_at: tunnel.createdAt,
  };
}
