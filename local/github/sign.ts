import { createHmac } from "node:crypto";

/**
 * `X-Hub-Signature-256` of a body, as GitHub makes it: the HMAC of the raw bytes, the secret as UTF-8.
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function signature256(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** The older `X-Hub-Signature`, which GitHub still sends beside it. */
function signature1(secret: string, body: string): string {
  return `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`;
}

/** What a delivery's headers are made from. */
export interface DeliveryHead {
  readonly guid: string;
  readonly event: string;
  readonly hookId: number;
  readonly target: { readonly type: "repository" | "organization"; readonly id: number };
  readonly contentType: "json" | "form";
  readonly secret: string | null;
}

/**
 * The headers GitHub sends with a delivery.
 * @see https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
 */
export function deliveryHeaders(head: DeliveryHead, body: string): Record<string, string> {
  const headers: Record<string, string> = {
    Accept: "*/*",
    "Content-Type": head.contentType === "json" ? "application/json" : "application/x-www-form-urlencoded",
    "User-Agent": "GitHub-Hookshot/044aadd",
    "X-GitHub-Delivery": head.guid,
    "X-GitHub-Event": head.event,
    "X-GitHub-Hook-ID": String(head.hookId),
    "X-GitHub-Hook-Installation-Target-ID": String(head.target.id),
    "X-GitHub-Hook-Installation-Target-Type": head.target.type,
  };
  if (head.secret !== null) {
    headers["X-Hub-Signature"] = signature1(head.secret, body);
    headers["X-Hub-Signature-256"] = signature256(head.secret, body);
  }
  return headers;
}
