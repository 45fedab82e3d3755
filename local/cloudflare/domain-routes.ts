import { type Context, Hono } from "hono";
import { asText, jsonBody, ok, refuse } from "./envelope";
import { type CloudflareState, hexId } from "./state";
import type { CustomDomain } from "./types";

/**
 * Custom domains of Workers.
 * @see https://developers.cloudflare.com/api/resources/workers/subresources/domains/
 */
export function domainRoutes(state: CloudflareState): Hono {
  const routes = new Hono();
  const base = "/accounts/:account/workers/domains";
  routes.put(base, (context) => attach(context, state));
  routes.get(`${base}/:id`, (context) => withDomain(context, state, (it) => ok(context, view(state, it))));
  routes.delete(`${base}/:id`, (context) =>
    withDomain(context, state, ({ id }) => {
      state.domains.delete(id);
      // The client that deletes one does not read the answer.
      return context.body(null, 200);
    }),
  );
  return routes;
}

async function attach(context: Context, state: CloudflareState): Promise<Response> {
  const body = await jsonBody(context);
  const [hostname, service, zone] = [
    asText(body["hostname"]),
    asText(body["service"]),
    asText(body["zone_id"]),
  ];
  if (hostname === null || service === null) {
    return refuse(context, 400, 10026, "hostname and service are required");
  }
  if (zone !== state.zone.id || !state.isInZone(hostname)) {
    return refuse(context, 400, 100115, `Hostname '${hostname}' is not in the zone ${state.zone.name}.`);
  }
  if (!state.scripts.has(service)) {
    return refuse(context, 404, 10007, "This Worker does not exist on your account.");
  }
  const known = [...state.domains.values()].find((it) => it.hostname === hostname);
  if (known !== undefined && known.service !== service) {
    const how =
      "Either delete it, try a different hostname, or use the option 'override_existing_origin' to override.";
    return refuse(
      context,
      409,
      100116,
      `Hostname '${hostname}' already in use by other custom domain. ${how}`,
    );
  }
  if ([...state.dnsRecords.values()].some((it) => it.name === hostname && isAddress(it.type))) {
    const how =
      "Either delete them, try a different hostname, or use the option 'override_existing_dns_record' to override.";
    const what = `Hostname '${hostname}' already has externally managed DNS records (A, CNAME, etc).`;
    return refuse(context, 409, 100117, `${what} ${how}`);
  }
  const domain: CustomDomain = known ?? { id: hexId(), hostname, service };
  state.domains.set(domain.id, domain);
  return ok(context, view(state, domain));
}

function isAddress(type: string): boolean {
  return ["A", "AAAA", "CNAME"].includes(type);
}

function withDomain(
  context: Context,
  state: CloudflareState,
  then: (domain: CustomDomain) => Response,
): Response {
  const domain = state.domains.get(context.req.param("id") ?? "");
  return domain === undefined
    ? refuse(context, 404, 100114, "The custom domain does not exist.")
    : then(domain);
}

function view({ zone }: CloudflareState, { id, hostname, service }: CustomDomain): object {
  return {
    id,
    hostname,
    service,
    zone_id: zone.id,
    zone_name: zone.name,
    // Given back whatever was sent. Provider 5.14 takes it for a change, and makes the domain anew in every plan, unless the
    // configuration says the same: https://github.com/cloudflare/terraform-provider-cloudflare/issues/6907
    environment: "production",
  };
}
