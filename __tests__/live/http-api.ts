const REQUEST_MS = 10_000;

/** An HTTP API of an agent, called with its credential. */
export interface HttpApi {
  readonly url: string;
  /** @returns what the JSON of the answer says, null where it is empty. @throws Error on any answer but 2xx */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The same for answers that are no JSON. */
  text(path: string): Promise<string>;
  /** Whether there is such a thing. @throws Error on any answer but 2xx and 404 */
  has(path: string): Promise<boolean>;
}

/** @param headers are sent on every call, such as the one with the token */
export function httpApi(url: string, headers: Readonly<Record<string, string>>): HttpApi {
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(REQUEST_MS) };
    if (body !== undefined) init.body = JSON.stringify(body);
    return fetch(url + path, init);
  };
  const text = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await ask(method, path, body);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${said}`);
    return said;
  };
  return {
    url,
    text: (path) => text("GET", path),
    call: async (method, path, body) => {
      const said = await text(method, path, body);
      return said === "" ? null : (JSON.parse(said) as unknown);
    },
    has: async (path) => {
      const { ok, status } = await ask("GET", path);
      if (!ok && status !== 404) throw new Error(`GET ${path}: ${String(status)}`);
      return ok;
    },
  };
}
