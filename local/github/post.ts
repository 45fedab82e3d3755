import { request } from "node:http";

/** A delivery on the wire. */
export interface Letter {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What became of it, in GitHub's words. */
export interface Receipt {
  /** When the first byte of the answer came, or it failed; milliseconds since the epoch. */
  readonly at: number;
  /** Where nothing answered, what a proxy would have said. */
  readonly code: number;
  readonly status: string;
  readonly body: string;
}

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * Sends a delivery, to loopback and nowhere else: directly, or to where `resolve` says that an origin is served, with the
 * `Host` header of the address that the hook has. No redirect is followed.
 * @param resolve see {@link GithubSettings.resolve}
 */
export async function post(
  letter: Letter,
  resolve: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Receipt> {
  const to = destination(letter.url, resolve);
  try {
    if (to === null) throw new Error(`${new URL(letter.url).origin} is not on loopback`);
    return await send(letter, to, signal);
  } catch {
    const reason = signal.reason as { readonly name?: unknown } | undefined;
    const timedOut = signal.aborted && reason?.name === "TimeoutError";
    return timedOut ? { ...unreached(), code: 504, status: "timed out" } : unreached();
  }
}

/** What is recorded where nobody could be reached: the code is that of the reference's example.
 *  @see https://docs.github.com/rest/repos/webhooks#get-a-delivery-for-a-repository-webhook */
export function unreached(): Receipt {
  return { at: Date.now(), code: 502, status: "failed to connect to host", body: "" };
}

/** The address that is called in fact; null where there is none. */
function destination(address: string, resolve: Readonly<Record<string, string>>): URL | null {
  const url = new URL(address);
  const origin = resolve[url.origin];
  const to = origin === undefined ? url : new URL(url.pathname + url.search, origin);
  return to.protocol === "http:" && LOOPBACK.has(to.hostname) ? to : null;
}

function send(letter: Letter, to: URL, signal: AbortSignal): Promise<Receipt> {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(letter.body, "utf8");
    const { host } = new URL(letter.url);
    // fetch() would not let the Host header be set, and the edge routes by it.
    const headers = { ...letter.headers, Host: host, "Content-Length": String(body.byteLength) };
    const outgoing = request(to, { method: "POST", headers, signal, agent: false }, (answer) => {
      const at = Date.now();
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("error", reject);
      answer.once("end", () => {
        const code = answer.statusCode ?? 0;
        const isOk = code >= 200 && code < 300;
        const status = isOk ? "OK" : `Invalid HTTP Response: ${String(code)}`;
        resolve({ at, code, status, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
