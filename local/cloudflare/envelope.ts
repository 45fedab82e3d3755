import type { Context } from "hono";

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413;

/**
 * An answer as every call of the API gives it.
 * @see https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/
 */
export function ok(context: Context, result: unknown): Response {
  return context.json({ success: true, errors: [], messages: [], result });
}

/** A refusal. The provider shows the codes and the texts to its user. */
export function refuse(context: Context, status: ErrorStatus, code: number, message: string): Response {
  return context.json({ success: false, errors: [{ code, message }], messages: [], result: null }, status);
}

/** The body as a JSON object; an empty one when it is none. */
export async function jsonBody(context: Context): Promise<Readonly<Record<string, unknown>>> {
  try {
    return asRecord(await context.req.json()) ?? {};
  } catch {
    return {};
  }
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

/** A text that is not empty; null otherwise. */
export function asText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
