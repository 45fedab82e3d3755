import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../local/http/free-port";
import { type Agent, startAgent } from "./agent";
import { type HttpApi, httpApi } from "./http-api";

/** A Consul development agent whose ACLs deny by default, on loopback. It keeps nothing on disk. */
export interface ConsulAgent extends HttpApi, Pick<Agent, "pid" | "close"> {
  /** Makes a token that may do what a policy says, and nothing else. @param rules HCL */
  limitedToken(name: string, rules: string): Promise<string>;
  /** The keys that begin with a text. */
  keys(prefix: string): Promise<readonly string[]>;
}

export async function startConsulAgent(program: string): Promise<ConsulAgent> {
  const token = randomUUID();
  const [http, server, serfLan, serfWan, grpcTls] = await Promise.all(
    Array.from({ length: 5 }, () => freePort()),
  );
  const settings = {
    acl: { enabled: true, default_policy: "deny", tokens: { initial_management: token } },
    ports: {
      http,
      server,
      serf_lan: serfLan,
      serf_wan: serfWan,
      grpc_tls: grpcTls,
      grpc: -1,
      dns: -1,
      https: -1,
    },
    disable_update_check: true,
  };
  const api = httpApi(`http://127.0.0.1:${String(http)}`, { "X-Consul-Token": token });
  const agent = await startAgent({
    name: "consul",
    program,
    args: async (directory) => {
      const file = join(directory, "agent.json");
      await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
      return ["agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", `-config-file=${file}`];
    },
    environment: {},
    ready: async () => {
      // It answers before it has a leader, and before the token above is there.
      const leader = await api.call("GET", "/v1/status/leader");
      if (leader === "") throw new Error("no leader yet");
      await api.call("GET", "/v1/acl/token/self");
    },
  });
  return {
    ...api,
    pid: agent.pid,
    close: () => agent.close(),
    limitedToken: async (Name, Rules) => {
      await api.call("PUT", "/v1/acl/policy", { Name, Rules });
      const made = await api.call("PUT", "/v1/acl/token", { Description: Name, Policies: [{ Name }] });
      return (made as { readonly SecretID: string }).SecretID;
    },
    keys: async (prefix) => {
      const path = `/v1/kv/${prefix}?keys`;
      return (await api.has(path)) ? ((await api.call("GET", path)) as string[]) : [];
    },
  };
}
