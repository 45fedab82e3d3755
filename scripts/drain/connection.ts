import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { DrainError } from "./drain-error";

/** Where Nomad is, and how it is spoken to. */
export interface NomadConnection {
  /** Without a trailing slash. */
  readonly address: string;
  readonly region: string | undefined;
  readonly hasToken: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<RequestOptions, "ca" | "cert" | "key" | "servername" | "rejectUnauthorized">;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment as the `nomad` program does, but for `NOMAD_NAMESPACE`: which namespaces, the settings say.
 * @param address used unless NOMAD_ADDR is set
 * @throws DrainError naming the variable; never with a value that may be secret
 * @see https://developer.hashicorp.com/nomad/docs/commands#environment-variables
 */
export function readConnection(address: string, environment: Environment): NomadConnection {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  for (const name of ["NOMAD_CAPATH"]) {
    if (value(name) !== undefined)
      throw new DrainError(`${name} is not supported here: name one file of certificates in NOMAD_CACERT`);
  }
  const token = value("NOMAD_TOKEN");
  const login = value("NOMAD_HTTP_AUTH");
  const servername = value("NOMAD_TLS_SERVER_NAME");
  const files = {
    ca: certificate("NOMAD_CACERT", value("NOMAD_CACERT")),
    cert: certificate("NOMAD_CLIENT_CERT", value("NOMAD_CLIENT_CERT")),
    key: certificate("NOMAD_CLIENT_KEY", value("NOMAD_CLIENT_KEY")),
  };
  return {
    address: readAddress(value("NOMAD_ADDR"), address),
    region: value("NOMAD_REGION"),
    hasToken: token !== undefined,
    headers: {
      ...(token !== undefined && { "X-Nomad-Token": token }),
      ...(login !== undefined && { Authorization: `Basic ${Buffer.from(login).toString("base64")}` }),
    },
    tls: {
      ...Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined)),
      ...(servername !== undefined && { servername }),
      ...(isTrue("NOMAD_SKIP_VERIFY", value("NOMAD_SKIP_VERIFY")) && { rejectUnauthorized: false }),
    },
  };
}

function readAddress(given: string | undefined, ofSettings: string): string {
  const from = given === undefined ? "the settings' nomad.apiAddress" : "NOMAD_ADDR";
  const text = given ?? ofSettings;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw new DrainError(
      `${from}: must be an address that begins with http:// or https://, got ${shown(text)}`,
    );
  if (url.username !== "" || url.password !== "")
    throw new DrainError(`${from}: must hold no login; put it into NOMAD_HTTP_AUTH as user:password`);
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** What stands before an `@` may be a password. */
function shown(text: string): string {
  return JSON.stringify(text.replace(/^.*@/s, "…@").slice(0, 200));
}

function certificate(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new DrainError(
      `${name}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`,
    );
  }
}

/** As Go's `strconv.ParseBool`. */
function isTrue(name: string, text: string | undefined): boolean {
  if (text === undefined || ["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  throw new DrainError(`${name}: must be true or false, got ${JSON.stringify(text.slice(0, 40))}`);
}
