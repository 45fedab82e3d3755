import { isId } from "../../contracts/patterns";
import { type GithubResult, githubError } from "./errors";
import { JWT_REUSE_MS, signAppJwt } from "./jwt";
import { type Bearer, type GithubRequest, type Transport, callGithub, isFailed } from "./request";

/** A personal access token, or an App. The getters are called per use: a Secrets Store secret may change meanwhile. */
export type GithubCredential =
  | { readonly kind: "token"; readonly token: () => Promise<string> }
  | { readonly kind: "app"; readonly appId: string; readonly privateKey: () => Promise<string> };

/** An installation token is dropped this long before GitHub drops it, so that none dies on its way. */
const TOKEN_MARGIN_MS = 5 * 60_000;

/** GitHub's own lifetime of an installation token; no answer makes it longer. */
const TOKEN_LIFETIME_MS = 60 * 60_000;

/** What a bearer token looks like; GitHub promises no length. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

export interface Auth {
  /** A token for a scope's calls. */
  bearer(scope: string): Promise<GithubResult<Bearer>>;
  /** Drops what was cached for a scope, after GitHub said 401. @returns whether asking again can help */
  forget(scope: string, bearer: Bearer): boolean;
}

/** One per invocation: calls of one invocation that need the same token wait for one request. */
export function createAuth(transport: Transport, credential: GithubCredential): Auth {
  if (credential.kind === "token") {
    return { bearer: async () => personalToken(credential.token), forget: () => false };
  }
  const app = credential;
  const pending = new Map<string, Promise<GithubResult<Bearer>>>();
  const { cache } = transport;
  return {
    async bearer(scope) {
      const owner = ownerOf(scope);
      const running = pending.get(owner);
      if (running !== undefined) return running;
      const started = installationBearer(transport, app, scope).finally(() => pending.delete(owner));
      pending.set(owner, started);
      return started;
    },
    forget(scope, bearer) {
      const installation = cache.installations.get(ownerOf(scope));
      // Another call may have renewed it already.
      if (installation !== undefined && cache.tokens.get(installation)?.token === bearer.token) {
        cache.tokens.delete(installation);
      }
      return true;
    },
  };
}

async function personalToken(read: () => Promise<string>): Promise<GithubResult<Bearer>> {
  const token = await read().catch(() => "");
  if (TOKEN.test(token)) return { ok: true, value: { token, key: "token" } };
  return githubError("unavailable", "the GitHub credential is missing: GITHUB_TOKEN cannot be read");
}

type App = Extract<GithubCredential, { kind: "app" }>;

async function installationBearer(
  transport: Transport,
  app: App,
  scope: string,
): Promise<GithubResult<Bearer>> {
  const { cache, now } = transport;
  const owner = ownerOf(scope);
  const known = cache.installations.get(owner);
  const installation = known === undefined ? await findInstallation(transport, app, scope) : ok(known);
  if (!installation.ok) return installation;
  const id = installation.value;
  cache.installations.set(owner, id);
  const cached = cache.tokens.get(id);
  if (cached !== undefined && now() < cached.until) return ok(bearerOf(id, cached.token));
  const made = await makeToken(transport, app, id);
  if (made.ok) return made;
  if (made.error !== "not_found") return made;
  // The App was removed from this owner, and perhaps installed anew under another id.
  cache.installations.delete(owner);
  if (known !== undefined) return installationBearer(transport, app, scope);
  return githubError("refused", made.detail);
}

async function findInstallation(
  transport: Transport,
  app: App,
  scope: string,
): Promise<GithubResult<number>> {
  const what = "looking up the App's installation";
  const path = `${scopePath(scope)}/installation`;
  const result = await asApp(transport, app, { method: "GET", path, what });
  if (!result.ok && result.error === "not_found") {
    return githubError("refused", "the GitHub App is not installed on this repository's owner");
  }
  return result;
}

/** `read` of an installation's lookup: its id. */
async function asApp(transport: Transport, app: App, request: GithubRequest): Promise<GithubResult<number>> {
  const result = await callAsApp(transport, app, request);
  if (!result.ok) return result;
  const id = (result.value as { id?: unknown } | null)?.id;
  return isId(id) ? ok(id) : githubError("unavailable", `${request.what}: GitHub's answer has no id`);
}

async function makeToken(transport: Transport, app: App, id: number): Promise<GithubResult<Bearer>> {
  const what = "making an installation token";
  const path = `/app/installations/${String(id)}/access_tokens`;
  const result = await callAsApp(transport, app, { method: "POST", path, what });
  if (!result.ok) return result;
  const { token, expires_at: expiresAt } = (result.value ?? {}) as { token?: unknown; expires_at?: unknown };
  if (typeof token !== "string" || !TOKEN.test(token)) {
    return githubError("unavailable", `${what}: GitHub's answer has no token`);
  }
  const now = transport.now();
  const ends = typeof expiresAt === "string" ? Date.parse(expiresAt) : Number.NaN;
  const until = Math.min(Number.isNaN(ends) ? now : ends, now + TOKEN_LIFETIME_MS) - TOKEN_MARGIN_MS;
  transport.cache.tokens.set(id, { token, until });
  return ok(bearerOf(id, token));
}

/** Calls with the App's JWT; when GitHub refuses one that was cached, once more with a new one. */
async function callAsApp(
  transport: Transport,
  app: App,
  request: GithubRequest,
): Promise<GithubResult<unknown>> {
  const { cache } = transport;
  for (;;) {
    const reused = cache.jwts.has(app.appId);
    const jwt = await appJwt(transport, app);
    if (!jwt.ok) return jwt;
    const result = await callGithub(transport, { token: jwt.value, key: `app ${app.appId}` }, request);
    if (!isFailed(result)) return ok(result.json);
    if (result.status !== 401) return result.failure;
    cache.jwts.delete(app.appId);
    if (!reused) return result.failure;
  }
}

async function appJwt(transport: Transport, app: App): Promise<GithubResult<string>> {
  const { cache, now } = transport;
  const cached = cache.jwts.get(app.appId);
  if (cached !== undefined && now() < cached.until) return ok(cached.jwt);
  const pem = await app.privateKey().catch(() => "");
  if (pem === "") {
    return githubError(
      "unavailable",
      "the GitHub credential is missing: GITHUB_APP_PRIVATE_KEY cannot be read",
    );
  }
  try {
    const jwt = await signAppJwt(app.appId, pem, now());
    cache.jwts.set(app.appId, { jwt, until: now() + JWT_REUSE_MS });
    return ok(jwt);
  } catch {
    return githubError(
      "unavailable",
      "GITHUB_APP_PRIVATE_KEY is not an RSA private key in PEM (PKCS#1 or PKCS#8)",
    );
  }
}

/** `/repos/{owner}/{name}` or `/orgs/{organization}`. */
export function scopePath(scope: string): string {
  return scope.includes("/") ? `/repos/${scope}` : `/orgs/${scope}`;
}

function ownerOf(scope: string): string {
  return scope.split("/", 1).join("").toLowerCase();
}

function bearerOf(installation: number, token: string): Bearer {
  return { token, key: `installation ${String(installation)}` };
}

function ok<T>(value: T): GithubResult<T> {
  return { ok: true, value };
}
