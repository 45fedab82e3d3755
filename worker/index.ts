import { CLAIM_PATH } from "../contracts/claim";
import { type App, openApp } from "./app";
import { MAX_BODY_BYTES, readBody } from "./body";
import { deleteClaim, postClaim } from "./claims";
import { bearer, sameSecret } from "./claim-token";
import { type ConfigResult, missingBindings, readConfig, statusToken } from "./config";
import { dispatchSoon } from "./dispatch";
import { hearOf } from "./hooks";
import { LedgerUnavailable } from "./ledger/context";
import { type LogFields, log } from "./log";
import { metricsText } from "./metrics";
import { type Outcome, toResponse } from "./outcome";
import { type PauseTarget, changePauses, pauseTarget } from "./pause";
import { readStatus, statusJson } from "./status";
import { sweep } from "./sweep";
import { sleep } from "./timing";
import { receive } from "./webhook";

declare const WORKER_VERSION: string;
const VERSION = typeof WORKER_VERSION === "string" ? WORKER_VERSION : "development";

/** Where the ledger does not answer a runner or an operator. */
const TRY_AGAIN: Outcome = { kind: "try_again", retryAfterSeconds: 5 };

/** Kept per isolate: bindings are the same object until others are deployed, and what lies in a Secrets Store is read
 *  per use. */
const configs = new WeakMap<WeakKey, ConfigResult>();

function configOf(env: unknown): ConfigResult {
  const key = env as WeakKey;
  const known = configs.get(key);
  if (known !== undefined) return known;
  const read = readConfig(env);
  configs.set(key, read);
  return read;
}

/** The Worker: GitHub's deliveries, runners' claims, an operator's questions, and the cron. */
export default {
  async fetch(request: Request, env: unknown, context: ExecutionContext): Promise<Response> {
    return toResponse(await route(request, env, context));
  },

  async scheduled(_event: unknown, env: unknown): Promise<void> {
    const read = configOf(env);
    if (!read.ok) {
      log("error", "not_configured", { detail: [...read.missing, ...read.invalid].join(", ") });
      return;
    }
    try {
      await sweep(await openApp(read.config));
    } catch (error) {
      log("error", "sweep_failed", { detail: message(error) });
    }
  },
};

async function route(request: Request, env: unknown, context: ExecutionContext): Promise<Outcome> {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/webhook":
      return request.method === "POST"
        ? webhook(request, env, context)
        : { kind: "method_not_allowed", allow: "POST" };
    case CLAIM_PATH:
      return request.method === "POST" || request.method === "DELETE"
        ? claim(request, env, context)
        : { kind: "method_not_allowed", allow: "POST, DELETE" };
    case "/healthz":
      return isRead(request) ? health(env) : { kind: "method_not_allowed", allow: "GET" };
    case "/status":
    case "/metrics":
      return isRead(request)
        ? operator(request, env, async (app) => show(app, pathname))
        : { kind: "method_not_allowed", allow: "GET" };
    default: {
      const target = pauseTarget(pathname);
      return target === null ? { kind: "not_found" } : pauses(request, env, context, target);
    }
  }
}

function isRead(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD";
}

async function webhook(request: Request, env: unknown, context: ExecutionContext): Promise<Outcome> {
  const startedAt = Date.now();
  const delivery = request.headers.get("X-GitHub-Delivery");
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) return { kind: "too_large", limitBytes: MAX_BODY_BYTES };
  const read = configOf(env);
  if (!read.ok) {
    // The header is anybody's text here: there may be no secret to sign with.
    log("error", "not_configured", { detail: [...read.missing, ...read.invalid].join(", ") });
    return { kind: "not_configured" };
  }
  let opened: App | null = null;
  const open = async (): Promise<App> => (opened ??= await openApp(read.config));
  const received = await attempt({ delivery }, { kind: "not_durable" }, () =>
    receive(request.headers, body, read.config.webhookSecrets, open),
  );
  if ("kind" in received) return received;
  const { outcome, event, follow } = received;
  const ms = Date.now() - startedAt;
  afterAnswer(context, () => {
    log(outcome.kind === "bad_signature" ? "warn" : "info", "delivery", {
      // Until the signature was right, the header is anybody's text.
      delivery: outcome.kind === "bad_signature" ? null : delivery,
      action: event?.action,
      job_id: event?.jobId,
      repo: event?.repository.fullName,
      outcome: outcome.kind,
      reason: "reason" in outcome ? outcome.reason : null,
      ms,
    });
  });
  if (follow !== null) context.waitUntil(logged("follow_failed", { delivery }, follow));
  const isHeard = outcome.kind === "accepted" || outcome.kind === "ignored";
  const note = isHeard ? hearOf(request.headers, body, read.config.policy) : null;
  if (note !== null) {
    context.waitUntil(logged("hook_not_noted", { delivery }, async () => note((await open()).ledger)));
  }
  return outcome;
}

/** Writing a line takes the runtime a fifth of the time of checking a signature, and nobody waits for it. */
function afterAnswer(context: ExecutionContext, work: () => void): void {
  context.waitUntil(sleep(0).then(work));
}

async function claim(request: Request, env: unknown, context: ExecutionContext): Promise<Outcome> {
  const read = configOf(env);
  if (!read.ok) return { kind: "not_configured" };
  const handle = request.method === "POST" ? postClaim : deleteClaim;
  const event = request.method === "POST" ? "claim" : "release";
  const result = await attempt({}, TRY_AGAIN, async () => {
    const app = await openApp(read.config);
    return { app, outcome: await handle(app, request.headers) };
  });
  if ("kind" in result) return result;
  const { app, outcome } = result;
  log("info", event, {
    outcome: outcome.kind,
    reason: "reason" in outcome ? outcome.reason : null,
    runner: outcome.kind === "claim_granted" ? outcome.granted.runner_name : null,
  });
  // A claim refused for lack of a place, and a runner released, can leave a request to be sent.
  if (outcome.kind === "nothing_waits" || outcome.kind === "released") {
    context.waitUntil(logged("follow_failed", {}, () => dispatchSoon(app)));
  }
  return outcome;
}

async function health(env: unknown): Promise<Outcome> {
  const { missing, invalid } = await missingBindings(env);
  return missing.length + invalid.length === 0
    ? { kind: "healthy", version: VERSION }
    : { kind: "unhealthy", version: VERSION, missing, invalid };
}

async function operator(
  request: Request,
  env: unknown,
  work: (app: App) => Promise<Outcome>,
): Promise<Outcome> {
  const token = statusToken(env);
  if (token === null) return { kind: "not_configured" };
  const given = bearer(request.headers.get("Authorization"));
  if (given === null || !(await sameSecret(given, token))) return { kind: "unauthorized" };
  const read = configOf(env);
  if (!read.ok) return { kind: "not_configured" };
  return attempt({}, TRY_AGAIN, async () => work(await openApp(read.config)));
}

async function show(app: App, pathname: string): Promise<Outcome> {
  const status = await readStatus(app, VERSION);
  return pathname === "/status"
    ? { kind: "status", status: statusJson(status) }
    : { kind: "metrics", text: metricsText(status) };
}

async function pauses(
  request: Request,
  env: unknown,
  context: ExecutionContext,
  target: PauseTarget,
): Promise<Outcome> {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (!target.allow.split(", ").includes(method)) return { kind: "method_not_allowed", allow: target.allow };
  return operator(request, env, async (app) => {
    const outcome = await changePauses(app, method, target);
    // Who waited goes on at once.
    if (method === "DELETE") context.waitUntil(logged("follow_failed", {}, () => dispatchSoon(app)));
    return outcome;
  });
}

async function attempt<T>(
  fields: LogFields,
  otherwise: Outcome,
  work: () => Promise<T>,
): Promise<T | Outcome> {
  try {
    return await work();
  } catch (error) {
    const event = error instanceof LedgerUnavailable ? "ledger_unavailable" : "unexpected_error";
    log("error", event, { ...fields, detail: message(error) });
    return otherwise;
  }
}

async function logged(event: string, fields: LogFields, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log("error", event, { ...fields, detail: message(error) });
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}
