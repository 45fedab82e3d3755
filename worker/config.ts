import {
  APP_BINDINGS,
  type BindingName,
  REQUIRED_BINDINGS,
  type SecretsStoreSecret,
} from "../contracts/bindings";
import { parsePolicy } from "../contracts/parse-policy";
import type { RunnerPolicy } from "../contracts/policy";
import type { GithubCredential } from "./github/client";
import { importAppKey } from "./github/jwt";
import { type Json, asRecord, parseJson } from "./json";
import type { NomadConfig } from "./nomad";

/** The bindings, checked. */
export interface Config {
  readonly ledger: D1Database;
  readonly policy: RunnerPolicy;
  /** Current, then previous. */
  readonly webhookSecrets: readonly string[];
  /** Current, then previous; only the first signs. */
  readonly claimKeys: readonly [string, ...string[]];
  /** Without a trailing slash. */
  readonly githubApiUrl: string;
  readonly credential: GithubCredential;
  readonly nomad: NomadConfig;
  /** Origin without a trailing slash. */
  readonly publicUrl: string;
  /** Credential → when it ends (ISO 8601), or null for never. */
  readonly credentialExpiry: Readonly<Record<string, string | null>>;
}

/** Names of bindings that are missing, and sentences about those that are wrong; never a value of a secret. */
export interface Problems {
  readonly missing: readonly string[];
  readonly invalid: readonly string[];
}

export type ConfigResult =
  { readonly ok: true; readonly config: Config } | ({ readonly ok: false } & Problems);

/** GitHub's own API; GHES has its own base. */
const GITHUB_API_URL = "https://api.github.com";

/** What a Secrets Store may hold instead of a text. */
const STORE_BINDINGS: ReadonlySet<BindingName> = new Set(["GITHUB_TOKEN", APP_BINDINGS[1]]);

const ACCESS_BINDINGS = ["CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"] as const;

/** Reads everything but `STATUS_TOKEN`, which only the operator's paths need, and what lies in a Secrets Store. */
export function readConfig(unchecked: unknown): ConfigResult {
  const env = asRecord(unchecked) ?? {};
  const missing = missingNames(env).filter((name) => name !== "STATUS_TOKEN");
  const invalid: string[] = [];
  const config: Omit<Config, "policy"> = {
    ledger: env["LEDGER"] as D1Database,
    webhookSecrets: texts(env, "GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_PREVIOUS"),
    claimKeys: texts(env, "CLAIM_KEY", "CLAIM_KEY_PREVIOUS") as readonly [string, ...string[]],
    githubApiUrl: url(env, "GITHUB_API_URL", invalid) || GITHUB_API_URL,
    credential: credential(env),
    nomad: {
      addr: url(env, "NOMAD_ADDR", invalid),
      token: headerText(env, "NOMAD_TOKEN", invalid) ?? "",
      namespace: text(env, "NOMAD_NAMESPACE") ?? "default",
      accessClientId: headerText(env, ACCESS_BINDINGS[0], invalid),
      accessClientSecret: headerText(env, ACCESS_BINDINGS[1], invalid),
    },
    publicUrl: url(env, "PUBLIC_URL", invalid, true),
    credentialExpiry: expiry(env["CREDENTIAL_EXPIRY"], invalid),
  };
  const parsed = parsePolicy(env["RUNNER_POLICY"]);
  if (!parsed.ok && !missing.includes("RUNNER_POLICY")) {
    invalid.push(...parsed.problems.map((problem) => `RUNNER_POLICY ${problem}`));
  }
  if (!parsed.ok || missing.length + invalid.length > 0) return { ok: false, missing, invalid };
  return { ok: true, config: { ...config, policy: parsed.policy } };
}

/** What `/healthz` reports: all of it, a Secrets Store that does not answer and a private key that is none included. */
export async function missingBindings(unchecked: unknown): Promise<Problems> {
  const env = asRecord(unchecked) ?? {};
  const read = readConfig(env);
  const missing = missingNames(env);
  const invalid = read.ok ? [] : [...read.invalid];
  const used = credential(env);
  const name = used.kind === "app" ? APP_BINDINGS[1] : "GITHUB_TOKEN";
  if (isBound(env, name)) {
    const value = await (used.kind === "app" ? used.privateKey() : used.token()).catch(() => "");
    if (value === "") missing.push(name);
    else if (used.kind === "app") {
      await importAppKey(value).catch(() => invalid.push(`${name} must be an RSA private key in PEM`));
    }
  }
  return { missing, invalid };
}

/** @returns null when it is not bound */
export function statusToken(unchecked: unknown): string | null {
  return text(asRecord(unchecked) ?? {}, "STATUS_TOKEN");
}

/** An empty text is how a variable that nobody set often looks. */
function text(env: Json, name: BindingName): string | null {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(env: Json, ...names: readonly BindingName[]): readonly string[] {
  return names.map((name) => text(env, name)).filter((value) => value !== null);
}

function isBound(env: Json, name: BindingName): boolean {
  const value = env[name];
  if (name === "LEDGER") return hasMethod(value, "batch");
  if (name === "RUNNER_POLICY") return value !== undefined && value !== null && value !== "";
  return text(env, name) !== null || (STORE_BINDINGS.has(name) && hasMethod(value, "get"));
}

/** Bindings are the runtime's own objects; what one is can be told by what it does only. */
function hasMethod(value: unknown, method: string): boolean {
  return typeof asRecord(value)?.[method] === "function";
}

function missingNames(env: Json): string[] {
  const unbound = (name: BindingName): boolean => !isBound(env, name);
  const missing: string[] = REQUIRED_BINDINGS.filter(unbound);
  const app = APP_BINDINGS.filter(unbound);
  // Half an App was meant as one; with neither half, either credential will do.
  if (app.length === 1) missing.push(...app);
  else if (app.length === 2 && unbound("GITHUB_TOKEN")) {
    missing.push("GITHUB_TOKEN or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY");
  }
  const access = ACCESS_BINDINGS.filter(unbound);
  return access.length === 1 ? [...missing, ...access] : missing;
}

/** A base URL without its trailing slash; empty when it is missing or wrong. */
function url(env: Json, name: BindingName, invalid: string[], origin = false): string {
  const value = text(env, name);
  if (value === null) return "";
  try {
    const { protocol, href, origin: host } = new URL(value);
    // What is not a plain base URL has credentials, a query or a fragment besides.
    const plain = /^[^?#@]+$/.test(href) && (!origin || href === `${host}/`);
    if (/^https?:$/.test(protocol) && plain) return origin ? host : href.replace(/\/+$/, "");
  } catch {
    // Not a URL at all.
  }
  invalid.push(
    `${name} must be an http or https ${origin ? "origin" : "base URL"} without credentials and query`,
  );
  return "";
}

/** A token that a copied line break would make unfit for a header, so that no call could be made. */
function headerText(env: Json, name: BindingName, invalid: string[]): string | null {
  const value = text(env, name);
  if (value === null || /^[\x21-\x7e]+$/.test(value)) return value;
  invalid.push(`${name} must be printable ASCII without spaces or line breaks`);
  return null;
}

/** An App goes before a token: it serves several owners. */
function credential(env: Json): GithubCredential {
  const appId = text(env, APP_BINDINGS[0]);
  return appId !== null && isBound(env, APP_BINDINGS[1])
    ? { kind: "app", appId, privateKey: secret(env[APP_BINDINGS[1]]) }
    : { kind: "token", token: secret(env["GITHUB_TOKEN"]) };
}

/** Read per use: a Secrets Store secret may change while the isolate lives. */
function secret(value: unknown): () => Promise<string> {
  return async () => (typeof value === "string" ? value : await (value as SecretsStoreSecret).get()).trim();
}

function expiry(value: unknown, invalid: string[]): Record<string, string | null> {
  const given = typeof value === "string" ? (value === "" ? {} : parseJson(value)) : (value ?? {});
  const ends = Object.entries(asRecord(given) ?? { "": "" });
  const isEnd = (end: unknown): boolean =>
    end === null || (typeof end === "string" && !Number.isNaN(Date.parse(end)));
  if (ends.every(([name, end]) => /^[a-z][a-z0-9_]{0,31}$/.test(name) && isEnd(end))) {
    return Object.fromEntries(ends) as Record<string, string | null>;
  }
  invalid.push("CREDENTIAL_EXPIRY must be a JSON object of names with an ISO 8601 time or null each");
  return {};
}
