import { serve } from "../../../local/http/serve";

/** A delivery as a receiver got it. */
export interface Received {
  readonly headers: Headers;
  readonly body: string;
}

/** A webhook receiver whose answers a test decides. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Status of the next answers; null never answers. */
  answer(status: number | null): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let status: number | null = 202;
  const server = await serve(async (request) => {
    received.push({ headers: request.headers, body: await request.text() });
    if (status === null) return new Promise<Response>(() => undefined);
    return new Response("{}", { status });
  });
  return {
    url: `${server.url}/webhook`,
    received,
    answer: (next) => {
      status = next;
    },
    close: () => server.close(),
  };
}
