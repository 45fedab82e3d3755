import { createHash } from "node:crypto";
import type { Json } from "../worker/runtime";
import { MAX_BINDING_BYTES } from "../../contracts/bindings";
import { type CloudflareState, timestamp } from "./state";
import { type Binding, type Script, fieldOf } from "./types";

/** Why an upload is refused. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

const DEFAULT_DATE = "2021-11-02";
const CODE_INVALID = 10021;
const CODE_DATABASE = 10181;

/** Text fields of the bindings that the stand-in can give to a Worker. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  plain_text: ["text"],
  secret_text: ["text"],
  json: ["json"],
  d1: ["id"],
  secrets_store_secret: ["store_id", "secret_name"],
};

/**
 * Reads a script as it is uploaded: a part of the main module's name, and a part `metadata`.
 * @see https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
 */
export async function readUpload(
  state: CloudflareState,
  name: string,
  form: FormData,
): Promise<Script | Refusal> {
  const metadata = await metadataOf(form);
  if (metadata === null) return invalid("metadata must be a part with JSON");
  const mainModule = metadata["main_module"];
  if (typeof mainModule !== "string" || mainModule === "") {
    return invalid("the stand-in runs ES modules: main_module is missing");
  }
  const part = form.get(mainModule);
  if (part === null) return invalid(`No such module "${mainModule}" in the upload.`);
  const content = typeof part === "string" ? part : await part.text();
  const old = state.scripts.get(name);
  const given = (metadata["bindings"] ?? []) as unknown as readonly Binding[];
  const bindings = [...given.map(withoutNulls), ...keptBindings(metadata, old, given)];
  for (const binding of bindings) {
    const refusal = bindingProblem(state, binding);
    if (refusal !== null) return refusal;
  }
  const now = timestamp();
  return {
    name,
    content,
    contentType: typeof part === "string" || part.type === "" ? "application/javascript+module" : part.type,
    mainModule,
    metadata,
    bindings,
    compatibilityDate: textOf(metadata["compatibility_date"]) ?? DEFAULT_DATE,
    compatibilityFlags: textsOf(metadata["compatibility_flags"]),
    etag: createHash("sha256").update(content).digest("hex"),
    createdOn: old?.createdOn ?? now,
    modifiedOn: now,
  };
}

async function metadataOf(form: FormData): Promise<Record<string, Json> | null> {
  const part = form.get("metadata");
  if (part === null) return null;
  try {
    return JSON.parse(typeof part === "string" ? part : await part.text()) as Record<string, Json>;
  } catch {
    return null;
  }
}

/** Bindings of the version before, of the types that the upload wants kept. */
function keptBindings(
  metadata: Record<string, Json>,
  old: Script | undefined,
  given: readonly Binding[],
): Binding[] {
  const types = textsOf(metadata["keep_bindings"]);
  return (old?.bindings ?? []).filter(
    (it) => types.includes(it.type) && !given.some(({ name }) => name === it.name),
  );
}

function bindingProblem(state: CloudflareState, binding: Binding): Refusal | null {
  const { name, type } = binding;
  const fields = FIELDS[type];
  if (fields === undefined) {
    return invalid(`binding ${name}: the stand-in knows ${Object.keys(FIELDS).join(", ")}, got ${type}`);
  }
  const missing = fields.find((field) => binding[field] === undefined || binding[field] === "");
  if (missing !== undefined) {
    return invalid(`binding ${name} of type ${type} must have a valid \`${missing}\` specified`);
  }
  const value = binding[fields[0] ?? ""];
  const bytes = Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));
  if (bytes > MAX_BINDING_BYTES) {
    return invalid(
      `binding ${name} exceeds the limit of ${String(MAX_BINDING_BYTES)} bytes: ${String(bytes)}`,
    );
  }
  if (type === "d1" && !state.databases.has(fieldOf(binding["id"]))) {
    const message = `D1 binding '${name}' references database '${fieldOf(binding["id"])}' which was not found.`;
    return { code: CODE_DATABASE, message };
  }
  if (type === "secrets_store_secret") {
    const secret = `${fieldOf(binding["store_id"])}/${fieldOf(binding["secret_name"])}`;
    if (state.secrets[secret] === undefined) return invalid(`binding ${name}: no secret ${secret}`);
  }
  return null;
}

export function isRefusal(read: Script | Refusal): read is Refusal {
  return "code" in read;
}

function invalid(message: string): Refusal {
  return { code: CODE_INVALID, message };
}

function withoutNulls(binding: Binding): Binding {
  return Object.fromEntries(
    Object.entries(binding).filter(([, value]) => value !== null),
  ) as unknown as Binding;
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
