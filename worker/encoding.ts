/** Text and bytes, without node:buffer: workerd and Node have these globals in common. */

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Standard base64. Text is encoded as UTF-8 first, which `btoa` alone would refuse. */
export function base64(input: Uint8Array | string): string {
  const bytes = typeof input === "string" ? utf8(input) : input;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** base64url without padding (RFC 4648 §5). */
export function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @returns null when `text` is not the one unpadded base64url text of some bytes: the spare bits of the last
 *  character must be zero, so that no two texts mean the same */
export function fromBase64url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  return bytes !== null && base64url(bytes) === text ? bytes : null;
}

/** Standard base64, with or without padding. @returns null when it is none */
export function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
