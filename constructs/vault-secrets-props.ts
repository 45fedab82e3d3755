import { Token } from "cdktf";

/** Which secret, and which Nomad job may read it. */
export interface VaultSecretsProps {
  /** Mount of a KV version 2 engine that exists, such as `kv`. */
  readonly kvMount: string;
  /**
   * Path of the secret beneath the mount, without `data/`.
   * @default "github-runners/connector"
   */
  readonly kvName?: string;
  /** The secret: field and value. They lie in Terraform's state. */
  readonly values: Readonly<Record<string, string>>;
  /**
   * Path of the JWT auth method by which Nomad's clients log in for a task: their `jwt_auth_backend_path`.
   * @default "jwt-nomad"
   * @see https://developer.hashicorp.com/nomad/docs/configuration/vault#jwt_auth_backend_path
   */
  readonly jwtAuthPath?: string;
  /**
   * Where Vault finds the keys that sign Nomad's workload identities, `<Nomad>/.well-known/jwks.json`. The auth method
   * is then made here.
   * @default - the auth method at `jwtAuthPath` exists
   */
  readonly jwksUrl?: string;
  /**
   * Audience of the workload identity.
   * @default "vault.io"
   */
  readonly audience?: string;
  /** Namespace of the Nomad job that may read the secret. */
  readonly nomadNamespace: string;
  /** Id of the Nomad job that may read the secret. */
  readonly nomadJobId: string;
  /**
   * Name of the role and of the policy.
   * @default "github-runners-connector"
   */
  readonly roleName?: string;
}

/** The props with every default in its place. */
export type ResolvedVaultSecrets = Required<Omit<VaultSecretsProps, "jwksUrl">> & {
  /** Undefined where the auth method exists. */
  readonly jwksUrl: string | undefined;
};

/** Puts every default in its place. */
export function resolveVaultSecrets(props: VaultSecretsProps): ResolvedVaultSecrets {
  return {
    kvMount: props.kvMount,
    kvName: props.kvName ?? "github-runners/connector",
    values: props.values,
    jwtAuthPath: props.jwtAuthPath ?? "jwt-nomad",
    jwksUrl: props.jwksUrl,
    audience: props.audience ?? "vault.io",
    nomadNamespace: props.nomadNamespace,
    nomadJobId: props.nomadJobId,
    roleName: props.roleName ?? "github-runners-connector",
  };
}

/** Segments that neither a policy's globs (`*`, `+`) nor a path's dots could make wider than they look. */
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const JWKS_URL = /^https?:\/\/[^/\s]+\/\S+$/;

/** Everything wrong at once, one sentence each. What is known at apply only is Vault's to check. */
export function vaultSecretsProblems(secrets: ResolvedVaultSecrets): string[] {
  const { kvMount, kvName, jwtAuthPath, jwksUrl, roleName, values } = secrets;
  const found: string[] = [];
  for (const [at, path] of Object.entries({ kvMount, kvName, jwtAuthPath })) {
    if (isKnown(path) && !PATH.test(path)) {
      found.push(
        `${at}: must be segments of letters, digits, ., - and _ with / between them, got "${path}"; ` +
          "a policy would read *, + and empty segments as something else",
      );
    }
  }
  if (isKnown(kvName) && kvName.startsWith("data/")) {
    found.push(`kvName: must be the path beneath the mount, without data/, got "${kvName}"`);
  }
  if (isKnown(roleName) && !NAME.test(roleName)) {
    found.push(`roleName: must be letters, digits, ., - and _, got "${roleName}"`);
  }
  if (jwksUrl !== undefined && isKnown(jwksUrl) && !JWKS_URL.test(jwksUrl)) {
    found.push(
      `jwksUrl: must be a URL such as https://nomad.service.consul:4646/.well-known/jwks.json, got "${jwksUrl}"`,
    );
  }
  const claims = {
    audience: secrets.audience,
    nomadNamespace: secrets.nomadNamespace,
    nomadJobId: secrets.nomadJobId,
  };
  for (const [at, value] of Object.entries(claims)) {
    if (value.trim() === "")
      found.push(`${at}: must not be empty, got "${value}"; the role would let in any job`);
  }
  const fields = Object.keys(values);
  if (fields.length === 0) found.push("values: must have at least one field, got none");
  for (const field of fields) {
    // The value stays out of the text.
    if (!FIELD.test(field)) found.push(`values: a field must be letters, digits and _, got "${field}"`);
  }
  return found;
}

function isKnown(value: string): boolean {
  return !Token.isUnresolved(value);
}
