import type { IngressRule, OriginRequest, TunnelConfig } from "./types";

const HTTP_STATUS = /^http_status:(\d{3})$/;

/**
 * What is wrong with a tunnel's configuration, in cloudflared's words; null when nothing is.
 * @see https://github.com/cloudflare/cloudflared/blob/2026.8.2/ingress/ingress.go (validateIngress)
 */
export function configProblem(config: TunnelConfig): string | null {
  const rules = config.ingress ?? [];
  const last = rules.at(-1);
  if (last === undefined) return null;
  if (!isCatchAll(last)) {
    return "The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)";
  }
  for (const [index, rule] of rules.entries()) {
    const number = String(index + 1);
    if (index < rules.length - 1 && isCatchAll(rule)) {
      return `Rule #${number} is matching the hostname '${rule.hostname ?? ""}', but this will match every hostname, meaning the rules which follow it will never be triggered.`;
    }
    const access = rule.originRequest?.access;
    if (access?.required === true && access.teamName === "") return "access.TeamName cannot be blank";
    if (!HTTP_STATUS.test(rule.service)) {
      const problem = originProblem(rule.service);
      if (problem !== null) return problem;
    }
    try {
      new RegExp(rule.path ?? "");
    } catch {
      return `Rule #${number} has an invalid regex`;
    }
  }
  return null;
}

function originProblem(service: string): string | null {
  let url: URL;
  try {
    url = new URL(service);
  } catch {
    return `${service} is an invalid address, please make sure it has a scheme and a hostname`;
  }
  if (!["http:", "https:"].includes(url.protocol)) {
    return `${service}: the stand-in proxies to http and https services, and answers http_status:<code>`;
  }
  return url.pathname === "/" && !service.endsWith("/")
    ? null
    : `${service} is an invalid address, ingress rules don't support proxying to a different path on the origin service. The path will be the same as the eyeball request's path`;
}

/** The first rule that fits. The path is searched, not matched as a whole, and without the query.
 *  @see https://github.com/cloudflare/cloudflared/blob/2026.8.2/ingress/rule.go (Matches) */
export function matchRule(config: TunnelConfig | null, url: URL): IngressRule | null {
  const found = config?.ingress?.find(
    ({ hostname, path }) =>
      isHost(hostname ?? "", url.hostname) &&
      (path === undefined || path === null || path === "" || new RegExp(path).test(decoded(url.pathname))),
  );
  return found ?? null;
}

/** Settings of a rule, over those of the whole tunnel. */
export function originSettings(config: TunnelConfig | null, rule: IngressRule): OriginRequest {
  return { ...present(config?.originRequest), ...present(rule.originRequest) };
}

/** The status that a rule answers with itself; null for one with an origin. */
export function statusOf(rule: IngressRule): number | null {
  const code = HTTP_STATUS.exec(rule.service)?.[1];
  return code === undefined ? null : Number(code);
}

function isCatchAll({ hostname, path }: IngressRule): boolean {
  return ["", "*"].includes(hostname ?? "") && (path ?? "") === "";
}

function isHost(pattern: string, hostname: string): boolean {
  if (pattern === "" || pattern === "*" || pattern === hostname) return true;
  return pattern.startsWith("*.") && hostname.endsWith(pattern.slice(1));
}

/** Go gives the path decoded to what it matches. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function present(settings: OriginRequest | null | undefined): OriginRequest {
  return Object.fromEntries(Object.entries(settings ?? {}).filter(([, value]) => value !== null));
}
