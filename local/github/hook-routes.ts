import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { Deliverer } from "./deliver";
import { type Wish, changedConfig, conflicts, newConfig, patchedConfig } from "./hook-config";
import { iso } from "./payload";
import { type RestContext, type RestEnv, invalid, jsonBody, page, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { Hook, HookConfig, Permission } from "./types";

/** Where hooks are, and what their maker needs there. */
export const HOOK_BASES: readonly (readonly [string, Permission])[] = [
  ["/repos/:owner/:repo/hooks", "webhooks"],
  ["/orgs/:org/hooks", "organization_hooks"],
];

/**
 * Webhooks of a repository and of an organization.
 * @see https://docs.github.com/rest/repos/webhooks
 * @see https://docs.github.com/rest/orgs/webhooks
 */
export function hookRoutes(state: GithubState, deliverer: Deliverer): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  for (const [base, permission] of HOOK_BASES) {
    const one = `${base}/:hook{[0-9]+}`;
    routes.post(base, (context) => create(context, state, deliverer, permission));
    routes.get(base, (context) => {
      const found = scopeOf(context, state, permission);
      if (found instanceof Response) return found;
      const all = [...state.hooks.values()].filter((hook) => isOf(hook, found.scope));
      return context.json(page(context, all).map((hook) => hookView(context, state, hook)));
    });
    routes.get(one, (context) => {
      const hook = hookOf(context, state, permission);
      return hook instanceof Response ? hook : tagged(context, hookView(context, state, hook));
    });
    routes.patch(one, (context) => change(context, state, permission, changedConfig));
    routes.get(`${one}/config`, (context) => {
      const hook = hookOf(context, state, permission);
      return hook instanceof Response ? hook : context.json(configView(hook));
    });
    routes.patch(`${one}/config`, async (context) => {
      const answer = await change(context, state, permission, patchedConfig);
      const hook = state.hooks.get(Number(context.req.param("hook")));
      return answer.ok && hook !== undefined ? context.json(configView(hook)) : answer;
    });
    routes.delete(one, (context) => {
      const hook = hookOf(context, state, permission);
      if (hook instanceof Response) return hook;
      if (isArchived(state, hook.target)) return readOnly(context);
      state.hooks.delete(hook.id);
      return context.body(null, 204);
    });
    routes.post(`${one}/pings`, (context) => {
      const hook = hookOf(context, state, permission);
      if (hook instanceof Response) return hook;
      void deliverer.ping(hook);
      return context.body(null, 204);
    });
  }
  return routes;
}

async function create(
  context: RestContext,
  state: GithubState,
  deliverer: Deliverer,
  permission: Permission,
): Promise<Response> {
  const found = scopeOf(context, state, permission);
  if (found instanceof Response) return found;
  if (isArchived(state, found.scope)) return readOnly(context);
  const wish = newConfig(await jsonBody(context));
  const errors = wish.ok ? conflicts(state, found.scope, wish.config, null) : wish.errors;
  if (!wish.ok || errors.length > 0) return invalid(context, errors);
  const hook = addHook(state, found.scope, wish.config);
  void deliverer.ping(hook);
  const view = hookView(context, state, hook);
  context.header("location", view.url);
  return context.json(view, 201);
}

async function change(
  context: RestContext,
  state: GithubState,
  permission: Permission,
  apply: (hook: Hook, body: Readonly<Record<string, unknown>> | null) => Wish,
): Promise<Response> {
  const hook = hookOf(context, state, permission);
  if (hook instanceof Response) return hook;
  if (isArchived(state, hook.target)) return readOnly(context);
  const wish = apply(hook, await jsonBody(context));
  const errors = wish.ok ? conflicts(state, hook.target, wish.config, hook) : wish.errors;
  if (!wish.ok || errors.length > 0) return invalid(context, errors);
  const changed: Hook = { ...hook, ...wish.config, updatedAt: Date.now() };
  state.hooks.set(hook.id, changed);
  return context.json(hookView(context, state, changed));
}

/** Makes a hook without a ping. */
export function addHook(state: GithubState, target: string, config: HookConfig): Hook {
  const now = Date.now();
  const hook: Hook = { ...config, target, id: state.smallId(), createdAt: now, updatedAt: now };
  state.hooks.set(hook.id, hook);
  return hook;
}

/** The hook that a path names, or the answer to give instead. */
export function hookOf(context: RestContext, state: GithubState, permission: Permission): Hook | Response {
  const found = scopeOf(context, state, permission);
  if (found instanceof Response) return found;
  const hook = state.hooks.get(Number(context.req.param("hook")));
  return hook !== undefined && isOf(hook, found.scope) ? hook : problem(context, 404, "Not Found");
}

function isOf(hook: Hook, scope: string): boolean {
  return hook.target.toLowerCase() === scope.toLowerCase();
}

function isArchived(state: GithubState, target: string): boolean {
  return state.repository(target)?.archived === true;
}

function readOnly(context: RestContext): Response {
  return problem(context, 403, "Repository was archived so is read-only.");
}

/** An answer that the same client need not read twice: 304 while nothing changed. */
export function tagged(context: RestContext, body: object): Response {
  const tag = `W/"${createHash("sha256").update(JSON.stringify(body)).digest("hex")}"`;
  context.header("etag", tag);
  return context.req.header("if-none-match") === tag ? context.body(null, 304) : context.json(body);
}

type View = { readonly url: string } & Readonly<Record<string, unknown>>;

function hookView(context: RestContext, state: GithubState, hook: Hook): View {
  const isRepository = state.repository(hook.target) !== undefined;
  const { origin, pathname } = new URL(context.req.url);
  const api = origin + (pathname.startsWith("/api/v3/") ? "/api/v3" : "");
  const url = `${api}/${isRepository ? "repos" : "orgs"}/${hook.target}/hooks/${String(hook.id)}`;
  return {
    ...{ type: isRepository ? "Repository" : "Organization", id: hook.id, name: "web" },
    ...{ active: hook.active, events: hook.events, config: configView(hook) },
    created_at: iso(hook.createdAt),
    updated_at: iso(hook.updatedAt),
    url,
    ...(isRepository && { test_url: `${url}/test` }),
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    ...(isRepository && { last_response: { code: null, status: "unused", message: null } }),
  };
}

function configView(hook: Hook): object {
  return {
    url: hook.url,
    content_type: hook.contentType,
    insecure_ssl: hook.insecureSsl,
    ...(hook.secret === null ? {} : { secret: "********" }),
  };
}
