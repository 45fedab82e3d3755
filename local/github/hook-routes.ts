import { Hono } from "hono";
import type { Deliverer } from "./deliver";
import { iso } from "./payload";
import { type RestContext, type RestEnv, invalid, jsonBody, page, pageSize, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { Delivery, Hook } from "./types";

/** GitHub delivers again only what is younger.
 *  @see https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks */
const REDELIVERABLE_MS = 3 * 24 * 60 * 60_000;

const BASES = ["/repos/:owner/:repo/hooks", "/orgs/:org/hooks"];

/**
 * Webhooks of a repository and of an organization, their deliveries, and redelivery.
 * @see https://docs.github.com/rest/repos/webhooks
 */
export function hookRoutes(state: GithubState, deliverer: Deliverer): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  for (const base of BASES) {
    routes.post(base, (context) => create(context, state, deliverer));
    routes.get(base, (context) => {
      const found = scopeOf(context, state, "webhooks");
      if (found instanceof Response) return found;
      const all = [...state.hooks.values()].filter((hook) => isOf(hook, found.scope));
      return context.json(page(context, all).map((hook) => hookView(state, hook)));
    });
    routes.get(`${base}/:hook{[0-9]+}`, (context) => {
      const hook = hookOf(context, state);
      return hook instanceof Response ? hook : context.json(hookView(state, hook));
    });
    routes.delete(`${base}/:hook{[0-9]+}`, (context) => {
      const hook = hookOf(context, state);
      if (hook instanceof Response) return hook;
      state.hooks.delete(hook.id);
      return context.body(null, 204);
    });
    routes.post(`${base}/:hook{[0-9]+}/pings`, (context) => {
      const hook = hookOf(context, state);
      if (hook instanceof Response) return hook;
      void deliverer.ping(hook);
      return context.body(null, 204);
    });
    routes.get(`${base}/:hook{[0-9]+}/deliveries`, (context) => list(context, state));
    routes.get(`${base}/:hook{[0-9]+}/deliveries/:id{[0-9]+}`, (context) => {
      const delivery = deliveryOf(context, state);
      if (delivery instanceof Response) return delivery;
      return context.json({
        ...deliveryView(delivery),
        request: { headers: delivery.requestHeaders, payload: JSON.parse(delivery.payload) as unknown },
        response: { headers: {}, payload: delivery.responseBody },
      });
    });
    routes.post(`${base}/:hook{[0-9]+}/deliveries/:id{[0-9]+}/attempts`, (context) => {
      const hook = hookOf(context, state);
      if (hook instanceof Response) return hook;
      const delivery = deliveryOf(context, state);
      if (delivery instanceof Response) return delivery;
      if (Date.now() - delivery.deliveredAt > REDELIVERABLE_MS) {
        return problem(context, 422, "The delivery is too old to be redelivered");
      }
      void deliverer.redeliver(hook, delivery);
      return context.json({}, 202);
    });
  }
  return routes;
}

async function create(context: RestContext, state: GithubState, deliverer: Deliverer): Promise<Response> {
  const found = scopeOf(context, state, "webhooks");
  if (found instanceof Response) return found;
  const body = await jsonBody(context);
  const config = body?.["config"] as Record<string, unknown> | undefined;
  const url = config?.["url"];
  if (typeof url !== "string" || !/^https?:\/\//.test(url))
    return invalid(context, ["url must be an http(s) URL"]);
  const events = body?.["events"] ?? ["push"];
  if (!Array.isArray(events) || !events.every((it) => typeof it === "string")) {
    return invalid(context, ["events must be a list of strings"]);
  }
  const secret = config?.["secret"];
  const hook = addHook(state, {
    target: found.scope,
    url,
    secret: typeof secret === "string" && secret !== "" ? secret : null,
    events,
    active: body?.["active"] !== false,
    // GitHub's default, and a common mistake.
    contentType: config?.["content_type"] === "json" ? "json" : "form",
  });
  void deliverer.ping(hook);
  return context.json(hookView(state, hook), 201);
}

/** Makes a hook without a ping. */
export function addHook(state: GithubState, spec: Omit<Hook, "id" | "createdAt">): Hook {
  const hook: Hook = { ...spec, id: state.smallId(), createdAt: Date.now() };
  state.hooks.set(hook.id, hook);
  return hook;
}

function list(context: RestContext, state: GithubState): Response {
  const hook = hookOf(context, state);
  if (hook instanceof Response) return hook;
  const status = context.req.query("status");
  const cursor = Number(context.req.query("cursor") ?? Number.POSITIVE_INFINITY);
  const size = pageSize(context);
  const matching = state.deliveries
    .filter((it) => it.hookId === hook.id && it.id < cursor)
    .filter((it) => status === undefined || (status === "success") === isSuccess(it))
    .reverse();
  const shown = matching.slice(0, size);
  const last = shown.at(-1);
  if (last !== undefined && matching.length > size) {
    const next = new URL(context.req.url);
    next.searchParams.set("cursor", String(last.id));
    context.header("link", `<${next.href}>; rel="next"`);
  }
  return context.json(shown.map(deliveryView));
}

function isSuccess(delivery: Delivery): boolean {
  return delivery.statusCode >= 200 && delivery.statusCode < 300;
}

function hookOf(context: RestContext, state: GithubState): Hook | Response {
  const found = scopeOf(context, state, "webhooks");
  if (found instanceof Response) return found;
  const hook = state.hooks.get(Number(context.req.param("hook")));
  return hook !== undefined && isOf(hook, found.scope) ? hook : problem(context, 404, "Not Found");
}

function deliveryOf(context: RestContext, state: GithubState): Delivery | Response {
  const hook = hookOf(context, state);
  if (hook instanceof Response) return hook;
  const id = Number(context.req.param("id"));
  const delivery = state.deliveries.find((it) => it.id === id && it.hookId === hook.id);
  return delivery ?? problem(context, 404, "Not Found");
}

function isOf(hook: Hook, scope: string): boolean {
  return hook.target.toLowerCase() === scope.toLowerCase();
}

function hookView(state: GithubState, hook: Hook): object {
  return {
    type: state.repository(hook.target) === undefined ? "Organization" : "Repository",
    id: hook.id,
    name: "web",
    active: hook.active,
    events: hook.events,
    config: {
      url: hook.url,
      content_type: hook.contentType,
      insecure_ssl: "0",
      ...(hook.secret === null ? {} : { secret: "********" }),
    },
    created_at: iso(hook.createdAt),
    updated_at: iso(hook.createdAt),
    last_response: { code: null, status: "unused", message: null },
  };
}

function deliveryView(delivery: Delivery): object {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: new Date(delivery.deliveredAt).toISOString(),
    redelivery: delivery.redelivery,
    duration: delivery.duration,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: null,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}
