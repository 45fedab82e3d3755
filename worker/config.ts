import { WORKER_BINDINGS, type BindingName, type SecretsStoreSecret } from "../contracts/bindings";
import { type RunnerPolicy, parsePolicy } from "../contracts/policy";
import type { GithubCredential } from "./github/client";
import type { NomadConfig } from "./nomad";

/** The bindings, checked. */
export interface Config {
  readonly ledger: D1Database;
  readonly policy: RunnerPolicy;
  /** Current, then previous. */
  readonly webhookSecrets: readonly string[];
  /** Current, then previous; only the first signs. */
  readonly claimKeys: readonly [string, ...string[]];
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

type Env = Readonly<Record<string, unknown>>;

/** GitHub's own API; GHES has its own base. */
const GITHUB_API_URL = "https://api.github.com";

/** Reads everything but `STATUS_TOKEN`, which only the operator's paths need, and what lies in a Secrets Store. */
export function readConfig(unchecked: unknown): ConfigResult {
  const env = asEnv(unchecked);
  const missing = missingNames(env).filter((name) => name !== "STATUS_TOKEN");
  const invalid: string[] = [];
  const config: Omit<Config, "policy" | "ledger"> = {
    webhookSecrets: texts(env, "GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_PREVIOUS"),
    claimKeys: texts(env, "CLAIM_KEY", "CLAIM_KEY_PREVIOUS") as readonly [string, ...string[]],
    githubApiUrl: url(env, "GITHUB_API_URL", invalid) ?? GITHUB_API_URL,
    credential: credential(env),
    nomad: nomad(env, invalid),
    publicUrl: url(env, "PUBLIC_URL", invalid) ?? "",
    credentialExpiry: expiry(env, invalid),
  };
  const parsed = parsePolicy(env["RUNNER_POLICY"] ?? {});
  if (!parsed.ok && !missing.includes("RUNNER_POLICY")) {
    invalid.push(...parsed.problems.map((problem) => `RUNNER_POLICY ${problem}`));
  }
  if (!parsed.ok || missing.length + invalid.length > 0) return { ok: false, missing, invalid };
  return { ok: true, config: { ...config, policy: parsed.policy, ledger: env["LEDGER"] as D1Database } };
}

/** What `/healthz` reports: all of it, a Secrets Store that does not answer included. */
export async function missingBindings(unchecked: unknown): Promise<Problems> {
  const env = asEnv(unchecked);
  const read = readConfig(env);
  const missing = new Set(missingNames(env));
  for (const name of ["GITHUB_TOKEN", "GITHUB_APP_PRIVATE_KEY"] as const) {
    const value = env[name];
    if (isStoreSecret(value) && (await value.get().catch(() => "")) === "") missing.add(name);
  }
  return { missing: [...missing], invalid: read.ok ? [] : read.invalid };
}

/** @returns null when it is not bound */
export function statusToken(unchecked: unknown): string | null {
  return text(asEnv(unchecked), "STATUS_TOKEN");
}

function asEnv(unchecked: unknown): Env {
  return typeof unchecked === "object" && unchecked !== null ? (unchecked as Env) : {};
}

/** An empty text is how a variable that nobody set often looks. */
function text(env: Env, name: BindingName): string | null {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(env: Env, ...names: readonly BindingName[]): readonly string[] {
  return names.map((name) => text(env, name)).filter((value) => value !== null);
}

function isBound(env: Env, name: BindingName): boolean {
  const value = env[name];
  return typeof value === "string" ? value !== "" : typeof value === "object" && value !== null;
}

function isStoreSecret(value: unknown): value is SecretsStoreSecret {
  return typeof value === "object" && value !== null && "get" in value;
}

function missingNames(env: Env): string[] {
  const names = Object.keys(WORKER_BINDINGS) as BindingName[];
  const missing: string[] = names.filter((name) => WORKER_BINDINGS[name].required && !isBound(env, name));
  const app = ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"] as const;
  if (!isBound(env, "GITHUB_TOKEN") && !app.every((name) => isBound(env, name))) {
    const unbound = app.filter((name) => !isBound(env, name));
    // Half an App was meant as one; with neither half, either credential will do.
    missing.push(
      ...(unbound.length === 1 ? unbound : ["GITHUB_TOKEN or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"]),
    );
  }
  const access = ["CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"] as const;
  const absent = access.filter((name) => !isBound(env, name));
  return absent.length === 1 ? [...missing, ...absent] : missing;
}

function url(env: Env, name: BindingName, invalid: string[]): string | null {
  const value = text(env, name);
  if (value === null) return null;
  const parsed = parseUrl(value);
  if (
    parsed !== null &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.username === "" &&
    parsed.search === ""
  ) {
    return value.replace(/\/+$/, "");
  }
  invalid.push(`${name} must be an http or https URL without credentials or query`);
  return null;
}

/** An App goes before a token: it serves several owners. */
function credential(env: Env): GithubCredential {
  const appId = text(env, "GITHUB_APP_ID");
  if (appId !== null && isBound(env, "GITHUB_APP_PRIVATE_KEY")) {
    return { kind: "app", appId, privateKey: secret(env, "GITHUB_APP_PRIVATE_KEY") };
  }
  return { kind: "token", token: secret(env, "GITHUB_TOKEN") };
}

/** Read per use: a Secrets Store secret may change while the isolate lives. */
function secret(env: Env, name: BindingName): () => Promise<string> {
  const value = env[name];
  return async () => (isStoreSecret(value) ? value.get() : typeof value === "string" ? value : "");
}

function nomad(env: Env, invalid: string[]): NomadConfig {
  return {
    addr: url(env, "NOMAD_ADDR", invalid) ?? "",
    token: text(env, "NOMAD_TOKEN") ?? "",
    namespace: text(env, "NOMAD_NAMESPACE") ?? "default",
    accessClientId: text(env, "CF_ACCESS_CLIENT_ID"),
    accessClientSecret: text(env, "CF_ACCESS_CLIENT_SECRET"),
  };
}

function expiry(env: Env, invalid: string[]): Record<string, string | null> {
  const value = env["CREDENTIAL_EXPIRY"];
  if (value === undefined || value === null || value === "") return {};
  const parsed = typeof value === "string" ? parseJson(value) : value;
  const entries =
    typeof parsed === "object" && parsed !== null ? Object.entries(parsed as Env) : [["", 0] as const];
  const result: Record<string, string | null> = {};
  for (const [name, end] of entries) {
    const isTime = end === null || (typeof end === "string" && !Number.isNaN(Date.parse(end)));
    if (!isTime || !/^[a-z][a-z0-9_]{0,31}$/.test(name)) {
      invalid.push("CREDENTIAL_EXPIRY must be a JSON object of names with an ISO 8601 time or null each");
      return {};
    }
    result[name] = end;
  }
  return result;
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

function parseUrl(value: string): URL | null {
  try {
    return new URL(value);
  } catch {
    return null;
  }
}
