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
  } catch {
    // Go tells a text that ends too early from one with a wrong character; V8 names the wrong character only.
    const wrong = firstWrong(text);
    if (wrong === null) throw new NomadRefusal(400, "unexpected EOF");
    throw new NomadRefusal(400, `invalid character '${wrong}' looking for beginning of value`);
  }
}

/** @returns the first character of a text that cannot begin a JSON value, or null when it only ends too early */
function firstWrong(text: string): string | null {
  const first = text.trimStart().charAt(0);
  return /[[{"\-0-9tfn]/.test(first) ? null : first;
}

function payloadOf(value: unknown): Buffer {
  const text = typed(value, "string", "Payload", "[]uint8") as string | null;
  if (text === null) return Buffer.alloc(0);
  const wrong = wrongBase64(text);
  if (wrong !== null) throw new NomadRefusal(400, `illegal base64 data at input byte ${String(wrong)}`);
  return Buffer.from(text, "base64");
}

/** Where Go's standard encoding stops: the first foreign character, or the last group when it is not whole. */
function wrongBase64(text: string): number | null {
  const foreign = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (foreign >= 0) return foreign;
  const digits = text.replace(/[\r\n]/g, "");
  if (/^(?:[^=]{4})*(?:[^=]{3}=|[^=]{2}==)?$/.test(digits)) return null;
  const padding = text.indexOf("=");
  return padding >= 0 ? padding : text.length - (digits.length % 4);
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
  return (typed(value, "number", field, "int") as number | null) ?? 0;
}

function typed(value: unknown, wanted: Kind, field: string, goType: string): unknown {
  if (value === undefined || value === null) return null;
  const kind = kindOf(value);
  if (kind === wanted) return value;
  throw new NomadRefusal(
    400,
    `json: cannot unmarshal ${kind} into Go struct field JobDispatchRequest.${field} of type ${goType}`,
  );
}

function kindOf(value: unknown): Kind {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "number";
  return typeof value === "string" ? "string" : "object";
}
