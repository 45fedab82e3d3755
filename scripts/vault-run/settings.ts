/** One variable of the command's environment, and where in Vault its value lies. */
export interface Reading {
  readonly variable: string;
  /** Path below `/v1/`, such as `kv/data/github-runners/diff` or `nomad/creds/github-runners-diff`. */
  readonly path: string;
  /** Field of the answer's `data`, or of the `data` in it, as version 2 of the KV engine answers. */
  readonly field: string;
}

export interface VaultRunSettings {
  /** Origin of Vault's API. */
  readonly address: string;
  /** Path of the JWT auth method that trusts GitHub. */
  readonly authPath: string;
  readonly role: string;
  /** Audience that the role is bound to. */
  readonly audience: string;
  readonly readings: readonly Reading[];
  /** Where a workflow run gets its OIDC token, and with what. */
  readonly idTokenUrl: string;
  readonly idTokenBearer: string;
}

const LINE = /^([A-Za-z_]\w*)=([\w-][\w./-]*)#([\w-]+)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from the environment; no value of it is a secret but the bearer.
 * @throws Error that names all that is wrong
 */
export function vaultRunSettings(environment: Environment): VaultRunSettings {
  const problems: string[] = [];
  const text = (name: string, form: RegExp, hint: string, standard = ""): string => {
    const given = environment[name] ?? "";
    const value = given === "" ? standard : given;
    if (!form.test(value))
      problems.push(`${name}: ${hint}, got ${value === "" ? "nothing" : JSON.stringify(value)}`);
    return value;
  };
  const address = text(
    "VAULT_ADDR",
    /^https?:\/\/[^\s/]+\/?$/,
    "must be the origin of Vault's API, such as https://vault.example.net:8200; set the repository's variable",
  );
  const role = text("VAULT_ROLE", /^[\w.-]+$/, "must be a role of the auth method");
  const authPath = text("VAULT_AUTH_PATH", /^[\w-]+(?:\/[\w-]+)*$/, "must be a path", "jwt-github");
  const audience = text("VAULT_AUDIENCE", /^\S+$/, "must be what the role is bound to", "vault");
  const readings = (environment["VAULT_READ"] ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .flatMap((line) => {
      const [, variable, path, field] = LINE.exec(line) ?? [];
      if (variable !== undefined && path !== undefined && field !== undefined && !path.includes("..")) {
        return [{ variable, path, field }];
      }
      problems.push(`VAULT_READ: each line must be VARIABLE=path#field, got ${JSON.stringify(line)}`);
      return [];
    });
  const idTokenUrl = environment["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "";
  const idTokenBearer = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? "";
  if (idTokenUrl === "" || idTokenBearer === "") {
    problems.push(
      "ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN: must be there, got nothing; the job needs `permissions: id-token: write`",
    );
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return {
    address: address.replace(/\/$/, ""),
    role,
    authPath,
    audience,
    readings,
    idTokenUrl,
    idTokenBearer,
  };
}
