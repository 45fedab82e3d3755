import { Hono } from "hono";
import type { Deliverer } from "./deliver";
import { HOOK_BASES, hookOf, tagged } from "./hook-routes";
import { type RestContext, type RestEnv, invalid, pageSize, problem } from "./rest";
import type { GithubState } from "./state";
import type { Delivery, Permission } from "./types";

/** GitHub delivers again only what is younger.
 *  @see https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks */
const REDELIVERABLE_MS = 3 * 24 * 60 * 60_000;

/**
 * Deliveries of a webhook, and redelivery.
 * @see https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
 */
export function deliveryRoutes(state: GithubState, deliverer: Deliverer): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  for (const [hooks, permission] of HOOK_BASES) {
    const base = `${hooks}/:hook{[0-9]+}/deliveries`;
    routes.get(base, (context) => list(context, state, permission));
    routes.get(`${base}/:id{[0-9]+}`, (context) => {
      const delivery = deliveryOf(context, state, permission);
      if (delivery instanceof Response) return delivery;
      return context.json({
        ...deliveryView(delivery),
        request: { headers: delivery.requestHeaders, payload: JSON.parse(delivery.payload) as unknown },
        response: { headers: {}, payload: delivery.responseBody },
      });
    });
    routes.post(`${base}/:id{[0-9]+}/attempts`, (context) => {
      const hook = hookOf(context, state, permission);
      if (hook instanceof Response) return hook;
      const delivery = deliveryOf(context, state, permission);
      if (delivery instanceof Response) return delivery;
      if (state.settings.clock() - delivery.deliveredAt > REDELIVERABLE_MS) {
        return problem(context, 422, "The delivery is too old to be redelivered");
      }
      void deliverer.redeliver(hook, delivery);
      return context.json({}, 202);
    });
  }
  return routes;
}

function list(context: RestContext, state: GithubState, permission: Permission): Response {
  const hook = hookOf(context, state, permission);
  if (hook instanceof Response) return hook;
  const status = context.req.query("status");
  if (status !== undefined && !(status in OUTCOMES)) {
    return invalid(context, [{ resource: "Hook", field: "status", code: "invalid" }]);
  }
  const cursor = Number(context.req.query("cursor") ?? Number.POSITIVE_INFINITY);
  const size = pageSize(context);
  const matching = state.deliveries
    .filter((it) => it.hookId === hook.id && it.id < cursor)
    .filter((it) => status === undefined || isOutcome(it, status))
    .reverse();
  const shown = matching.slice(0, size);
  const last = shown.at(-1);
  if (last !== undefined && matching.length > size) {
    const next = new URL(context.req.url);
    next.searchParams.set("cursor", String(last.id));
    context.header("link", `<${next.href}>; rel="next"`);
  }
  return tagged(context, shown.map(deliveryView));
}

/** Which status codes are which outcome; a redirect is a success here, though nobody followed it.
 *  @see https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook */
const OUTCOMES: Readonly<Record<string, readonly [lowest: number, highest: number]>> = {
  success: [200, 399],
  failure: [400, 599],
};

function isOutcome({ statusCode }: Delivery, outcome: string): boolean {
  const [lowest, highest] = OUTCOMES[outcome] ?? [0, -1];
  return statusCode >= lowest && statusCode <= highest;
}

function deliveryOf(context: RestContext, state: GithubState, permission: Permission): Delivery | Response {
  const hook = hookOf(context, state, permission);
  if (hook instanceof Response) return hook;
  const id = Number(context.req.param("id"));
  const delivery = state.deliveries.find((it) => it.id === id && it.hookId === hook.id);
  return delivery ?? problem(context, 404, "Not Found");
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
