import { readFileSync } from "node:fs";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/**
 * The part of curl that the runner's scripts use, for a machine that has Node and no curl: one request whose URL, method,
 * data and headers stand in a config on standard input. What it does not know it refuses, as curl would.
 * @see https://curl.se/docs/manpage.html
 */

/** Exit codes of curl. @see https://everything.curl.dev/cmdline/exitcode.html */
const EXIT = { usage: 2, malformedUrl: 3, resolve: 6, connect: 7, timeout: 28, receive: 56 } as const;

interface Options {
  include: boolean;
  showError: boolean;
  connectSeconds: number;
  maxSeconds: number;
  writeOut: string;
  url: string;
  method: string | null;
  data: string | null;
  /** Path of the socket to connect to in place of the URL's host. */
  socket: string | null;
  readonly headers: string[];
}

class CurlError extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

function readArguments(args: readonly string[]): Options {
  const options: Options = {
    include: false,
    showError: true,
    connectSeconds: 300,
    maxSeconds: Number.POSITIVE_INFINITY,
    writeOut: "",
    url: "",
    method: null,
    data: null,
    socket: null,
    headers: [],
  };
  let silent = false;
  let showError = false;
  const rest = [...args];
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    const name = option;
    const value = (): string => rest.shift() ?? usage(`option ${name}: requires parameter`);
    if (option === "--disable") continue;
    else if (option === "--silent") silent = true;
    else if (option === "--show-error") showError = true;
    else if (option === "--include") options.include = true;
    else if (option === "--connect-timeout") options.connectSeconds = Number(value());
    else if (option === "--max-time") options.maxSeconds = Number(value());
    else if (option === "--write-out") options.writeOut = unescape(value());
    else if (option === "--config" && value() === "-") readConfig(options, readFileSync(0, "utf8"));
    else usage(`option ${option}: is unknown`);
  }
  options.showError = !silent || showError;
  if (options.url === "") usage("no URL specified");
  return options;
}

/** Lines `key = "value"`, in which a backslash escapes. */
function readConfig(options: Options, text: string): void {
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, key, quoted] = /^\s*([a-z-]+)\s*[=:]?\s*"((?:[^"\\]|\\.)*)"\s*$/.exec(line) ?? [];
    if (key === undefined || quoted === undefined) usage('the config has a line that is not key = "value"');
    const value = unescape(quoted);
    if (key === "url") options.url = value;
    else if (key === "request") options.method = value;
    else if (key === "data") options.data = value;
    else if (key === "header") options.headers.push(value);
    else if (key === "unix-socket") options.socket = value;
    // There is no proxy here at all.
    else if (key === "noproxy" && value === "*") continue;
    else usage(`the config has an unknown key ${key}`);
  }
}

function unescape(text: string): string {
  const known: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", v: "\v" };
  return text.replace(/\\(.)/g, (_whole, character: string) => known[character] ?? character);
}

function usage(text: string): never {
  throw new CurlError(EXIT.usage, text);
}

function headersOf(options: Options): Record<string, string | number> {
  const headers: Record<string, string | number> = { Accept: "*/*", "User-Agent": "curl/0 (stand-in)" };
  if (options.data !== null) {
    headers["Content-Type"] = "application/x-www-form-urlencoded";
    headers["Content-Length"] = Buffer.byteLength(options.data);
  }
  for (const header of options.headers) {
    const colon = header.indexOf(":");
    headers[header.slice(0, colon)] = header.slice(colon + 1).trim();
  }
  return headers;
}

function transfer(options: Options): Promise<{ readonly answer: IncomingMessage; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    let url: URL;
    try {
      url = new URL(options.url);
    } catch {
      reject(new CurlError(EXIT.malformedUrl, "URL rejected: Malformed input to a URL function"));
      return;
    }
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const method = options.method ?? (options.data === null ? "GET" : "POST");
    const socketPath = options.socket === null ? {} : { socketPath: options.socket };
    const sent = send(url, { method, headers: headersOf(options), ...socketPath }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", () => {
        reject(new CurlError(EXIT.receive, "Recv failure: Connection reset by peer"));
      });
      answer.on("end", () => {
        resolve({ answer, body: Buffer.concat(chunks) });
      });
    });
    const end = (seconds: number, what: string): NodeJS.Timeout | undefined =>
      Number.isFinite(seconds)
        ? setTimeout(() => sent.destroy(new CurlError(EXIT.timeout, `${what} timed out`)), seconds * 1000)
        : undefined;
    const connecting = end(options.connectSeconds, "Connection");
    const whole = end(options.maxSeconds, "Operation");
    sent.on("socket", (socket) => {
      socket.once("connect", () => {
        clearTimeout(connecting);
      });
    });
    sent.on("close", () => {
      clearTimeout(connecting);
      clearTimeout(whole);
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof CurlError ? error : failure(error, url));
    });
    sent.end(options.data ?? undefined);
  });
}

function failure(error: NodeJS.ErrnoException, url: URL): CurlError {
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return new CurlError(EXIT.resolve, `Could not resolve host: ${url.hostname}`);
  }
  if (error.code === "ECONNREFUSED" || error.code === "ENOENT") {
    return new CurlError(
      EXIT.connect,
      `Failed to connect to ${url.hostname} port ${url.port}: Connection refused`,
    );
  }
  return new CurlError(EXIT.receive, "Recv failure: Connection reset by peer");
}

function head(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${String(answer.statusCode)} ${answer.statusMessage ?? ""}`];
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    lines.push(`${answer.rawHeaders[index] ?? ""}: ${answer.rawHeaders[index + 1] ?? ""}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

async function main(): Promise<number> {
  let options: Options | null = null;
  let code = "000";
  let exit = 0;
  try {
    options = readArguments(process.argv.slice(2));
    const { answer, body } = await transfer(options);
    code = String(answer.statusCode);
    process.stdout.write(Buffer.concat([Buffer.from(options.include ? head(answer) : ""), body]));
  } catch (error) {
    if (!(error instanceof CurlError)) throw error;
    exit = error.code;
    if (options?.showError !== false) process.stderr.write(`curl: (${String(exit)}) ${error.message}\n`);
  }
  if (options !== null) process.stdout.write(options.writeOut.replaceAll("%{http_code}", code));
  return exit;
}

void main().then((exit) => {
  process.exitCode = exit;
});
