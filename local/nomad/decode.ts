import { NomadRefusal } from "./answer";

/** A dispatch request's body, decoded. */
export interface DispatchRequest {
  readonly payload: Buffer;
  readonly meta: Readonly<Record<string, string>>;
  readonly idPrefix: string;
  /** 0 where none was given. */
  readonly priority: number;
  readonly jobId: string;
}

type Kind = "string" | "number" | "bool" | "object" | "array";

/**
 * Reads a dispatch body as Go's `encoding/json` reads it into Nomad's struct: names match whatever their case, unknown
 * ones are passed over, null is as good as absent, and each mistake has Go's own text.
 * @throws NomadRefusal 400
 */
export function decodeDispatch(text: string): DispatchRequest {
  if (text === "") throw new NomadRefusal(400, "Request body is empty");
  const body = parse(text);
  const kind = kindOf(body);
  if (body !== null && kind !== "object") {
    throw new NomadRefusal(
      400,
      `json: cannot unmarshal ${kind} into Go value of type structs.JobDispatchRequest`,
    );
  }
  const fields = new Map(
    Object.entries((body ?? {}) as Record<string, unknown>).map(([key, value]) => [key.toLowerCase(), value]),
  );
  return {
    payload: payloadOf(fields.get("payload")),
    meta: metaOf(fields.get("meta")),
    idPrefix: textOf(fields.get("idprefixtemplate"), "IdPrefixTemplate"),
    priority: numberOf(fields.get("priority"), "Priority"),
    jobId: textOf(fields.get("jobid"), "JobID"),
  };
}

function parse(text: string): unknown {
  if (text.trim() === "") throw new NomadRefusal(400, "EOF");
  try {
    return JSON.parse(text);
  } catch (error) {
    const said = error instanceof Error ? error.message : "";
    const at = Number(/position (\d+)/.exec(said)?.[1] ?? text.length);
    // Go's decoder takes the first value and leaves what follows it.
    if (said.includes("after JSON")) return JSON.parse(text.slice(0, at));
    throw new NomadRefusal(400, syntaxError(text, said, at));
  }
}

/** Go's words for what V8 says: it tells a text that ends too early from one with a wrong character. */
function syntaxError(text: string, said: string, at: number): string {
  const token = /Unexpected token '(.)'/.exec(said)?.[1];
  if (token !== undefined) return `invalid character '${token}' looking for beginning of value`;
  const wrong = text.charAt(at);
  if (wrong === "" || !said.includes("property name")) return "unexpected EOF";
  const shown = wrong === "'" ? "\\'" : wrong;
  return `invalid character '${shown}' looking for beginning of object key string`;
}

function payloadOf(value: unknown): Buffer {
  const text = typed(value, "string", "Payload", "[]uint8") as string | null;
  if (text === null) return Buffer.alloc(0);
  const wrong = wrongBase64(text);
  if (wrong !== null) throw new NomadRefusal(400, `illegal base64 data at input byte ${String(wrong)}`);
  return Buffer.from(text, "base64");
}

/** Where Go's standard encoding stops: the first foreign character, or what is wrong with the end. */
function wrongBase64(text: string): number | null {
  const foreign = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (foreign >= 0) return foreign;
  const digits = text.replace(/[\r\n]/g, "");
  const padding = digits.indexOf("=");
  if (padding < 0) return digits.length % 4 === 0 ? null : digits.length - (digits.length % 4);
  const needed = 4 - (padding % 4);
  if (needed > 2) return padding;
  const end = padding + needed;
  if (needed === 2 && digits.length === padding + 1) return digits.length;
  if (needed === 2 && digits.charAt(padding + 1) !== "=") return padding;
  return digits.length === end ? null : end;
}

function metaOf(value: unknown): Record<string, string> {
  const meta = typed(value, "object", "Meta", "map[string]string") as Record<string, unknown> | null;
  const entries = Object.entries(meta ?? {}).map(
    ([key, item]) => [key, (typed(item, "string", "Meta", "string") as string | null) ?? ""] as const,
  );
  return Object.fromEntries(entries);
}

function textOf(value: unknown, field: string): string {
  return (typed(value, "string", field, "string") as string | null) ?? "";
}

function numberOf(value: unknown, field: string): number {
  const number = (typed(value, "number", field, "int") as number | null) ?? 0;
  if (Number.isInteger(number)) return number;
  throw new NomadRefusal(400, cannotUnmarshal(`number ${String(number)}`, field, "int"));
}

function typed(value: unknown, wanted: Kind, field: string, goType: string): unknown {
  if (value === undefined || value === null) return null;
  const kind = kindOf(value);
  if (kind === wanted) return value;
  throw new NomadRefusal(400, cannotUnmarshal(kind, field, goType));
}

function cannotUnmarshal(what: string, field: string, goType: string): string {
  return `json: cannot unmarshal ${what} into Go struct field JobDispatchRequest.${field} of type ${goType}`;
}

function kindOf(value: unknown): Kind {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "number";
  return typeof value === "string" ? "string" : "object";
}
