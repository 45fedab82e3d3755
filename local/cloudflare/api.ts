import type { HttpBindings } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { type Faults, striking } from "../http/faults";
import { applicationRoutes } from "./application-routes";
import type { Connectors } from "./connectors";
import { type Measure, d1Routes } from "./d1-routes";
import type { DeployedWorkers } from "./deployed-workers";
import { dnsRoutes } from "./dns-routes";
import { domainRoutes } from "./domain-routes";
import { refuse } from "./envelope";
import { type Gates, holding } from "./gate";
import { policyRoutes } from "./policy-routes";
import { scriptRoutes } from "./script-routes";
import { serviceTokenRoutes } from "./service-token-routes";
import type { CloudflareState } from "./state";
import { tunnelRoutes } from "./tunnel-routes";

export const API_PATH = "/client/v4";

export interface ApiParts {
  readonly state: CloudflareState;
  readonly apiToken: string;
  readonly connectors: Connectors;
  readonly workers: DeployedWorkers;
  readonly measure: Measure;
  readonly faults: Faults;
  readonly gates: Gates;
}

/** The calls that the Terraform provider makes for this project's stack; any other one is 404 with code 7003. */
export function cloudflareApi(parts: ApiParts): Hono<{ Bindings: HttpBindings }> {
  const { state } = parts;
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(recording(state));
  app.use(striking(parts.faults));
  app.use(guard(state, parts.apiToken));
  app.use(holding(parts.gates, state.events));
  for (const routes of [
    tunnelRoutes(state, parts.connectors),
    serviceTokenRoutes(state),
    policyRoutes(state),
    applicationRoutes(state),
    dnsRoutes(state),
    d1Routes(state, parts.measure),
    scriptRoutes(state, parts.workers),
    domainRoutes(state),
  ]) {
    app.route(API_PATH, routes);
  }
  app.notFound((context) => refuse(context, 404, 7003, `Could not route to ${context.req.path}`));
  return app;
}

/** The token, and that the account and the zone are its own. */
function guard(state: CloudflareState, apiToken: string): MiddlewareHandler {
  return async (context, next) => {
    const bearer = /^Bearer (\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (bearer === undefined) {
      return refuse(context, 400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
    }
    if (bearer !== apiToken) return refuse(context, 401, 10000, "Authentication error");
    const [kind, id] = context.req.path.slice(API_PATH.length + 1).split("/");
    const own = kind === "accounts" ? state.accountId : kind === "zones" ? state.zone.id : id;
    if (id !== own) return refuse(context, 403, 10000, "Authentication error");
    return next();
  };
}

function recording(state: CloudflareState): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { method, path } = context.req;
    state.events.emit({ type: "api", method, path, status: context.res.status });
  };
}
