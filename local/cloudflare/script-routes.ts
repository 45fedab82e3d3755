import { type Context, Hono } from "hono";
import type { Json } from "../worker/runtime";
import type { DeployedWorkers } from "./deployed-workers";
import { ok, refuse } from "./envelope";
import { isRefusal, readUpload } from "./script-upload";
import { type CloudflareState, timestamp } from "./state";
import { type Schedule, type Script, fieldOf } from "./types";

const CODE_NOT_FOUND = 10007;
const CODE_INVALID = 10021;

/** One field of a cron expression. */
const CRON_FIELD = "[0-9A-Za-z*,/#-]+";
const CRON = new RegExp(`^${CRON_FIELD}(?: ${CRON_FIELD}){4}$`);

/**
 * Scripts of Workers: upload, what the provider reads back, schedules.
 * @see https://developers.cloudflare.com/api/resources/workers/subresources/scripts/
 */
export function scriptRoutes(state: CloudflareState, workers: DeployedWorkers): Hono {
  const routes = new Hono();
  const base = "/accounts/:account/workers/scripts/:name";
  routes.put(base, (context) => upload(context, state, workers));
  routes.delete(base, (context) =>
    withScript(context, state, async ({ name }) => {
      state.scripts.delete(name);
      state.schedules.delete(name);
      for (const [id, { service }] of state.domains) if (service === name) state.domains.delete(id);
      await workers.remove(name);
      return ok(context, null);
    }),
  );
  routes.get("/accounts/:account/workers/services/:name", (context) =>
    withScript(context, state, (it) => ok(context, serviceView(it))),
  );
  routes.get(`${base}/settings`, (context) =>
    withScript(context, state, (it) => ok(context, settingsView(it))),
  );
  routes.get(`${base}/content/v2`, (context) => withScript(context, state, content));
  routes.get(`${base}/schedules`, (context) =>
    withScript(context, state, (it) => ok(context, schedulesView(state, it))),
  );
  routes.put(`${base}/schedules`, (context) =>
    withScript(context, state, (it) => schedule(context, state, it)),
  );
  return routes;
}

async function upload(context: Context, state: CloudflareState, workers: DeployedWorkers): Promise<Response> {
  const name = context.req.param("name") ?? "";
  if (!/^[a-z0-9_][a-z0-9_-]{0,62}$/.test(name)) {
    return refuse(context, 400, 10016, "workers.api.error.invalid_script_name");
  }
  let form: FormData;
  try {
    form = await context.req.formData();
  } catch {
    return refuse(context, 400, CODE_INVALID, "the upload must be multipart/form-data");
  }
  const script = await readUpload(state, name, form);
  if (isRefusal(script)) return refuse(context, 400, script.code, script.message);
  const shared = script.bindings.find(({ type, id }) => {
    const holder = type === "d1" ? workers.holder(fieldOf(id)) : null;
    return holder !== null && holder !== name;
  });
  if (shared !== undefined) {
    return refuse(
      context,
      400,
      CODE_INVALID,
      `binding ${shared.name}: the stand-in gives a database to one script`,
    );
  }
  try {
    await workers.deploy(script);
  } catch (error) {
    return refuse(context, 400, CODE_INVALID, `Uncaught error at start: ${String(error)}`);
  }
  state.scripts.set(name, script);
  return ok(context, uploadView(script));
}

async function schedule(context: Context, state: CloudflareState, script: Script): Promise<Response> {
  const body: unknown = await context.req.json().catch(() => null);
  if (!Array.isArray(body)) return refuse(context, 400, 10026, "schedules must be a list");
  const crons = body.map((it) => String((it as Record<string, unknown> | null)?.["cron"]));
  const wrong = crons.find((it) => !CRON.test(it));
  if (wrong !== undefined) return refuse(context, 400, 10100, `invalid cron string: ${wrong}`);
  const before = state.schedules.get(script.name) ?? [];
  const now = timestamp();
  const all = crons.map((cron): Schedule => {
    const known = before.find((it) => it.cron === cron);
    return { cron, createdOn: known?.createdOn ?? now, modifiedOn: now };
  });
  state.schedules.set(script.name, all);
  return ok(context, schedulesView(state, script));
}

function withScript(
  context: Context,
  state: CloudflareState,
  then: (script: Script) => Response | Promise<Response>,
): Response | Promise<Response> {
  const script = state.scripts.get(context.req.param("name") ?? "");
  return script === undefined
    ? refuse(context, 404, CODE_NOT_FOUND, "This Worker does not exist on your account.")
    : then(script);
}

/** The module alone, under its name, byte for byte: the provider compares its hash with the file's. */
function content({ content: text, contentType, mainModule }: Script): Response {
  const form = new FormData();
  form.append(mainModule, new Blob([text], { type: contentType }), mainModule);
  return new Response(form);
}

function uploadView(script: Script): object {
  return {
    id: script.name,
    tag: script.etag.slice(0, 32),
    etag: script.etag,
    handlers: handlersOf(script),
    named_handlers: [],
    has_assets: false,
    has_modules: true,
    created_on: script.createdOn,
    modified_on: script.modifiedOn,
    last_deployed_from: "terraform",
    usage_model: textOr(script.metadata["usage_model"], "standard"),
    compatibility_date: script.compatibilityDate,
    compatibility_flags: script.compatibilityFlags,
    logpush: script.metadata["logpush"] === true,
    placement: {},
    tail_consumers: [],
    startup_time_ms: 1,
  };
}

/** Read off the text, as a method or a property of an object. */
function handlersOf({ content: text }: Script): string[] {
  return ["fetch", "scheduled", "queue"].filter((it) => new RegExp(`\\b${it}\\s*[(:]`).test(text));
}

function serviceView(script: Script): object {
  const environment = {
    environment: "production",
    created_on: script.createdOn,
    modified_on: script.modifiedOn,
    script: uploadView(script),
  };
  return {
    id: script.name,
    created_on: script.createdOn,
    modified_on: script.modifiedOn,
    default_environment: environment,
    environments: [environment],
  };
}

/** Settings of the running version; the text of a secret is never shown. */
function settingsView(script: Script): object {
  const { metadata } = script;
  return {
    bindings: script.bindings.map((binding): Readonly<Record<string, Json>> => {
      if (binding.type !== "secret_text") return binding;
      return { name: binding.name, type: binding.type };
    }),
    compatibility_date: script.compatibilityDate,
    compatibility_flags: script.compatibilityFlags,
    logpush: metadata["logpush"] === true,
    observability: metadata["observability"] ?? null,
    limits: metadata["limits"] ?? null,
    placement: metadata["placement"] ?? {},
    tags: [],
    tail_consumers: metadata["tail_consumers"] ?? [],
    usage_model: textOr(metadata["usage_model"], "standard"),
  };
}

function schedulesView(state: CloudflareState, { name }: Script): object {
  const all = state.schedules.get(name) ?? [];
  return {
    schedules: all.map((it) => ({
      cron: it.cron,
      created_on: it.createdOn,
      modified_on: it.modifiedOn,
    })),
  };
}

function textOr(value: Json | undefined, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}
