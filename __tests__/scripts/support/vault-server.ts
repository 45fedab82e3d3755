import { randomUUID } from "node:crypto";
import { type LoopbackServer, serve } from "../../../local/http/serve";

/** GitHub's issuer of OIDC tokens and Vault's API, as far as a login and readings go. */
export interface VaultServer {
  readonly url: string;
  /** Method and path of each request. */
  readonly requests: string[];
  /** Tokens that are logged in. */
  readonly tokens: Set<string>;
  /** Credentials that were issued and not revoked. */
  readonly leases: Set<string>;
  /** Refuses to revoke from now on. */
  keepTokens(): void;
  close(): Promise<void>;
}

export const ID_TOKEN_BEARER = "bearer-of-the-run";

/** Knows role `diff` at `jwt-github`, audience `vault`; serves a KV secret and issues a Nomad token. */
export async function vaultServer(): Promise<VaultServer> {
  const requests: string[] = [];
  const tokens = new Set<string>();
  const leases = new Set<string>();
  let keeps = false;
  const refuse = (status: number, ...errors: string[]): Response => Response.json({ errors }, { status });
  const server: LoopbackServer = await serve(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    if (pathname === "/id-token") {
      if (request.headers.get("authorization") !== `Bearer ${ID_TOKEN_BEARER}`) return refuse(401);
      return Response.json({
        value: `jwt-for-${searchParams.get("audience") ?? ""}-${searchParams.get("v") ?? ""}`,
      });
    }
    if (pathname === "/v1/auth/jwt-github/login") {
      const { role, jwt } = (await request.json()) as { readonly role: string; readonly jwt: string };
      if (jwt !== "jwt-for-vault-2")
        return refuse(400, "error validating token: invalid audience (aud) claim");
      if (role !== "diff") return refuse(400, `role "${role}" could not be found`);
      const token = `hvs.${randomUUID()}`;
      tokens.add(token);
      return Response.json({ auth: { client_token: token } });
    }
    const token = request.headers.get("x-vault-token") ?? "";
    if (!tokens.has(token)) return refuse(403, "permission denied");
    switch (pathname) {
      case "/v1/kv/data/github-runners/diff":
        return Response.json({
          data: { data: { cloudflare: "first%line\nsecond line\n", empty: "" }, metadata: {} },
        });
      case "/v1/nomad/creds/diff": {
        const secret = randomUUID();
        leases.add(secret);
        return Response.json({ lease_id: "x", data: { accessor_id: "a", secret_id: secret } });
      }
      case "/v1/auth/token/revoke-self":
        if (keeps) return refuse(503, "Vault is sealed");
        tokens.delete(token);
        leases.clear();
        return new Response(null, { status: 204 });
      default:
        return refuse(403, "1 error occurred:\n\t* permission denied\n\n");
    }
  });
  return {
    url: server.url,
    requests,
    tokens,
    leases,
    keepTokens: () => {
      keeps = true;
    },
    close: () => server.close(),
  };
}
