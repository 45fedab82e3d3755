import { hmacVerifyAny } from "./hmac";

/** What GitHub sends: lower-case hexadecimal, nothing around it. A header sent twice arrives joined by a comma and so
 *  does not match. */
const HEADER = /^sha256=([0-9a-f]{64})$/;

/**
 * Verifies `X-Hub-Signature-256` over the raw body, before anything else looks at it.
 * @param secrets the current key and, while hooks are being changed, the previous one
 * @returns false for a missing, malformed or wrong signature, and when there is no key at all
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export async function verifySignature(
  header: string | null,
  body: Uint8Array,
  secrets: readonly string[],
): Promise<boolean> {
  const digest = HEADER.exec(header ?? "")?.[1];
  if (digest === undefined) return false;
  const signature = Uint8Array.from({ length: 32 }, (_, index) =>
    Number.parseInt(digest.slice(index * 2, index * 2 + 2), 16),
  );
  return hmacVerifyAny(secrets, signature, body);
}
