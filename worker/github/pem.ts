import { fromBase64 } from "../encoding";

/** AlgorithmIdentifier of rsaEncryption (1.2.840.113549.1.1.1, NULL), after the version 0.
 *  @see https://www.rfc-editor.org/rfc/rfc5208#section-5 */
const PKCS8_HEADER = [
  0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

const PEM = /-----BEGIN (RSA )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END (RSA )?PRIVATE KEY-----/;

/**
 * Reads an App's private key into PKCS#8 DER, the one form that WebCrypto imports. GitHub hands out PKCS#1
 * (`BEGIN RSA PRIVATE KEY`), which is wrapped here. A literal `\n`, as environment variables and Terraform variables
 * carry it, counts as a line break.
 * @returns null when the text is neither
 */
export function pkcs8FromPem(text: string): Uint8Array | null {
  const [, begin, body, end] = PEM.exec(text.replaceAll("\\r", "").replaceAll("\\n", "\n")) ?? [];
  if (body === undefined || begin !== end) return null;
  const der = fromBase64(body.replace(/\s+/g, ""));
  if (der === null || der.length === 0) return null;
  if (begin === undefined) return der;
  return sequence(0x30, [...PKCS8_HEADER, ...sequence(0x04, der)]);
}

/** A DER value: tag, length in the fewest bytes, content. */
function sequence(tag: number, content: ArrayLike<number>): Uint8Array {
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  const value = new Uint8Array(head.length + content.length);
  value.set(head);
  value.set(content, head.length);
  return value;
}
