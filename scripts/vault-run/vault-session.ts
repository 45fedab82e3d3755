import type { Reading, VaultRunSettings } from "./settings";

const TIMEOUT_MS = 20_000;

/** A login that ends with {@link VaultSession.end}, and with it every credential that Vault issued under it. */
export interface VaultSession {
  readonly token: string;
  /** The values of the readings, by variable. */
  read(readings: readonly Reading[]): Promise<Readonly<Record<string, string>>>;
  /** Revokes the token and its leases. */
  end(): Promise<void>;
}

/**
 * Logs in to Vault with the OIDC token of this workflow run.
 * @throws Error with what was answered, never with a token
 * @see https://docs.github.com/actions/concepts/security/openid-connect
 * @see https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login
 */
export async function vaultSession(settings: VaultRunSettings): Promise<VaultSession> {
  const { address, authPath, role, audience, idTokenUrl, idTokenBearer } = settings;
  const url = new URL(idTokenUrl);
  url.searchParams.set("audience", audience);
  const issued = await call("GitHub's OIDC token", url.href, {
    headers: { authorization: `Bearer ${idTokenBearer}` },
  });
  const login = await call(
    `Vault's login as ${role} at ${authPath}`,
    `${address}/v1/auth/${authPath}/login`,
    {
      method: "POST",
      body: JSON.stringify({ role, jwt: textAt(issued, ["value"], "GitHub's OIDC token") }),
    },
  );
  const token = textAt(login, ["auth", "client_token"], "Vault's login");
  const headers = { "x-vault-token": token };
  return {
    token,
    read: async (readings) => {
      // One request for each path: to read a path that issues a credential twice would issue two.
      const answers = new Map<string, unknown>();
      for (const { path } of readings) {
        if (!answers.has(path))
          answers.set(path, await call(`${path} of Vault`, `${address}/v1/${path}`, { headers }));
      }
      return Object.fromEntries(
        readings.map(({ variable, path, field }) => [variable, valueOf(answers.get(path), field, path)]),
      );
    },
    end: async () => {
      await call("the end of Vault's token", `${address}/v1/auth/token/revoke-self`, {
        method: "POST",
        headers,
      });
    },
  };
}

function valueOf(answer: unknown, field: string, path: string): string {
  const nested = at(answer, ["data", "data"]);
  const keys = typeof nested === "object" && nested !== null ? ["data", "data", field] : ["data", field];
  // `vault kv put x=@file` keeps the file's last newline, which no header takes.
  return textAt(answer, keys, `${path} of Vault`).trimEnd();
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
    value,
  );
}

function textAt(value: unknown, keys: readonly string[], what: string): string {
  const found = at(value, keys);
  if (typeof found === "string" && found !== "") return found;
  throw new Error(
    `${what}: must have a text in ${keys.join(".")}, got ${found === "" ? "nothing" : typeof found}`,
  );
}

async function call(what: string, url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, {
    ...init,
    // A redirect would carry the token to where it points. A standby of Vault forwards by itself.
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    throw new Error(
      `${what}: no answer (${String(error)}${cause}). Is the address right, and does this runner reach it?`,
    );
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${what}: answered with ${String(response.status)}: ${reasons(text)}`);
  }
  return text === "" ? null : (JSON.parse(text) as unknown);
}

/** Vault's `errors`; of any other text nothing, since it may be anything. */
function reasons(text: string): string {
  try {
    const errors = at(JSON.parse(text), ["errors"]);
    if (Array.isArray(errors)) return errors.map(String).join("; ").slice(0, 500);
  } catch {
    // No JSON: not Vault that answered.
  }
  return "no reason given";
}
