/** An input of a target. Everything a target is tried with is JSON, so that one mutation, one shrinking and one form of
 *  file serve all of them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [key: string]: Json;
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Targets read their inputs by these: whatever mutation made of a field, it is read as something. */
export function recordOf(value: Json | undefined): JsonRecord {
  return isRecord(value) ? value : {};
}

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

export function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}

/** Bytes are a text, meaning its UTF-8, or `{"base64": …}` where they are none. */
export function bytesOf(value: Json | undefined): Uint8Array {
  const raw = recordOf(value)["base64"];
  return typeof raw === "string"
    ? new Uint8Array(Buffer.from(raw, "base64"))
    : new TextEncoder().encode(textOf(value));
}
