import { randomUUID } from "node:crypto";
import { freePort } from "../../local/http/free-port";
import { type Agent, startAgent } from "./agent";
import { type HttpApi, httpApi } from "./http-api";
import { until } from "./runners-namespace";

/** As docs/deploy.md has it. */
const KV_MOUNT = "kv";
/** Longer than any run. */
const TOKEN_TTL = "1h";

/** A Vault, or OpenBao, development server on loopback: unsealed, in memory, with a KV engine of version 2. */
export interface VaultAgent extends HttpApi, Pick<Agent, "pid" | "close"> {
  /** The root token. */
  readonly token: string;
  /** Mount of the KV engine. */
  readonly kvMount: string;
  /** Makes a token that may do what a policy says, and nothing else. @param policy HCL */
  limitedToken(name: string, policy: string): Promise<string>;
}

export async function startVaultAgent(program: string): Promise<VaultAgent> {
  const token = randomUUID();
  const address = `127.0.0.1:${String(await freePort())}`;
  const api = httpApi(`http://${address}`, { "X-Vault-Token": token });
  const agent = await startAgent({
    name: "vault",
    program,
    args: () => Promise.resolve(["server", "-dev", "-dev-no-store-token", `-dev-listen-address=${address}`]),
    // Either reads its own. The token is no argument: those are in everybody's sight.
    environment: { VAULT_DEV_ROOT_TOKEN_ID: token, BAO_DEV_ROOT_TOKEN_ID: token },
    ready: async () => {
      await api.call("GET", "/v1/auth/token/lookup-self");
    },
  });
  try {
    await api.call("POST", `/v1/sys/mounts/${KV_MOUNT}`, { type: "kv", options: { version: "2" } });
    await untilUpgraded(api);
  } catch (error) {
    await agent.close();
    throw error;
  }
  return {
    ...api,
    pid: agent.pid,
    close: () => agent.close(),
    token,
    kvMount: KV_MOUNT,
    limitedToken: async (name, policy) => {
      await api.call("PUT", `/v1/sys/policies/acl/${name}`, { policy });
      const made = await api.call("POST", "/v1/auth/token/create", { policies: [name], ttl: TOKEN_TTL });
      return (made as { readonly auth: { readonly client_token: string } }).auth.client_token;
    },
  };
}

/** A new engine of version 2 refuses writes for a moment. */
async function untilUpgraded(api: HttpApi): Promise<void> {
  const probe = `/v1/${KV_MOUNT}/config`;
  await until("Vault's KV engine", () =>
    api.call("GET", probe).then(
      () => true as const,
      () => undefined,
    ),
  );
}
