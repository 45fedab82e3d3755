import { timingSafeEqual } from "node:crypto";
import type { EdgeRequest } from "../worker/runtime";
import type { AccessJwt } from "./access-jwt";
import { asRecord, asText } from "./envelope";
import type { CloudflareState } from "./state";
import type { Application, Policy, Selector, ServiceToken } from "./types";

export const ASSERTION_HEADER = "cf-access-jwt-assertion";

/** What Access makes of a request: an answer of its own, or the way on, with its assertion where it has one. */
export type Verdict = { readonly answer: Response } | { readonly assertion: string | null };

/**
 * Evaluates the application that protects a URL, as far as services meet it: nobody logs in here.
 * @see https://developers.cloudflare.com/cloudflare-one/access-controls/policies/
 */
export function checkAccess(state: CloudflareState, jwt: AccessJwt, request: EdgeRequest): Verdict {
  const application = protecting(state, request.url);
  if (application === null) return { assertion: null };
  const policies = [...application.policies]
    .sort((a, b) => a.precedence - b.precedence)
    .flatMap(({ id }) => state.policies.get(id) ?? []);
  const token = presented(state, application, request.headers);
  const tell = (outcome: "accepted" | "refused" | "bypassed"): void => {
    const tokenId = outcome === "accepted" ? (token?.id ?? null) : null;
    state.events.emit({ type: "access", hostname: request.url.hostname, outcome, tokenId });
  };
  // Bypass and Service Auth go before the others, whatever their precedence.
  if (policies.some((it) => it.decision === "bypass" && fits(it, null))) {
    tell("bypassed");
    return { assertion: null };
  }
  if (token !== null && policies.some((it) => it.decision === "non_identity" && fits(it, token))) {
    tell("accepted");
    return { assertion: jwt.issue(application.aud, token.clientId, issuerOf(state)) };
  }
  tell("refused");
  return { answer: refusal(state, application, policies, request.url) };
}

export function issuerOf({ teamName }: CloudflareState): string {
  return `https://${teamName}.cloudflareaccess.com`;
}

/** The application whose domain and path fit; the longest path wins. */
function protecting(state: CloudflareState, url: URL): Application | null {
  let best: { readonly application: Application; readonly length: number } | null = null;
  for (const application of state.applications.values()) {
    for (const domain of application.domains) {
      if (covers(domain, url) && domain.length > (best?.length ?? 0))
        best = { application, length: domain.length };
    }
  }
  return best?.application ?? null;
}

function covers(domain: string, url: URL): boolean {
  const [host = "", ...rest] = domain.split("/");
  const path = rest.length === 0 || rest.join("") === "" ? "" : `/${rest.join("/").replace(/\/$/, "")}`;
  const pattern = host.split("*").map(escaped).join("[^.]*");
  if (!new RegExp(`^${pattern}$`).test(url.hostname)) return false;
  return path === "" || url.pathname === path || url.pathname.startsWith(`${path}/`);
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
}

/** The service token that a request carries, if its secret holds now. */
function presented(state: CloudflareState, application: Application, headers: Headers): ServiceToken | null {
  const single = asText(application.given["read_service_tokens_from_header"]);
  const packed = single === null ? null : parse(headers.get(single));
  const id = asText(packed?.["cf-access-client-id"]) ?? headers.get("cf-access-client-id") ?? "";
  const secret = asText(packed?.["cf-access-client-secret"]) ?? headers.get("cf-access-client-secret") ?? "";
  const now = Date.now();
  const token = [...state.serviceTokens.values()].find(({ clientId }) => clientId === id);
  if (token === undefined || token.expiresAt <= now) return null;
  const previous =
    token.previous !== null && now < token.previous.endsAt ? token.previous.clientSecret : null;
  return isSame(secret, token.clientSecret) || (previous !== null && isSame(secret, previous)) ? token : null;
}

function parse(text: string | null): Readonly<Record<string, unknown>> | null {
  try {
    return asRecord(JSON.parse(text ?? "null"));
  } catch {
    return null;
  }
}

function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function fits(policy: Policy, token: ServiceToken | null): boolean {
  const selects = (selector: Selector): boolean => {
    if ("everyone" in selector) return true;
    if ("any_valid_service_token" in selector) return token !== null;
    return token !== null && selector["service_token"]?.["token_id"] === token.id;
  };
  return policy.include.some(selects) && !policy.exclude.some(selects) && policy.require.every(selects);
}

/** Whoever could log in is sent to do so; where there is nobody but services, it ends here. */
function refusal(
  state: CloudflareState,
  application: Application,
  policies: readonly Policy[],
  url: URL,
): Response {
  if (application.given["service_auth_401_redirect"] === true) return page(401, "Unauthorized");
  if (!policies.some(({ decision }) => decision === "allow")) return page(403, "Forbidden");
  const login = new URL(`${issuerOf(state)}/cdn-cgi/access/login/${url.hostname}`);
  login.searchParams.set("kid", application.aud);
  login.searchParams.set("redirect_url", url.pathname + url.search);
  return page(302, "Sign in", { location: login.href });
}

function page(status: number, title: string, headers: Readonly<Record<string, string>> = {}): Response {
  const html = `<!DOCTYPE html><html><head><title>${title} ・ Cloudflare Access</title></head><body><h1>${title}</h1></body></html>`;
  return new Response(html, { status, headers: { "content-type": "text/html; charset=utf-8", ...headers } });
}
