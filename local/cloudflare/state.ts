import { randomBytes, randomUUID } from "node:crypto";
import { EventLog } from "../event-log";
import type {
  Application,
  CloudflareEvent,
  CustomDomain,
  D1,
  DnsRecord,
  Item,
  Policy,
  Schedule,
  Script,
  ServiceToken,
  Tunnel,
} from "./types";

/** An account with one zone, in memory. */
export class CloudflareState {
  readonly tunnels = new Map<string, Tunnel>();
  readonly serviceTokens = new Map<string, ServiceToken>();
  readonly policies = new Map<string, Policy>();
  readonly applications = new Map<string, Application>();
  readonly dnsRecords = new Map<string, DnsRecord>();
  readonly databases = new Map<string, D1>();
  readonly scripts = new Map<string, Script>();
  /** By script. */
  readonly schedules = new Map<string, readonly Schedule[]>();
  readonly domains = new Map<string, CustomDomain>();
  readonly events = new EventLog<CloudflareEvent>();

  constructor(
    readonly accountId: string,
    readonly zone: { readonly id: string; readonly name: string },
    /** `<team>` of `<team>.cloudflareaccess.com`. */
    readonly teamName: string,
    /** Secrets Store: `<store id>/<name>` to its value. */
    readonly secrets: Readonly<Record<string, string>>,
  ) {}

  isInZone(hostname: string): boolean {
    return hostname === this.zone.name || hostname.endsWith(`.${this.zone.name}`);
  }

  /** All that a clean-up has to take away. A deleted tunnel stays readable, as at Cloudflare, and is not among it. */
  inventory(): readonly Item[] {
    const named = (kind: Item["kind"], all: Iterable<{ id: string; name: string }>): Item[] =>
      [...all].map(({ id, name }) => ({ kind, id, name }));
    return [
      ...named(
        "tunnel",
        [...this.tunnels.values()].filter((it) => it.deletedAt === null),
      ),
      ...named("service token", this.serviceTokens.values()),
      ...named("access policy", this.policies.values()),
      ...named("access application", this.applications.values()),
      ...named("dns record", this.dnsRecords.values()),
      ...named("d1 database", this.databases.values()),
      ...[...this.scripts.keys()].map((name): Item => ({ kind: "worker", id: name, name })),
      ...[...this.schedules].flatMap(([name, all]) =>
        all.map(({ cron }): Item => ({ kind: "cron trigger", id: name, name: cron })),
      ),
      ...[...this.domains.values()].map(({ id, hostname }): Item => ({
        kind: "custom domain",
        id,
        name: hostname,
      })),
    ];
  }
}

/** An id of 32 hex digits, as most of Cloudflare's are. */
export function hexId(): string {
  return randomBytes(16).toString("hex");
}

export function uuid(): string {
  return randomUUID();
}

/** Now, as Cloudflare writes times. */
export function timestamp(at = Date.now()): string {
  return new Date(at).toISOString();
}
