import { randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import { asText, jsonBody, ok, refuse } from "./envelope";
import { type CloudflareState, hexId, timestamp, uuid } from "./state";
import type { ServiceToken } from "./types";

const SECRET_LENGTH = 40;
const CHECKSUM_LENGTH = 8;
const DEFAULT_DURATION = "8760h";
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** A time that no test reaches stands for "never". */
const FOREVER = Date.parse("9999-12-31T23:59:59Z");

/**
 * Service tokens of Access: creation, rotation, lifetime.
 * @see https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/service_tokens/
 */
export function serviceTokenRoutes(state: CloudflareState): Hono {
  const routes = new Hono();
  for (const owner of ["/accounts/:account", "/zones/:zone"]) {
    const base = `${owner}/access/service_tokens`;
    routes.post(base, (context) => create(context, state));
    routes.get(`${base}/:id`, (context) => withToken(context, state, (it) => ok(context, view(it))));
    routes.put(`${base}/:id`, (context) => withToken(context, state, (it) => update(context, it)));
    routes.delete(`${base}/:id`, (context) =>
      withToken(context, state, (it) => {
        state.serviceTokens.delete(it.id);
        return ok(context, view(it));
      }),
    );
  }
  return routes;
}

async function create(context: Context, state: CloudflareState): Promise<Response> {
  const body = await jsonBody(context);
  const name = asText(body["name"]);
  const duration = asText(body["duration"]) ?? DEFAULT_DURATION;
  const lifetime = milliseconds(duration);
  if (name === null || lifetime === null) return invalid(context, `name and duration, got ${duration}`);
  const now = Date.now();
  const token: ServiceToken = {
    id: uuid(),
    name,
    clientId: `${hexId()}.access`,
    clientSecret: newSecret(),
    secretVersion: Number(body["client_secret_version"] ?? 1),
    previous: null,
    duration,
    expiresAt: Math.min(now + lifetime, FOREVER),
    createdAt: timestamp(now),
    updatedAt: timestamp(now),
  };
  state.serviceTokens.set(token.id, token);
  return ok(context, { ...view(token), client_secret: token.clientSecret });
}

/** A higher version of the secret is its rotation; another duration starts the token's life anew. */
async function update(context: Context, token: ServiceToken): Promise<Response> {
  const body = await jsonBody(context);
  const duration = asText(body["duration"]) ?? token.duration;
  const lifetime = milliseconds(duration);
  if (lifetime === null) return invalid(context, `duration, got ${duration}`);
  const version = Number(body["client_secret_version"] ?? token.secretVersion);
  const rotates = version > token.secretVersion;
  if (rotates) {
    const endsAt = Date.parse(asText(body["previous_client_secret_expires_at"]) ?? timestamp());
    if (Number.isNaN(endsAt)) return invalid(context, "previous_client_secret_expires_at");
    token.previous = { clientSecret: token.clientSecret, endsAt };
    token.clientSecret = newSecret();
    token.secretVersion = version;
  }
  if (duration !== token.duration) token.expiresAt = Math.min(Date.now() + lifetime, FOREVER);
  token.duration = duration;
  token.name = asText(body["name"]) ?? token.name;
  token.updatedAt = timestamp();
  return ok(context, { ...view(token), ...(rotates && { client_secret: token.clientSecret }) });
}

/** Of the shape that new secrets have; nobody may check it. */
function newSecret(): string {
  const text = randomBytes(SECRET_LENGTH + CHECKSUM_LENGTH).toString("hex");
  return `cfast_${text.slice(0, SECRET_LENGTH + CHECKSUM_LENGTH)}`;
}

/** A duration as Go writes it; null for what is none. */
function milliseconds(duration: string): number | null {
  if (duration === "forever") return FOREVER;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(duration)) return null;
  return [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, amount = "0", unit = ""]) => sum + Number(amount) * (UNIT_MS[unit] ?? 0),
    0,
  );
}

function withToken(
  context: Context,
  state: CloudflareState,
  then: (token: ServiceToken) => Response | Promise<Response>,
): Response | Promise<Response> {
  const token = state.serviceTokens.get(context.req.param("id") ?? "");
  return token === undefined ? refuse(context, 404, 12135, "access.api.error.not_found") : then(token);
}

function invalid(context: Context, what: string): Response {
  return refuse(context, 400, 12130, `access.api.error.invalid_request: ${what}`);
}

function view(token: ServiceToken): object {
  return {
    id: token.id,
    name: token.name,
    client_id: token.clientId,
    client_secret_version: token.secretVersion,
    duration: token.duration,
    expires_at: timestamp(token.expiresAt),
    created_at: token.createdAt,
    updated_at: token.updatedAt,
  };
}
