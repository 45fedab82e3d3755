import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { WEBHOOK_SECRET } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  expectNothingThrown,
  forgetAll,
  postSigned,
  useHarness,
} from "../support/webhook";

const LIMIT = 2 * 1024 * 1024;
const TOO_LARGE = { status: 413, body: { error: "body is over 2097152 bytes" } };

/** A good delivery of exactly so many bytes. */
function delivery(bytes: number): string {
  const body = workflowJob({ id: 1 });
  body["padding"] = "";
  body["padding"] = "x".repeat(bytes - JSON.stringify(body).length);
  return JSON.stringify(body);
}

/** The bytes in pieces, without a length told beforehand. */
function inPieces(text: string): RequestInit {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.slice(at, at + 65_536));
      at += 65_536;
    },
  });
  return { body, duplex: "half" } as unknown as RequestInit;
}

describe.each(RUNTIMES)("a body's size (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  const sendInPieces = async (text: string, headers: Record<string, string>): Promise<Response> => {
    const response = await harness().runtime.fetch("/webhook", {
      method: "POST",
      headers,
      ...inPieces(text),
    });
    await harness().runtime.idle();
    return response;
  };

  test("of exactly 2 MiB is read, in one piece and in many", async () => {
    const text = delivery(LIMIT);
    expect(Buffer.byteLength(text)).toBe(LIMIT);
    expect((await postSigned(harness(), text)).status).toBe(202);
    expect((await sendInPieces(text, deliveryHeaders(WEBHOOK_SECRET, text))).status).toBe(202);
  });

  test("of one byte more is refused with 413 although its signature is right", async () => {
    expect(await answerOf(await postSigned(harness(), delivery(LIMIT + 1)))).toEqual(TOO_LARGE);
    await expectNothingHappened(harness());
  });

  test("that no Content-Length tells is counted while it is read", async () => {
    const text = delivery(LIMIT + 1);
    const response = await sendInPieces(text, deliveryHeaders(WEBHOOK_SECRET, text));
    expect(await answerOf(response)).toEqual(TOO_LARGE);
    await expectNothingHappened(harness());
  });

  test("is refused before the signature is looked at", async () => {
    const unsigned = { "X-Hub-Signature-256": null };
    expect(await answerOf(await postSigned(harness(), delivery(LIMIT + 1), unsigned))).toEqual(TOO_LARGE);
    expect(await answerOf(await sendInPieces(delivery(LIMIT + 1), {}))).toEqual(TOO_LARGE);
    expect((await postSigned(harness(), delivery(LIMIT), unsigned)).status).toBe(401);
    await expectNothingHappened(harness());
    await expectNothingThrown(harness());
  });
});

describe.each(RUNTIMES)("another method than POST (%s)", (runtime) => {
  const harness = useHarness(runtime);

  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s is refused with 405, signed or not",
    async (method) => {
      const body = JSON.stringify(workflowJob({ id: 1 }));
      const withBody = method === "GET" ? {} : { body };
      for (const headers of [{}, deliveryHeaders(WEBHOOK_SECRET, body)]) {
        const response = await harness().runtime.fetch("/webhook", { method, headers, ...withBody });
        expect(response.headers.get("Allow")).toBe("POST");
        expect(await answerOf(response)).toEqual({ status: 405, body: { error: "use POST" } });
      }
      await expectNothingHappened(harness());
    },
  );

  test("HEAD is refused with 405", async () => {
    const response = await harness().runtime.fetch("/webhook", { method: "HEAD" });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("POST");
  });
});

// Only in Node: the HTTP connection on which a local workerd takes requests is cut when a body is not read to its end,
// and the client may see that instead of the answer.
describe("a body without end", () => {
  const harness = useHarness("node");

  test("is read up to the limit, answered 413 and let go of", async () => {
    let sent = 0;
    let ended = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => {
        ended = true;
      },
    });
    const init = { method: "POST", body, duplex: "half" } as unknown as RequestInit;
    expect(await answerOf(await harness().runtime.fetch("/webhook", init))).toEqual(TOO_LARGE);
    expect(ended).toBe(true);
    expect(sent).toBeLessThanOrEqual(LIMIT + 4 * 65_536);
  });
});
