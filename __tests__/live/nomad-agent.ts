import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/http/free-port";

/** A Nomad development agent with ACLs, on loopback. */
export interface NomadAgent {
  readonly url: string;
  readonly pid: number;
  /** Where it keeps everything, allocations too. */
  readonly data: string;
  /** Calls the API as management. @throws Error on any answer but 2xx */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The same for answers that are no JSON. */
  text(path: string): Promise<string>;
  /** Ends the agent, with what it runs, and removes its directory; safe to call twice. */
  close(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 15_000;
const REQUEST_MS = 10_000;
const POLL_MS = 100;

/**
 * Starts an agent on free ports, with a data directory that goes with it.
 * @param path PATH of the agent and of the tasks that it runs
 */
export async function startNomadAgent(program: string, path: string): Promise<NomadAgent> {
  // Short: every task gets a socket beneath it, and a socket's path has 107 characters at most.
  const directory = await mkdtemp(join(tmpdir(), "n-"));
  const [http, rpc, serf] = [await freePort(), await freePort(), await freePort()];
  const config = join(directory, "agent.json");
  const data = join(directory, "d");
  const settings = {
    ports: { http, rpc, serf },
    acl: { enabled: true },
    // It makes a directory beside this one, too.
    data_dir: data,
    plugin: { raw_exec: { config: { enabled: true } } },
    // It looks for the cloud it might run in, by network, and would not start where a proxy answers in its place.
    client: { options: { "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce" } },
  };
  await writeFile(config, JSON.stringify(settings));
  const agent = spawn(program, ["agent", "-dev", "-bind=127.0.0.1", `-config=${config}`], {
    env: { PATH: path, TMPDIR: tmpdir() },
    // Ctrl-C is for the program that started it: that one ends it in its turn.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  for (const stream of [agent.stdout, agent.stderr])
    stream.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  agent.once("error", (error) => log.push(String(error)));
  const url = `http://127.0.0.1:${String(http)}`;
  let closed: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    await stop(agent);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const close = (): Promise<void> => (closed ??= closeAll());
  try {
    const token = await bootstrap(url, agent);
    const text = (method: string, at: string, body?: unknown): Promise<string> =>
      call(url, token, method, at, body);
    return {
      url,
      pid: agent.pid ?? 0,
      data,
      close,
      text: (at) => text("GET", at),
      call: async (method, at, body) => {
        const answer = await text(method, at, body);
        return answer === "" ? null : (JSON.parse(answer) as unknown);
      },
    };
  } catch (error) {
    await close();
    throw new Error(`${String(error)}\n${log.join("").slice(-2_000)}`);
  }
}

async function bootstrap(url: string, agent: ChildProcess): Promise<string> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      const made = JSON.parse(await call(url, "", "POST", "/v1/acl/bootstrap")) as { SecretID: string };
      return made.SecretID;
    } catch (error) {
      if (agent.pid === undefined || agent.exitCode !== null || Date.now() > end)
        throw new Error(`nomad did not start: ${String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

async function call(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const init: RequestInit = { method, signal: AbortSignal.timeout(REQUEST_MS) };
  if (token !== "") init.headers = { "X-Nomad-Token": token };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
  return text;
}

async function stop(agent: ChildProcess): Promise<void> {
  if (agent.pid === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGINT");
  const killer = setTimeout(() => agent.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(killer);
}
