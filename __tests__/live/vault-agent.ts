import { randomUUID } from "node:crypto";
import { freePort } from "../../local/http/free-port";
import { type Agent, startAgent } from "./agent";
import { type HttpApi, httpApi } from "./http-api";

/** A Vault, or OpenBao, development server on loopback: unsealed, in memory, with a KV engine of version 2. */
export interface VaultAgent extends HttpApi, Pick<Agent, "pid" | "close"> {
  /** The root token. */
  readonly token: string;
  /** Mount of the KV engine. */
  readonly kvMount: string;
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
      await api.call("GET", "/v1/secret/config");
    },
  });
  return { ...api, pid: agent.pid, close: () => agent.close(), token, kvMount: "secret" };
}
