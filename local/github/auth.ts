import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { AppSpec, Permission, TokenSpec } from "./types";

/** GitHub lets an App's JWT live for at most 10 minutes, and clocks differ a little.
 *  @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
const MAX_JWT_SECONDS = 600;
const CLOCK_SKEW_SECONDS = 60;

/** Lifetime of an installation token. */
export const INSTALLATION_TOKEN_MS = 60 * 60_000;

export interface Installation {
  readonly id: number;
  readonly appId: string;
  /** Login of the account. */
  readonly account: string;
}

/** Who calls. */
export type Caller =
  | { readonly kind: "app"; readonly appId: string }
  | {
      readonly kind: "token";
      /** Whether an App's installation speaks, and not a person. */
      readonly isInstallation: boolean;
      readonly owner: string;
      /** null is everything. */
      readonly permissions: readonly Permission[] | null;
    };

/** The credentials the stand-in knows, and the check of what a request carries. */
export class GithubAuth {
  readonly installations: Installation[] = [];
  readonly #apps: readonly AppSpec[];
  readonly #tokens: TokenSpec[];
  readonly #issued = new Map<string, { readonly installation: Installation; expiresAt: number }>();

  constructor(apps: readonly AppSpec[], tokens: readonly TokenSpec[], nextId: () => number) {
    this.#apps = apps;
    this.#tokens = [...tokens];
    for (const app of apps) {
      for (const account of app.accounts)
        this.installations.push({ id: nextId(), appId: app.appId, account });
    }
  }

  /** @returns null for a credential that is unknown, forged or over: 401 */
  caller(authorization: string | undefined, now: number): Caller | null {
    const bearer = /^(?:bearer|token) +([^\s]+)$/i.exec(authorization ?? "")?.[1];
    if (bearer === undefined) return null;
    const known = this.#tokens.find(({ token }) => token === bearer);
    if (known !== undefined) {
      const { owner, permissions = null } = known;
      return { kind: "token", isInstallation: false, owner, permissions };
    }
    const issued = this.#issued.get(bearer);
    if (issued !== undefined) {
      if (now >= issued.expiresAt) return null;
      const { installation } = issued;
      const permissions = this.permissionsOf(installation);
      return { kind: "token", isInstallation: true, owner: installation.account, permissions };
    }
    const app = this.#apps.find((it) => isJwtOf(it, bearer, now));
    return app === undefined ? null : { kind: "app", appId: app.appId };
  }

  /** A token of the length GitHub's have today: nobody may count on 40 characters. */
  issue(installation: Installation, now: number): { readonly token: string; readonly expiresAt: number } {
    const token = `ghs_${installation.appId}_${randomBytes(180).toString("base64url")}`;
    const expiresAt = now + INSTALLATION_TOKEN_MS;
    this.#issued.set(token, { installation, expiresAt });
    return { token, expiresAt };
  }

  /** What the tokens of an installation may do; null is everything. */
  permissionsOf(installation: Installation): readonly Permission[] | null {
    return this.#apps.find(({ appId }) => appId === installation.appId)?.permissions ?? null;
  }

  /** Ends every installation token at once. */
  revokeIssued(): void {
    this.#issued.clear();
  }

  /** Ends a personal access token. */
  revoke(token: string): void {
    const index = this.#tokens.findIndex((it) => it.token === token);
    if (index >= 0) this.#tokens.splice(index, 1);
  }
}

function isJwtOf(app: AppSpec, jwt: string, now: number): boolean {
  const [head, claims, signature, ...rest] = jwt.split(".");
  if (head === undefined || claims === undefined || signature === undefined || rest.length > 0) return false;
  const header = decode(head);
  const body = decode(claims);
  if (header === null || body === null || header["alg"] !== "RS256") return false;
  const { iat, exp, iss } = body;
  if (String(iss) !== app.appId || typeof iat !== "number" || typeof exp !== "number") return false;
  const seconds = now / 1000;
  if (iat > seconds + CLOCK_SKEW_SECONDS || exp <= seconds) return false;
  if (exp > seconds + MAX_JWT_SECONDS + CLOCK_SKEW_SECONDS) return false;
  const key = createPublicKey(app.publicKey);
  return verify("sha256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"));
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
