import { randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import { asRecord, asText, jsonBody, ok, refuse } from "./envelope";
import { policyView } from "./policy-routes";
import { type CloudflareState, timestamp, uuid } from "./state";
import type { Application } from "./types";

const AUD_BYTES = 32;

/**
 * Applications of Access: what it protects, and by which policies.
 * @see https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/applications/
 */
export function applicationRoutes(state: CloudflareState): Hono {
  const routes = new Hono();
  for (const owner of ["/accounts/:account", "/zones/:zone"]) {
    const base = `${owner}/access/apps`;
    routes.post(base, (context) => put(context, state, null));
    routes.get(`${base}/:id`, (context) =>
      withApplication(context, state, (it) => ok(context, view(state, it))),
    );
    routes.put(`${base}/:id`, (context) => withApplication(context, state, (it) => put(context, state, it)));
    routes.delete(`${base}/:id`, (context) =>
      withApplication(context, state, (it) => {
        state.applications.delete(it.id);
        return ok(context, { id: it.id });
      }),
    );
  }
  return routes;
}

async function put(context: Context, state: CloudflareState, old: Application | null): Promise<Response> {
  const body = await jsonBody(context);
  const problem = (code: number, text: string, status: 400 | 409 = 400): Response =>
    refuse(context, status, code, `access.api.error.${text}`);
  if (body["type"] !== "self_hosted")
    return problem(12130, "invalid_request: the stand-in knows self_hosted");
  const domains = domainsOf(body);
  const [first] = domains;
  if (first === undefined) return problem(12130, "invalid_request: domain is required");
  const foreign = domains.find((it) => !state.isInZone(it.split("/", 1)[0] ?? ""));
  if (foreign !== undefined)
    return problem(12130, "domain_does_not_belong_to_zone: domain does not belong to zone");
  const others = [...state.applications.values()].filter((it) => it.id !== old?.id);
  if (others.some((it) => it.domains.some((domain) => domains.includes(domain)))) {
    return problem(11010, "application_already_exists", 409);
  }
  const policies = policiesOf(body, state);
  if (typeof policies === "string") return problem(12130, `invalid_request: ${policies}`);
  const now = timestamp();
  const application: Application = {
    id: old?.id ?? uuid(),
    aud: old?.aud ?? randomBytes(AUD_BYTES).toString("hex"),
    given: body,
    name: asText(body["name"]) ?? first,
    domains,
    policies,
    createdAt: old?.createdAt ?? now,
    updatedAt: now,
  };
  state.applications.set(application.id, application);
  return ok(context, view(state, application));
}

/** What it protects: public destinations, or the domain with its older list. */
function domainsOf(body: Readonly<Record<string, unknown>>): string[] {
  const destinations = list(body["destinations"])
    .filter((it) => (it["type"] ?? "public") === "public")
    .flatMap((it) => asText(it["uri"]) ?? []);
  const older = Array.isArray(body["self_hosted_domains"]) ? body["self_hosted_domains"].map(String) : [];
  const domain = asText(body["domain"]);
  return [...new Set([...(domain === null ? [] : [domain]), ...destinations, ...older])];
}

function policiesOf(
  body: Readonly<Record<string, unknown>>,
  state: CloudflareState,
): Application["policies"] | string {
  const policies = list(body["policies"]).map((it, index) => ({
    id: asText(it["id"]) ?? "",
    precedence: Number(it["precedence"] ?? index + 1),
  }));
  const unknown = policies.find(({ id }) => !state.policies.has(id));
  if (unknown !== undefined) {
    return unknown.id === "" ? "the stand-in knows reusable policies" : `policy ${unknown.id} not found`;
  }
  const precedences = new Set(policies.map(({ precedence }) => precedence));
  return precedences.size === policies.length ? policies : "precedence must be unique";
}

function list(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map((it) => asRecord(it) ?? {}) : [];
}

function withApplication(
  context: Context,
  state: CloudflareState,
  then: (application: Application) => Response | Promise<Response>,
): Response | Promise<Response> {
  const application = state.applications.get(context.req.param("id") ?? "");
  return application === undefined
    ? refuse(context, 404, 12135, "access.api.error.not_found")
    : then(application);
}

/** What the API fills in where nothing was sent. */
const DEFAULTS = {
  app_launcher_visible: true,
  auto_redirect_to_identity: false,
  enable_binding_cookie: false,
  http_only_cookie_attribute: true,
  options_preflight_bypass: false,
  session_duration: "24h",
  allowed_idps: [],
  tags: [],
};

function view(state: CloudflareState, application: Application): object {
  const given = Object.fromEntries(
    Object.entries(application.given).filter(([, value]) => value !== null && value !== undefined),
  );
  return {
    ...DEFAULTS,
    ...given,
    id: application.id,
    uid: application.id,
    aud: application.aud,
    name: application.name,
    domain: application.domains[0],
    domain_type: "public",
    self_hosted_domains: application.domains,
    destinations: application.domains.map((uri) => ({ type: "public", uri })),
    policies: application.policies.flatMap(({ id, precedence }) => {
      const policy = state.policies.get(id);
      return policy === undefined ? [] : [{ ...policyView(policy), precedence }];
    }),
    created_at: application.createdAt,
    updated_at: application.updatedAt,
  };
}
