import type { EdgeRequest } from "../worker/runtime";
import { ASSERTION_HEADER, checkAccess } from "./access";
import type { DeployedWorkers } from "./deployed-workers";
import { OutsideError, reach } from "./network";
import { type Passage, plain, throughTunnel } from "./passage";
import type { Script } from "./types";

const TUNNEL_TARGET = /^([0-9a-f-]{36})\.cfargotunnel\.com$/;
const PUBLIC_FETCH_FLAG = "global_fetch_strictly_public";

/** Cloudflare's front door for the zone: which Worker or tunnel a hostname leads to, and Access before it. */
export class Edge {
  readonly #passage: Passage;
  readonly #workers: DeployedWorkers;

  constructor(passage: Passage, workers: DeployedWorkers) {
    this.#passage = passage;
    this.#workers = workers;
  }

  /** A request from the internet. */
  async fromInternet(request: EdgeRequest): Promise<Response> {
    const { state, jwt } = this.#passage;
    const { hostname } = request.url;
    if (!state.isInZone(hostname)) return plain(409, "error code: 1001");
    const verdict = checkAccess(state, jwt, request);
    if ("answer" in verdict) return verdict.answer;
    const headers = new Headers(request.headers);
    // Only Access may say what Access found.
    headers.delete(ASSERTION_HEADER);
    if (verdict.assertion !== null) headers.set(ASSERTION_HEADER, verdict.assertion);
    headers.set("x-forwarded-proto", "https");
    const passed = { ...request, headers };
    const domain = [...state.domains.values()].find((it) => it.hostname === hostname);
    return domain === undefined ? this.#toOrigin(passed) : this.#workers.dispatch(domain.service, passed);
  }

  /**
   * What a Worker fetches. Without the flag a fetch to its own zone goes past the front door, so past Access and past
   * the zone's Workers, straight to the origin.
   * @see https://developers.cloudflare.com/workers/configuration/compatibility-flags/#global-fetch-strictly-public
   */
  async fromWorker(script: Script, request: EdgeRequest): Promise<Response> {
    const { state, outside, onLine } = this.#passage;
    const { url } = request;
    if (state.isInZone(url.hostname)) {
      const isPublic = script.compatibilityFlags.includes(PUBLIC_FETCH_FLAG);
      return isPublic ? this.fromInternet(request) : this.#toOrigin(request);
    }
    try {
      return await reach(request, outside, { url });
    } catch (error) {
      const text = error instanceof OutsideError ? error.message : `${url.origin}: ${String(error)}`;
      onLine(`The Worker ${script.name} could not fetch: ${text}`);
      return plain(error instanceof OutsideError ? 530 : 523, text);
    }
  }

  async #toOrigin(request: EdgeRequest): Promise<Response> {
    const { state } = this.#passage;
    const { hostname } = request.url;
    const record = [...state.dnsRecords.values()].find(
      (it) => it.name === hostname && it.type === "CNAME" && it.proxied,
    );
    const tunnelId = TUNNEL_TARGET.exec(record?.content ?? "")?.[1];
    if (tunnelId !== undefined) return throughTunnel(this.#passage, tunnelId, request);
    // No record: the name does not resolve. Another record: its origin is not on this machine.
    return record === undefined ? plain(530, "error code: 1016") : plain(523, "error code: 523");
  }
}
