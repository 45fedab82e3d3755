import { Token } from "cdktf";

/** Labels of a hostname, at least two. */
const HOSTNAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What is wrong with a hostname, one sentence; nothing when it is known at apply only. */
export function hostnameProblems(at: string, hostname: string): string[] {
  if (Token.isUnresolved(hostname) || HOSTNAME.test(hostname)) return [];
  return [`${at}: must be a lower-case hostname without scheme or path, got "${hostname}"`];
}

/** Hostname of an origin, in lower case; nothing when it is no URL or known at apply only. */
export function hostnameOf(origin: string): string | undefined {
  if (Token.isUnresolved(origin) || !URL.canParse(origin)) return undefined;
  return new URL(origin).hostname;
}

/** What is wrong with a hostname that Cloudflare is to serve from a zone. */
export function zoneProblems(at: string, hostname: string, zoneName: string): string[] {
  if (Token.isUnresolved(hostname) || Token.isUnresolved(zoneName)) return [];
  if (hostname === zoneName || hostname.endsWith(`.${zoneName}`)) return [];
  return [
    `${at}: must lie in the zone ${zoneName}, got "${hostname}"; ` +
      "Cloudflare serves a hostname only from the zone that holds it",
  ];
}
