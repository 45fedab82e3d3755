import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../local/http/free-port";
import { type Agent, startAgent } from "./agent";
import { type HttpApi, httpApi } from "./http-api";

/** A Nomad development agent with ACLs, on loopback, and a second client of it. */
export interface NomadAgent extends HttpApi {
  readonly pids: readonly number[];
  /** Where its clients keep everything, allocations too. */
  readonly data: readonly string[];
  /** The second client, where there is one. */
  readonly second: Pick<Agent, "pid" | "halt" | "resume"> | undefined;
  /** The end of what its server logged. */
  log(): string;
  /** Secret of the management token. */
  readonly token: string;
  /** Ends the agents, with what they run, and removes their directories; safe to call twice. */
  close(): Promise<void>;
}

export interface NomadAgentOptions {
  readonly program: string;
  /** PATH of the agents and of the tasks that they run. */
  readonly path: string;
  /** Where tasks with a `vault` block get their secrets. @default nowhere */
  readonly vaultUrl?: string;
  /** Whether there is a second node, for jobs on distinct hosts. @default false */
  readonly twoNodes?: boolean;
  /** More of the `client` and `server` blocks of every agent's configuration. @default nothing */
  readonly more?: { readonly client?: object; readonly server?: object };
}

/** Seconds that a task may ask for to end in; a runner's job asks for 90, and a client grants 30 by default. */
const MAX_KILL_TIMEOUT = "120s";

/** Starts Nomad on free ports, with data directories that go with it. */
export async function startNomadAgent(options: NomadAgentOptions): Promise<NomadAgent> {
  const ports = { http: await freePort(), rpc: await freePort(), serf: await freePort() };
  const url = `http://127.0.0.1:${String(ports.http)}`;
  let token = "";
  const server = await startAgent({
    name: "nomad",
    program: options.program,
    args: (directory) => configured(directory, ["-dev"], { ...settings(options, directory), ports }),
    environment: { PATH: options.path },
    ready: async () => {
      const made = await httpApi(url, {}).call("POST", "/v1/acl/bootstrap");
      token = (made as { SecretID: string }).SecretID;
    },
  });
  const agents = [server];
  const close = async (): Promise<void> => {
    const ended = await Promise.allSettled([...agents].reverse().map((agent) => agent.close()));
    for (const each of ended) if (each.status === "rejected") throw each.reason;
  };
  const api = httpApi(url, { "X-Nomad-Token": token });
  try {
    if (options.twoNodes === true) agents.push(await startClient(options, ports.rpc, api));
  } catch (error) {
    await close();
    throw error;
  }
  const data = agents.map(({ directory }) => dataOf(directory));
  return {
    ...api,
    get pids() {
      return agents.map(({ pid }) => pid);
    },
    ...{ data, second: agents[1], log: () => server.log(), token, close },
  };
}

/** Another node. */
async function startClient(options: NomadAgentOptions, rpc: number, api: HttpApi): Promise<Agent> {
  const ports = { http: await freePort(), rpc: await freePort(), serf: await freePort() };
  return startAgent({
    name: "nomad's second client",
    program: options.program,
    args: (directory) => {
      const { client, server: _none, ...others } = settings(options, directory);
      const servers = [`127.0.0.1:${String(rpc)}`];
      const advertise = { http: "127.0.0.1", rpc: "127.0.0.1", serf: "127.0.0.1" };
      const joined = { ...others, ports, advertise, client: { ...client, enabled: true, servers } };
      return configured(directory, [], joined);
    },
    environment: { PATH: options.path },
    ready: async () => {
      const nodes = (await api.call("GET", "/v1/nodes")) as { readonly Status: string }[];
      const up = nodes.filter(({ Status }) => Status === "ready").length;
      if (up < 2) throw new Error(`${String(up)} nodes are ready`);
    },
  });
}

function settings({ vaultUrl, more }: NomadAgentOptions, directory: string) {
  return {
    acl: { enabled: true },
    // A development agent makes a directory beside this one, too.
    data_dir: dataOf(directory),
    plugin: { raw_exec: { config: { enabled: true } } },
    client: {
      max_kill_timeout: MAX_KILL_TIMEOUT,
      // It looks for the cloud it might run in, by network, and would not start where a proxy answers in its place.
      options: { "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce" },
      ...more?.client,
    },
    server: { ...more?.server },
    ...(vaultUrl !== undefined && {
      vault: {
        enabled: true,
        address: vaultUrl,
        jwt_auth_backend_path: "jwt-nomad",
        default_identity: { aud: ["vault.io"], ttl: "1h" },
      },
    }),
  };
}

async function configured(
  directory: string,
  flags: readonly string[],
  content: unknown,
): Promise<readonly string[]> {
  // Made by Nomad it would be for its own user alone, and a task of raw_exec could not get to its directory as another.
  await mkdir(dataOf(directory), { mode: 0o711 });
  const file = join(directory, "agent.json");
  await writeFile(file, JSON.stringify(content));
  return ["agent", ...flags, "-bind=127.0.0.1", `-config=${file}`];
}

function dataOf(directory: string): string {
  return join(directory, "d");
}
