import { utf8 } from "./encoding";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** Imported keys, kept per isolate by their text: importing one takes longer than a signature. */
const imported = new Map<string, CryptoKey>();

/** The webhook's and the claims' keys, each with the one before it, and some that are used once. */
const MOST_KEYS = 8;

async function importKey(key: string): Promise<CryptoKey> {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const made = await crypto.subtle.importKey("raw", utf8(key), ALGORITHM, false, ["sign", "verify"]);
  if (imported.size >= MOST_KEYS) imported.clear();
  imported.set(key, made);
  return made;
}

/** HMAC-SHA256 with a key given as text (its UTF-8 bytes). @throws when the key is empty */
export async function hmacSign(key: string, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await importKey(key), message));
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
    if (await crypto.subtle.verify("HMAC", await importKey(key), signature, message)) return true;
  }
  return false;
}
