import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../local/http/free-port";

/** A Nomad development agent with ACLs, on loopback. */
export interface NomadAgent {
  readonly url: string;
  /** The first management token. */
  readonly token: string;
  /** Calls the API as management. @throws Error on any answer but 2xx */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 15_000;

/** `$NOMAD_BIN`, or `nomad` on the PATH. @throws Error saying that it is lacking */
export function findNomad(): string {
  const given = process.env["NOMAD_BIN"] ?? "";
  const candidates =
    given === ""
      ? (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "nomad"))
      : [given];
  const found = candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found !== undefined) return found;
  throw new Error("lacks nomad: put it on the PATH or name it in NOMAD_BIN (1.11.2 or newer)");
}

/** Starts an agent on free ports, with a data directory that goes with it. */
export async function startNomadAgent(program: string): Promise<NomadAgent> {
  const directory = await mkdtemp(join(tmpdir(), "nomad-agent-"));
  const [http, rpc, serf] = [await freePort(), await freePort(), await freePort()];
  const config = join(directory, "agent.json");
  const settings = {
    ports: { http, rpc, serf },
    acl: { enabled: true },
    data_dir: directory,
    // It looks for the cloud it might run in, by network, and would not start where a proxy answers in its place.
    client: { options: { "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce" } },
  };
  await writeFile(config, JSON.stringify(settings));
  const agent = spawn(program, ["agent", "-dev", "-bind=127.0.0.1", `-config=${config}`], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  for (const stream of [agent.stdout, agent.stderr])
    stream.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  const url = `http://127.0.0.1:${String(http)}`;
  const close = async (): Promise<void> => {
    await stop(agent);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const token = await bootstrap(url, agent);
    return { url, token, close, call: (method, path, body) => call(url, token, method, path, body) };
  } catch (error) {
    await close();
    throw new Error(`${String(error)}\n${log.join("").slice(-2_000)}`);
  }
}

async function bootstrap(url: string, agent: ChildProcess): Promise<string> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      const made = (await call(url, "", "POST", "/v1/acl/bootstrap")) as { SecretID: string };
      return made.SecretID;
    } catch (error) {
      if (agent.exitCode !== null || Date.now() > end)
        throw new Error(`nomad did not start: ${String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

async function call(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const init: RequestInit = { method, signal: AbortSignal.timeout(10_000) };
  if (token !== "") init.headers = { "X-Nomad-Token": token };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
  return text === "" ? null : (JSON.parse(text) as unknown);
}

async function stop(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGINT");
  const killer = setTimeout(() => agent.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(killer);
}
