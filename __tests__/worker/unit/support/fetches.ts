/** One request as the code under test sent it. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | null;
  readonly init: RequestInit;
}

export interface FakeFetch {
  readonly fetch: typeof fetch;
  /** In the order sent. */
  readonly sent: readonly Sent[];
}

/** A `fetch` that answers from `answer` and keeps what was sent. Like workerd's, it must not be called as a method. */
export function fakeFetch(answer: (request: Sent, index: number) => Response | Promise<Response>): FakeFetch {
  const sent: Sent[] = [];
  async function send(this: unknown, input: unknown, init: RequestInit = {}): Promise<Response> {
    if (this !== undefined) throw new TypeError("Illegal invocation");
    const request = {
      method: init.method ?? "GET",
      url: String(input),
      headers: new Headers(init.headers),
      body: typeof init.body === "string" ? init.body : null,
      init,
    };
    sent.push(request);
    return answer(request, sent.length - 1);
  }
  return { fetch: send, sent };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", ...headers },
  });
}

export function html(status: number, headers: Record<string, string> = {}): Response {
  return new Response("<!DOCTYPE html><title>Sign in</title>", {
    status,
    headers: { "Content-Type": "text/html", ...headers },
  });
}
