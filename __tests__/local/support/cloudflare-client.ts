import { request } from "node:http";
import type { CloudflareStandIn } from "../../../local/cloudflare/cloudflare";

/** An answer of the API. */
export interface Envelope {
  readonly status: number;
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
  readonly result: Record<string, unknown> & { readonly [index: number]: unknown };
}

const TIMEOUT_MS = 20_000;

/** Calls the API as the provider does. `A` and `Z` at the begin of a path stand for the account and the zone. */
export async function call(
  cloudflare: CloudflareStandIn,
  method: string,
  path: string,
  body?: unknown,
  token = cloudflare.apiToken,
): Promise<Envelope> {
  const init: RequestInit = {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await fetch(cloudflare.apiUrl + full(cloudflare, path), init);
  const text = await answer.text();
  const envelope = (text === "" ? {} : JSON.parse(text)) as Omit<Envelope, "status">;
  return { ...envelope, status: answer.status };
}

/** The path of `A/…` or `Z/…` from the API's base. */
export function full({ accountId, zone }: CloudflareStandIn, path: string): string {
  return path.replace(/^A\//, `/accounts/${accountId}/`).replace(/^Z\//, `/zones/${zone.id}/`);
}

export interface Upload {
  readonly name?: string;
  readonly content: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Uploads a script in the parts that the provider sends. */
export async function upload(
  cloudflare: CloudflareStandIn,
  { name = "hooks", content, metadata = {} }: Upload,
): Promise<Envelope> {
  const form = new FormData();
  form.append("worker.js", new Blob([content], { type: "application/javascript+module" }), "worker.js");
  form.append(
    "metadata",
    new Blob([
      JSON.stringify({
        main_module: "worker.js",
        compatibility_date: "2026-04-01",
        compatibility_flags: ["global_fetch_strictly_public"],
        bindings: [],
        ...metadata,
      }),
    ]),
  );
  const answer = await fetch(cloudflare.apiUrl + full(cloudflare, `A/workers/scripts/${name}`), {
    method: "PUT",
    headers: { authorization: `Bearer ${cloudflare.apiToken}` },
    body: form,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { ...((await answer.json()) as Omit<Envelope, "status">), status: answer.status };
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks the edge for a hostname of the zone. */
export function visit(
  { edgeUrl }: CloudflareStandIn,
  hostname: string,
  path: string,
  { method = "GET", headers = {}, body = "" }: Visit = {},
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, host: hostname }, agent: false, timeout: TIMEOUT_MS };
    const send = request(edgeUrl + path, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    send.once("timeout", () => send.destroy(new Error("the edge did not answer")));
    send.once("error", reject);
    send.end(body);
  });
}
