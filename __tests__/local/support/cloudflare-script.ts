import type { CloudflareStandIn } from "../../../local/cloudflare/cloudflare";
import { type Envelope, call, upload, visit } from "./cloudflare-client";

/** Tells what it was given, counts its sweeps in its ledger, and fetches what it is told to. */
export const SCRIPT = `
const table = "CREATE TABLE IF NOT EXISTS sweeps (cron TEXT)";
export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    const target = url.searchParams.get("fetch");
    if (target !== null) {
      const answer = await fetch(target, { method: request.method, headers: { "x-from": "worker" }, redirect: "manual" });
      return new Response(await answer.text(), { status: answer.status });
    }
    if (url.pathname === "/throw") throw new Error("on purpose");
    if (url.pathname === "/env") return Response.json({ ...env, TOKEN: await env.TOKEN?.get(), LEDGER: undefined });
    if (url.pathname === "/later") context.waitUntil(fetch(env.ORIGIN + "/later"));
    const { results } = await env.LEDGER.batch([env.LEDGER.prepare(table), env.LEDGER.prepare("SELECT * FROM sweeps")]).then((all) => all[1]);
    console.log("asked " + url.pathname);
    return Response.json({ version: "VERSION", url: request.url, sweeps: results.map((it) => it.cron) });
  },
  async scheduled(event, env) {
    await env.LEDGER.batch([env.LEDGER.prepare(table), env.LEDGER.prepare("INSERT INTO sweeps VALUES (?)").bind(event.cron)]);
  },
};`;
/** Where it is served. */
export const HOST = "hooks.example.com";

/** The script as it is deployed, with its domain, its ledger and its cron. */
export interface Hooks {
  readonly bindings: (more?: readonly object[]) => object[];
  /** The first version gets the domain. */
  readonly deploy: (version?: string, metadata?: Readonly<Record<string, unknown>>) => Promise<Envelope>;
  readonly attach: (hostname?: string) => Promise<Envelope>;
  readonly ask: (path?: string) => Promise<Record<string, unknown>>;
  readonly schedule: (...crons: string[]) => Promise<Envelope>;
}

/** @param now the stand-in and the id of its database, as they are at each call */
export function hooksOf(now: () => { cloudflare: CloudflareStandIn; database: string }): Hooks {
  const hooks: Hooks = {
    bindings: (more = []) => [{ name: "LEDGER", type: "d1", id: now().database }, ...more],
    deploy: async (version = "1", metadata = {}) => {
      const content = SCRIPT.replace("VERSION", version);
      const given = { bindings: hooks.bindings(), ...metadata };
      const answer = await upload(now().cloudflare, { content, metadata: given });
      if (answer.status === 200 && version === "1") await hooks.attach();
      return answer;
    },
    attach: (hostname = HOST) => {
      const body = { hostname, service: "hooks", zone_id: now().cloudflare.zone.id };
      return call(now().cloudflare, "PUT", "A/workers/domains", body);
    },
    ask: async (path = "/") => {
      const { text } = await visit(now().cloudflare, HOST, path);
      return JSON.parse(text) as Record<string, unknown>;
    },
    schedule: (...crons) => {
      const body = crons.map((cron) => ({ cron }));
      return call(now().cloudflare, "PUT", "A/workers/scripts/hooks/schedules", body);
    },
  };
  return hooks;
}
