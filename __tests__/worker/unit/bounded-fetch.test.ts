import { boundedFetch, cleanDetail, retryAfter } from "../../../worker/bounded-fetch";
import { fakeFetch } from "./support/fetches";

const TOO_LONG = "(an answer too long to read)";
const URL_ = "https://example.com/";
const answerOf = (response: Response, maxBytes = 100) =>
  boundedFetch(fakeFetch(() => response).fetch, URL_, {}, maxBytes);
const streamOf = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull,
    cancel() {
      cancelled = true;
    },
  });
  return { response: new Response(stream), cancelled: () => cancelled };
};

describe("a bounded fetch", () => {
  test("reads a body up to its bound, nothing beyond it, and no body as an empty text", async () => {
    expect(await answerOf(new Response("x".repeat(100)))).toMatchObject({
      status: 200,
      text: "x".repeat(100),
    });
    expect(await answerOf(new Response("x".repeat(101)))).toMatchObject({ text: TOO_LONG });
    expect(await answerOf(new Response(null, { status: 204 }))).toMatchObject({ status: 204, text: "" });
  });

  test("stops reading an endless body", async () => {
    let chunks = 0;
    const endless = streamOf((controller) => {
      chunks += 1;
      controller.enqueue(new Uint8Array(10).fill(120));
    });
    expect(await answerOf(endless.response)).toMatchObject({ status: 200, text: TOO_LONG });
    expect(chunks).toBeLessThan(15);
    expect(endless.cancelled()).toBe(true);
  });

  test("puts characters together that two chunks share", async () => {
    const bytes = new TextEncoder().encode("h\u00e9");
    let at = 0;
    const split = streamOf((controller) => {
      if (at === bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += 1)));
    });
    expect(await answerOf(split.response)).toMatchObject({ text: "h\u00e9" });
  });

  test("ends a call that does not answer in time, head or body", async () => {
    const waiting = (signal: AbortSignal | null | undefined) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      });
    const timedOut = { status: null, reason: "TimeoutError" };
    const head = fakeFetch(({ init }) => waiting(init.signal));
    expect(await boundedFetch(head.fetch, URL_, {}, 100, 5)).toEqual(timedOut);
    const body = fakeFetch(({ init }) => {
      const stream = new ReadableStream({ pull: () => waiting(init.signal) });
      return new Response(stream);
    });
    expect(await boundedFetch(body.fetch, URL_, {}, 100, 5)).toEqual(timedOut);
  });
});

describe("a foreign text", () => {
  test("becomes one line of printable ASCII within its length", () => {
    expect(cleanDetail(" a\r\n\tb\u0000\u007f\u00e9c ", [])).toBe("a b c");
    expect(cleanDetail("x".repeat(300), [])).toHaveLength(200);
    expect(cleanDetail("abc", [], 2)).toBe("ab");
  });

  test("loses every secret, wherever it would be cut", () => {
    expect(cleanDetail("a s3cret b s3cret", ["s3cret", null, ""])).toBe("a [removed] b [removed]");
    expect(cleanDetail(`${"x".repeat(196)}s3cret`, ["s3cret"])).toBe(`${"x".repeat(196)}[rem`);
  });
});

test("no Retry-After is none", () => {
  expect(retryAfter(new Headers())).toBeNull();
});
