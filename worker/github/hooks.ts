import { DELIVERY_GUID, isId, matches } from "../../contracts/patterns";
import { asRecord } from "../json";
import { scopePath } from "./app-auth";
import type { CallResult } from "./errors";
import type { GithubRequest } from "./request";

/** A webhook of a repository or an organization. */
export interface GithubHook {
  readonly id: number;
  readonly active: boolean;
  /** Where it delivers to; anybody's text. */
  readonly url: string;
  readonly events: readonly unknown[];
}

/** One attempt to deliver a `workflow_job`. */
export interface GithubDelivery {
  readonly id: number;
  readonly guid: string;
  readonly action: string;
  readonly ok: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface DeliveryPage {
  /** Newest first. What is no `workflow_job`, or has another shape, is left out. */
  readonly deliveries: readonly GithubDelivery[];
  /** To ask with next time; empty when GitHub sent none. */
  readonly etag: string;
  /** Cursor of the page of older ones; empty when there is none. */
  readonly next: string;
}

/**
 * Webhooks and their deliveries. A target is `owner/name`, or an organization's login.
 * @see https://docs.github.com/rest/repos/webhooks
 * @see https://docs.github.com/rest/orgs/webhooks
 */
export interface HookCalls {
  /** Up to 100: GitHub allows 20 of one event. */
  listHooks(target: string): Promise<CallResult<readonly GithubHook[]>>;
  getHook(target: string, id: number): Promise<CallResult<GithubHook>>;
  /** @returns null when the list is still that of the ETag */
  listDeliveries(
    target: string,
    id: number,
    query: { readonly status: "success" | "failure"; readonly cursor?: string; readonly etag?: string },
  ): Promise<CallResult<DeliveryPage | null>>;
  redeliver(target: string, id: number, deliveryId: number): Promise<CallResult<true>>;
}

const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]{1,200}"$/;
const CURSOR = /^[A-Za-z0-9_.:=-]{1,100}$/;

export function hookCalls(
  call: <T>(target: string, request: GithubRequest<T>) => Promise<CallResult<T>>,
): HookCalls {
  const at = (target: string, rest = ""): string => `${scopePath(target)}/hooks${rest}`;
  return {
    listHooks: (target) =>
      call(target, { method: "GET", path: at(target, "?per_page=100"), read: readHooks }),
    getHook: (target, id) => call(target, { method: "GET", path: at(target, `/${id}`), read: readHook }),
    listDeliveries: (target, id, { status, cursor = "", etag = "" }) =>
      call(target, {
        method: "GET",
        path: `${at(target, `/${id}`)}/deliveries?per_page=100&status=${status}${cursor === "" ? "" : `&cursor=${cursor}`}`,
        ...(etag === "" ? {} : { etag }),
        read: readPage,
      }),
    redeliver: (target, id, deliveryId) =>
      call(target, {
        method: "POST",
        path: at(target, `/${id}/deliveries/${deliveryId}/attempts`),
        read: () => true,
      }),
  };
}

function readHook(json: unknown): GithubHook | undefined {
  const { id, active, events, config } = asRecord(json) ?? {};
  const url = asRecord(config)?.["url"];
  if (!isId(id) || !Array.isArray(events)) return undefined;
  return { id, active: active === true, url: typeof url === "string" ? url : "", events };
}

function readHooks(json: unknown): readonly GithubHook[] | undefined {
  return Array.isArray(json) ? json.map(readHook).filter((one) => one !== undefined) : undefined;
}

function readPage(json: unknown, status: number, headers: Headers): DeliveryPage | null | undefined {
  if (status === 304) return null;
  if (!Array.isArray(json)) return undefined;
  const etag = headers.get("etag") ?? "";
  return {
    deliveries: json.map(readDelivery).filter((one) => one !== undefined),
    etag: matches(ETAG, etag) ? etag : "",
    next: nextCursor(headers.get("link") ?? ""),
  };
}

/** Of the next page's address only the cursor is taken, so that no answer decides what is asked. */
function nextCursor(link: string): string {
  const query = /<[^<>?]*\?([^<>]*)>; *rel="next"/.exec(link)?.[1] ?? "";
  const cursor = new URLSearchParams(query).get("cursor");
  return matches(CURSOR, cursor) ? cursor : "";
}

function readDelivery(json: unknown): GithubDelivery | undefined {
  const { id, guid, event, action, status_code: code, delivered_at: time } = asRecord(json) ?? {};
  const at = typeof time === "string" ? Date.parse(time) : Number.NaN;
  if (event !== "workflow_job" || typeof action !== "string" || typeof code !== "number") return undefined;
  if (!isId(id) || !matches(DELIVERY_GUID, guid) || Number.isNaN(at)) return undefined;
  return { id, guid, action, ok: code >= 200 && code < 300, at };
}
