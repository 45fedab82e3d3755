import type { Deployment } from "./deployment";
import type { OperatorCredentials } from "./credentials";

/** A secret, and what it is: that may be told, the secret not. */
export interface NamedSecret {
  readonly name: string;
  readonly text: string;
}

/** Shorter texts are no secrets, and are found by chance. */
const SHORTEST = 12;
/** Attributes of the state that are secrets, by resource type. */
const SECRET_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  random_password: ["result", "bcrypt_hash"],
  nomad_acl_token: ["secret_id"],
  cloudflare_zero_trust_access_service_token: ["client_secret"],
  cloudflare_zero_trust_tunnel_cloudflared: ["tunnel_secret"],
};

/** Every secret there is: those of whoever deploys, and those that the stack has made so far. */
export async function allSecrets(
  credentials: OperatorCredentials,
  environment: Readonly<Record<string, string>>,
  deployment: Deployment,
): Promise<readonly NamedSecret[]> {
  const tokens = Object.entries(environment).filter(([name]) => /TOKEN$/.test(name));
  const made = (await deployment.state()).flatMap(({ type, address, values }) => [
    ...(SECRET_ATTRIBUTES[type] ?? []).flatMap((name) => {
      const text = values[name];
      return typeof text === "string" ? [{ name: `${address}.${name}`, text }] : [];
    }),
    ...(type === "vault_kv_secret_v2" ? fieldsOf(address, values["data_json"]) : []),
  ]);
  return [
    ...tokens.map(([name, text]) => ({ name, text })),
    ...made,
    // A line of its middle: as JSON or HCL the line ends are others.
    { name: "the App's private key", text: credentials.appPrivateKey.split("\n")[3] ?? "" },
  ].filter(({ text }) => text.length >= SHORTEST);
}

/** Names of the secrets that stand in a text, as they are or in base64. */
export function leaksIn(text: string, secrets: readonly NamedSecret[]): readonly string[] {
  const plain = unwrapped(text);
  return secrets
    .filter(
      ({ text: secret }) => plain.includes(secret) || plain.includes(Buffer.from(secret).toString("base64")),
    )
    .map(({ name }) => name);
}

/** The CLI breaks long lines. */
function unwrapped(text: string): string {
  return text.replace(/\n\s*/g, "");
}

/** What a secret in Vault holds: the tunnel's token is one of these and no attribute of its own. */
function fieldsOf(address: string, json: unknown): readonly NamedSecret[] {
  const fields = JSON.parse(typeof json === "string" ? json : "{}") as Readonly<Record<string, unknown>>;
  return Object.entries(fields).flatMap(([name, text]) =>
    typeof text === "string" ? [{ name: `${address}: ${name}`, text }] : [],
  );
}
