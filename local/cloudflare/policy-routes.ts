import { type Context, Hono } from "hono";
import { asRecord, asText, jsonBody, ok, refuse } from "./envelope";
import { type CloudflareState, timestamp, uuid } from "./state";
import type { Policy, Selector } from "./types";

const DECISIONS = ["allow", "deny", "non_identity", "bypass"] as const;

/** What the stand-in can judge; another one would be a policy that means something else here. */
const SELECTORS = ["service_token", "any_valid_service_token", "everyone", "email", "email_domain"];

/**
 * Reusable policies of Access.
 * @see https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/policies/
 */
export function policyRoutes(state: CloudflareState): Hono {
  const routes = new Hono();
  const base = "/accounts/:account/access/policies";
  routes.post(base, (context) => put(context, state, null));
  routes.get(`${base}/:id`, (context) => withPolicy(context, state, (it) => ok(context, policyView(it))));
  routes.put(`${base}/:id`, (context) => withPolicy(context, state, (it) => put(context, state, it)));
  routes.delete(`${base}/:id`, (context) =>
    withPolicy(context, state, (it) => {
      state.policies.delete(it.id);
      return ok(context, { id: it.id });
    }),
  );
  return routes;
}

async function put(context: Context, state: CloudflareState, old: Policy | null): Promise<Response> {
  const read = policyOf(await jsonBody(context), old);
  if (typeof read === "string") {
    return refuse(context, 400, 12130, `access.api.error.invalid_request: ${read}`);
  }
  state.policies.set(read.id, read);
  return ok(context, policyView(read));
}

/** Reads a policy; a text says what is wrong with it. */
function policyOf(body: Readonly<Record<string, unknown>>, old: Policy | null): Policy | string {
  const name = asText(body["name"]);
  if (name === null) return "a policy needs a name";
  const decision = DECISIONS.find((it) => it === body["decision"]);
  if (decision === undefined) return `decision must be one of ${DECISIONS.join(", ")}`;
  const rules = {
    include: selectors(body["include"]),
    exclude: selectors(body["exclude"]),
    require: selectors(body["require"]),
  };
  for (const [key, value] of Object.entries(rules)) {
    const unknown = value.find((it) => !SELECTORS.includes(Object.keys(it)[0] ?? ""));
    if (unknown !== undefined) {
      return `${key}: the stand-in judges ${SELECTORS.join(", ")}, got ${Object.keys(unknown).join(", ") || "none"}`;
    }
  }
  if (rules.include.length === 0) return "a policy must include somebody";
  const now = timestamp();
  return {
    id: old?.id ?? uuid(),
    name,
    decision,
    ...rules,
    sessionDuration: asText(body["session_duration"]) ?? "24h",
    createdAt: old?.createdAt ?? now,
    updatedAt: now,
  };
}

/** A selector is an object of one key; the provider leaves the others out or sends null. */
function selectors(value: unknown): Selector[] {
  if (!Array.isArray(value)) return [];
  return value.map((it) => {
    const entries = Object.entries(asRecord(it) ?? {}).flatMap(([key, given]) => {
      const record = asRecord(given);
      return record === null ? [] : [[key, record] as const];
    });
    return Object.fromEntries(entries.slice(0, 1));
  });
}

function withPolicy(
  context: Context,
  state: CloudflareState,
  then: (policy: Policy) => Response | Promise<Response>,
): Response | Promise<Response> {
  const policy = state.policies.get(context.req.param("id") ?? "");
  return policy === undefined ? refuse(context, 404, 12135, "access.api.error.not_found") : then(policy);
}

/** A policy as the API shows it, in the list of an application, too. */
export function policyView(policy: Policy): object {
  return {
    id: policy.id,
    uid: policy.id,
    name: policy.name,
    decision: policy.decision,
    include: policy.include,
    exclude: policy.exclude,
    require: policy.require,
    session_duration: policy.sessionDuration,
    reusable: true,
    created_at: policy.createdAt,
    updated_at: policy.updatedAt,
  };
}
