import { type Context, Hono } from "hono";
import { asRecord, asText, jsonBody, ok, refuse } from "./envelope";
import { type CloudflareState, timestamp, uuid } from "./state";
import type { D1 } from "./types";

/** What is in a database; null before its first use. */
export type Measure = (id: string) => Promise<{ readonly tables: number; readonly bytes: number } | null>;

/**
 * D1 databases.
 * @see https://developers.cloudflare.com/api/resources/d1/subresources/database/
 */
export function d1Routes(state: CloudflareState, measure: Measure): Hono {
  const routes = new Hono();
  const base = "/accounts/:account/d1/database";
  const view = async ({ id, name, replication, createdAt }: D1): Promise<object> => {
    const size = await measure(id);
    return {
      uuid: id,
      name,
      created_at: createdAt,
      version: "production",
      num_tables: size?.tables ?? 0,
      file_size: size?.bytes ?? 0,
      read_replication: { mode: replication },
    };
  };
  routes.post(base, async (context) => {
    const body = await jsonBody(context);
    const name = asText(body["name"]);
    if (name === null) return refuse(context, 400, 7400, "The database's name is required.");
    const replication = replicationOf(body);
    if (replication === null) return nullReplication(context);
    if ([...state.databases.values()].some((it) => it.name === name)) {
      return refuse(context, 400, 7502, "A database with that name already exists.");
    }
    const database: D1 = { id: uuid(), name, replication, createdAt: timestamp() };
    state.databases.set(database.id, database);
    return ok(context, await view(database));
  });
  routes.get(`${base}/:id`, async (context) => {
    const database = find(context, state);
    return database instanceof Response ? database : ok(context, await view(database));
  });
  routes.put(`${base}/:id`, async (context) => {
    const database = find(context, state);
    if (database instanceof Response) return database;
    const replication = replicationOf(await jsonBody(context));
    if (replication === null) return nullReplication(context);
    database.replication = replication;
    return ok(context, await view(database));
  });
  routes.delete(`${base}/:id`, (context) => {
    const database = find(context, state);
    if (database instanceof Response) return database;
    state.databases.delete(database.id);
    return ok(context, null);
  });
  return routes;
}

/** The mode asked for; null for what the API refuses: the provider sends `null` when the setting is left out. */
function replicationOf(body: Readonly<Record<string, unknown>>): string | null {
  if (!("read_replication" in body)) return "disabled";
  const mode = asRecord(body["read_replication"])?.["mode"];
  return mode === "auto" || mode === "disabled" ? mode : null;
}

function nullReplication(context: Context): Response {
  return refuse(context, 400, 7400, "The request is malformed: Invalid property: read_replication");
}

function find(context: Context, state: CloudflareState): D1 | Response {
  const id = context.req.param("id") ?? "";
  return state.databases.get(id) ?? refuse(context, 404, 7404, `The database ${id} could not be found`);
}
