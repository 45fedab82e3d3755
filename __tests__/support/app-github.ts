import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { type Harness, acceptingGithub } from "./harness/harness";
import type { Reply, Seen } from "./harness/origin";

/** An App's key pair in both forms of PEM that GitHub's users have. */
export interface AppKey {
  /** As GitHub hands it out. */
  readonly pkcs1: string;
  readonly pkcs8: string;
  readonly publicPem: string;
}

export function appKey(): AppKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    pkcs1: privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    pkcs8: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicPem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

/** A GitHub that knows one App. */
export interface AppGithub {
  /** JWTs that were shown, each once, whether they were good or not. */
  readonly jwts: Set<string>;
  /** Installation tokens that were made, in order. */
  readonly made: string[];
  /** Owner in lower case → installation id; changed by tests at will. */
  readonly installed: Map<string, number>;
  /** Tokens that GitHub no longer takes. */
  readonly revoked: Set<string>;
}

/**
 * Puts a GitHub behind the harness that takes nothing but good JWTs of that App on its App calls, and nothing but an
 * installation token of that very owner on all others.
 */
export function appGithub(
  harness: Harness,
  app: { readonly id: string; readonly key: AppKey },
  installed: Readonly<Record<string, number>>,
): AppGithub {
  const github: AppGithub = {
    jwts: new Set(),
    made: [],
    installed: new Map(Object.entries(installed)),
    revoked: new Set(),
  };
  const rest = acceptingGithub();
  harness.github.reply = (request) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const path = request.path.replace(/^\/case-\d+/, "");
    const owner = (/^\/(?:repos|orgs)\/([^/]+)/.exec(path)?.[1] ?? "").toLowerCase();
    if (/\/installation$|^\/app\//.test(path)) {
      github.jwts.add(token);
      if (!isGoodJwt(token, app))
        return { status: 401, body: { message: "A JSON web token could not be decoded" } };
      return asApp(github, request, path, owner);
    }
    const good = github.made.filter((one) => one.startsWith(`ghs_${String(github.installed.get(owner))}_`));
    if (!good.includes(token) || github.revoked.has(token)) {
      return { status: 401, body: { message: "Bad credentials" } };
    }
    return rest(request);
  };
  return github;
}

function asApp(github: AppGithub, request: Seen, path: string, owner: string): Reply {
  if (path.endsWith("/installation")) {
    const id = github.installed.get(owner);
    return id === undefined ? { status: 404, body: { message: "Not Found" } } : { status: 200, body: { id } };
  }
  const id = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path)?.[1];
  if (id === undefined || request.method !== "POST") return { status: 404, body: { message: "Not Found" } };
  const token = `ghs_${id}_${String(github.made.length + 1)}_${"long".repeat(50)}`;
  github.made.push(token);
  return { status: 201, body: { token, expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
}

/** As GitHub does it: RS256 by the App's key, issued in the past, ending within ten minutes. */
function isGoodJwt(jwt: string, app: { readonly id: string; readonly key: AppKey }): boolean {
  const [header = "", payload = "", signature = "", ...more] = jwt.split(".");
  const signed = verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey(app.key.publicPem),
    Buffer.from(signature, "base64url"),
  );
  if (more.length > 0 || !signed) return false;
  const { alg } = decode(header);
  const { iss, iat, exp } = decode(payload);
  const now = Date.now() / 1000;
  return (
    alg === "RS256" && iss === app.id && Number(iat) <= now && Number(exp) > now && Number(exp) <= now + 600
  );
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>;
}
