import { isId } from "../../contracts/patterns";
import { asRecord } from "../json";
import { type CallResult, type GithubResult, callError } from "./errors";
import { JWT_REUSE_MS, signAppJwt } from "./jwt";
import { type Bearer, type GithubRequest, type Transport, callGithub } from "./request";

/** An installation token is dropped this long before GitHub drops it, so that none dies on its way. */
const TOKEN_MARGIN_MS = 5 * 60_000;

/** GitHub's own lifetime of an installation token; no answer makes it longer. */
const TOKEN_LIFETIME_MS = 60 * 60_000;

/** GitHub's clock may differ by so much before a JWT is signed by it: less than a JWT is dated back, and more than an answer
 *  takes. */
const CLOCK_TOLERANCE_MS = 30_000;

/** A clock that differs by more is nobody's to sign by: such a JWT would be good at another time, for whoever told it. */
const MAX_CLOCK_DIFFERENCE_MS = 60 * 60_000;

/** What a bearer token looks like; GitHub promises no length. */
export const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** What an App is known by. */
export interface AppCredential {
  /** The App's id or client id. */
  readonly appId: string;
  /** PEM, PKCS#1 or PKCS#8. */
  readonly privateKey: () => Promise<string>;
}

/**
 * Gives a scope's installation token, from the cache while it is good. The installation is looked up once per owner:
 * an App has one for all repositories of an owner.
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
 */
export async function installationBearer(
  transport: Transport,
  app: AppCredential,
  scope: string,
): Promise<GithubResult<Bearer>> {
  const { now } = transport;
  const { installations, tokens } = transport.cache;
  const owner = ownerOf(scope);
  for (;;) {
    const known = installations.get(owner);
    let id = known;
    if (id === undefined) {
      const path = `${scopePath(scope)}/installation`;
      const found = await callAsApp(transport, app, { method: "GET", path, read: readId });
      if (!found.ok) return notInstalled(found);
      id = found.value;
      installations.set(owner, id);
    }
    const key = `installation ${id}`;
    const cached = tokens.get(id);
    if (cached !== undefined && now() < cached.until)
      return { ok: true, value: { token: cached.token, key } };
    const path = `/app/installations/${id}/access_tokens`;
    const made = await callAsApp(transport, app, { method: "POST", path, read: readToken });
    if (made.ok) {
      const { token, ends } = made.value;
      tokens.set(id, { token, until: Math.min(ends, now() + TOKEN_LIFETIME_MS) - TOKEN_MARGIN_MS });
      return { ok: true, value: { token, key } };
    }
    if (made.status !== 404) return made;
    // The App was removed from this owner, and perhaps installed anew under another id.
    installations.delete(owner);
    if (known === undefined) return notInstalled(made);
  }
}

/** Drops an installation token that GitHub refused, unless another call has renewed it already. */
export function forgetToken(transport: Transport, scope: string, token: string): void {
  const { installations, tokens } = transport.cache;
  const id = installations.get(ownerOf(scope));
  if (id !== undefined && tokens.get(id)?.token === token) tokens.delete(id);
}

/** Calls with the App's JWT. When GitHub refuses one that was cached, or its clock differs by more than a JWT allows, once
 *  more with a new one. */
async function callAsApp<T>(
  transport: Transport,
  app: AppCredential,
  request: GithubRequest<T>,
): Promise<CallResult<T>> {
  const { jwts, clocks } = transport.cache;
  const { appId } = app;
  let heeded = false;
  const cached = jwts.get(appId);
  let jwt = cached !== undefined && transport.now() < cached.until ? cached.jwt : null;
  for (;;) {
    const reused = jwt !== null;
    if (jwt === null) {
      try {
        const now = transport.now() + (clocks.get(appId) ?? 0);
        jwt = await signAppJwt(appId, await app.privateKey(), now);
      } catch {
        return callError("unavailable", "credential is missing: GITHUB_APP_PRIVATE_KEY is no RSA key in PEM");
      }
      jwts.set(appId, { jwt, until: transport.now() + JWT_REUSE_MS });
    }
    const result = await callGithub(transport, { token: jwt, key: `app ${appId}` }, request);
    if (result.ok || result.status !== 401) return result;
    jwts.delete(appId);
    const told = (result.date ?? transport.now()) - transport.now();
    const ahead = Math.abs(told) > MAX_CLOCK_DIFFERENCE_MS ? 0 : told;
    const differs = !heeded && Math.abs(ahead - (clocks.get(appId) ?? 0)) > CLOCK_TOLERANCE_MS;
    if (differs) {
      clocks.set(appId, ahead);
      heeded = true;
    }
    if (!reused && !differs) return result;
    jwt = null;
  }
}

/** A 404 here says nothing about the runner or job that was asked for, so it must not look like one. */
function notInstalled(failure: CallResult<unknown> & { ok: false }): GithubResult<never> {
  return failure.status === 404
    ? callError("refused", `${failure.detail.slice(0, 150)}; is the GitHub App installed there?`)
    : failure;
}

function readId(json: unknown): number | undefined {
  const id = asRecord(json)?.["id"];
  return isId(id) ? id : undefined;
}

function readToken(json: unknown): { token: string; ends: number } | undefined {
  const { token, expires_at: expiresAt } = asRecord(json) ?? {};
  const ends = typeof expiresAt === "string" ? Date.parse(expiresAt) : Number.NaN;
  return typeof token === "string" && TOKEN.test(token) && !Number.isNaN(ends) ? { token, ends } : undefined;
}

/** `/repos/{owner}/{name}` or `/orgs/{organization}`. */
export function scopePath(scope: string): string {
  return (scope.includes("/") ? "/repos/" : "/orgs/") + scope;
}

export function ownerOf(scope: string): string {
  return scope.split("/", 1).join("").toLowerCase();
}
