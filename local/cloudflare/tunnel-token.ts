/** What a connector proves itself with: account, tunnel, and the tunnel's secret in base64. */
export interface TunnelToken {
  readonly a: string;
  readonly t: string;
  readonly s: string;
}

/** Base64 of compact JSON.
 *  @see https://github.com/cloudflare/cloudflared/blob/2026.8.2/connection/connection.go (TunnelToken) */
export function encodeTunnelToken({ a, t, s }: TunnelToken): string {
  return Buffer.from(JSON.stringify({ a, t, s })).toString("base64");
}

/** @returns null for what is no token */
export function decodeTunnelToken(text: string): TunnelToken | null {
  try {
    const value = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Record<string, unknown> | null;
    const [a, t, s] = [value?.["a"], value?.["t"], value?.["s"]];
    return typeof a === "string" && typeof t === "string" && typeof s === "string" ? { a, t, s } : null;
  } catch {
    return null;
  }
}
