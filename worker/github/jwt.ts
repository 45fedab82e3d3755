import { base64url, utf8 } from "../encoding";
import { pkcs8FromPem } from "./pem";

const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** How long one JWT is used. */
export const JWT_REUSE_MS = 9 * 60_000;

/** Ends half a minute after its last use and half a minute before GitHub's ten; begins a minute back, for clocks that
 *  go differently.
 *  @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
const JWT_LIFETIME_SECONDS = 570;
const JWT_BACKDATE_SECONDS = 60;

/** @throws when the text is no RSA private key in PEM; the runtimes' errors differ, and may quote the input */
export async function importAppKey(pem: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", pkcs8FromPem(pem) ?? new Uint8Array(), RS256, false, ["sign"]);
}

/**
 * Signs an App's JWT.
 * @param appId the App's id or client id
 * @param now milliseconds since the epoch
 * @throws when the key is none
 */
export async function signAppJwt(appId: string, pem: string, now: number): Promise<string> {
  const key = await importAppKey(pem);
  const seconds = Math.floor(now / 1000);
  const part = (value: object): string => base64url(utf8(JSON.stringify(value)));
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({
    iat: seconds - JWT_BACKDATE_SECONDS,
    exp: seconds + JWT_LIFETIME_SECONDS,
    iss: appId,
  })}`;
  const signature = await crypto.subtle.sign(RS256.name, key, utf8(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}
