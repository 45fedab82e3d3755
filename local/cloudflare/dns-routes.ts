import { type Context, Hono } from "hono";
import { asText, jsonBody, ok, refuse } from "./envelope";
import { type CloudflareState, hexId, timestamp } from "./state";
import type { DnsRecord } from "./types";

const ONE_PER_NAME = ["A", "AAAA", "CNAME"];

/**
 * DNS records of the zone.
 * @see https://developers.cloudflare.com/api/resources/dns/subresources/records/
 */
export function dnsRoutes(state: CloudflareState): Hono {
  const routes = new Hono();
  const base = "/zones/:zone/dns_records";
  routes.post(base, (context) => put(context, state, null));
  routes.get(`${base}/:id`, (context) => withRecord(context, state, (it) => ok(context, view(it))));
  routes.put(`${base}/:id`, (context) => withRecord(context, state, (it) => put(context, state, it)));
  routes.delete(`${base}/:id`, (context) =>
    withRecord(context, state, ({ id }) => {
      state.dnsRecords.delete(id);
      return ok(context, { id });
    }),
  );
  return routes;
}

async function put(context: Context, state: CloudflareState, old: DnsRecord | null): Promise<Response> {
  const body = await jsonBody(context);
  const [given, type, content] = [asText(body["name"]), asText(body["type"]), asText(body["content"])];
  if (given === null || type === null || content === null) {
    return refuse(context, 400, 9005, "Content for the record is required, as are its name and its type.");
  }
  const proxied = body["proxied"] === true;
  const ttl = Number(body["ttl"] ?? 1);
  if (proxied && ttl !== 1) {
    return refuse(context, 400, 9021, "Invalid TTL. Must be 1 (automatic) for a proxied record.");
  }
  const name = fullName(given, state);
  if (isTaken(state, name, type, old?.id)) {
    return refuse(
      context,
      400,
      81053,
      "An A, AAAA, or CNAME record with that host already exists. For more details, refer to " +
        "<https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/>.",
    );
  }
  const now = timestamp();
  const record: DnsRecord = {
    id: old?.id ?? hexId(),
    name,
    type,
    content,
    proxied,
    ttl,
    comment: asText(body["comment"]),
    tags: Array.isArray(body["tags"]) ? body["tags"].map(String) : [],
    settings: (body["settings"] as DnsRecord["settings"] | null | undefined) ?? {},
    createdOn: old?.createdOn ?? now,
    modifiedOn: now,
  };
  state.dnsRecords.set(record.id, record);
  return ok(context, view(record));
}

/** A name outside of the zone is one within it: `nomad` and `nomad.elsewhere.com` both get the zone's name behind them. */
function fullName(given: string, state: CloudflareState): string {
  const name = given.toLowerCase().replace(/\.$/, "");
  if (name === "@") return state.zone.name;
  return state.isInZone(name) ? name : `${name}.${state.zone.name}`;
}

/** A CNAME stands alone. A custom domain of a Worker holds a record of its own. */
function isTaken(state: CloudflareState, name: string, type: string, except: string | undefined): boolean {
  if (!ONE_PER_NAME.includes(type)) return false;
  const others = [...state.dnsRecords.values()].filter(
    (it) => it.id !== except && it.name === name && ONE_PER_NAME.includes(it.type),
  );
  const custom = [...state.domains.values()].some((it) => it.hostname === name);
  return type === "CNAME"
    ? others.length > 0 || custom
    : custom || others.some((it) => it.type === "CNAME" || it.type === type);
}

function withRecord(
  context: Context,
  state: CloudflareState,
  then: (record: DnsRecord) => Response | Promise<Response>,
): Response | Promise<Response> {
  const record = state.dnsRecords.get(context.req.param("id") ?? "");
  return record === undefined ? refuse(context, 404, 81044, "Record does not exist.") : then(record);
}

function view(record: DnsRecord): object {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    content: record.content,
    proxiable: ONE_PER_NAME.includes(record.type),
    proxied: record.proxied,
    ttl: record.ttl,
    settings: record.type === "CNAME" ? { flatten_cname: false, ...record.settings } : record.settings,
    meta: {},
    comment: record.comment,
    tags: record.tags,
    created_on: record.createdOn,
    modified_on: record.modifiedOn,
  };
}
