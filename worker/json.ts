export type Json = Readonly<Record<string, unknown>>;

/** @returns undefined, which no JSON text means, when it is not JSON or nested too deep for the parser */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns null when the value is no JSON object */
export function asRecord(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
