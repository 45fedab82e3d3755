import { CLAIM_TEXT, type Claim, claimJson, parseClaim } from "../contracts/claim";
import { base64url, fromBase64url, hex, utf8 } from "./encoding";
import { hmacSign, hmacVerifyAny } from "./hmac";
import { parseJson } from "./json";

export type ClaimCheck =
  | { readonly ok: true; readonly claim: Claim }
  | { readonly ok: false; readonly reason: "malformed" | "forged" | "expired" };

/** Makes the text form of a claim. @param key `CLAIM_KEY`, not empty */
export async function signClaim(claim: Claim, key: string): Promise<string> {
  const first = base64url(utf8(claimJson(claim)));
  return `${first}.${base64url(await hmacSign(key, utf8(first)))}`;
}

/**
 * Checks a claim's text. The signature is over the first part as sent and is verified before that part is decoded, so
 * only what this system wrote is ever parsed.
 * @param text the bearer token
 * @param keys the current key and, while it is rotated, the previous one
 * @param now milliseconds since the epoch
 * @param graceSeconds how long after its end the claim still counts: 0 for POST
 */
export async function verifyClaim(
  text: string | null,
  keys: readonly string[],
  now: number,
  graceSeconds: number,
): Promise<ClaimCheck> {
  const [, first, second] = CLAIM_TEXT.exec(text ?? "") ?? [];
  const signature = second === undefined ? null : fromBase64url(second);
  if (first === undefined || signature === null) return { ok: false, reason: "malformed" };
  if (!(await hmacVerifyAny(keys, signature, utf8(first)))) return { ok: false, reason: "forged" };
  const claim = decode(first);
  if (claim === null) return { ok: false, reason: "malformed" };
  if (now >= (claim.exp + graceSeconds) * 1000) return { ok: false, reason: "expired" };
  return { ok: true, claim };
}

function decode(first: string): Claim | null {
  const bytes = fromBase64url(first);
  return bytes === null ? null : parseClaim(parseJson(new TextDecoder().decode(bytes)));
}

/** The token of an `Authorization: Bearer` header: any printable ASCII, since a status token is whatever an operator
 *  chose. @returns null when there is none */
export function bearer(header: string | null): string | null {
  if (header === null || header.length > 4096) return null;
  return /^Bearer +([\x21-\x7e]+)$/i.exec(header)?.[1] ?? null;
}

/** Compares two secrets without telling by its duration where they differ or how long they are: both are hashed under
 *  a key that nobody knows, and WebCrypto compares. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const key = hex(crypto.getRandomValues(new Uint8Array(32)));
  return hmacVerifyAny([key], await hmacSign(key, utf8(a)), utf8(b));
}
