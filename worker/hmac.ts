import { utf8 } from "./encoding";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** HMAC-SHA256 with a key given as text (its UTF-8 bytes). @throws when the key is empty */
export async function hmacSign(key: string, message: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", utf8(key), ALGORITHM, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/** Whether `signature` is the HMAC-SHA256 of `message` under any of `keys`. WebCrypto compares in constant time.
 *  An empty key signs for nobody: it is what a missing binding looks like. */
export async function hmacVerifyAny(
  keys: readonly string[],
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  for (const key of keys) {
    if (key === "") continue;
    const imported = await crypto.subtle.importKey("raw", utf8(key), ALGORITHM, false, ["verify"]);
    if (await crypto.subtle.verify("HMAC", imported, signature, message)) return true;
  }
  return false;
}
