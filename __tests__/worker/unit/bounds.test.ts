import { readBounded } from "../../../worker/body";
import { MAX_SUBREQUESTS, countSubrequests } from "../../../worker/subrequests";
import { mapSixAtATime, sleep } from "../../../worker/timing";

describe("six at a time", () => {
  test("keeps the order of the input, whatever ends first", async () => {
    const items = [30, 5, 20, 1, 10, 15, 2, 8];
    const results = await mapSixAtATime(items, async (ms) => {
      await sleep(ms);
      return ms * 2;
    });
    expect(results).toEqual(items.map((ms) => ms * 2));
  });

  test("has never more than six open, and six where there are as many", async () => {
    let open = 0;
    let most = 0;
    await mapSixAtATime(Array.from({ length: 20 }), async () => {
      open += 1;
      most = Math.max(most, open);
      await sleep(1);
      open -= 1;
    });
    expect(most).toBe(6);
    expect(open).toBe(0);
  });

  test("does nothing with nothing", async () => {
    expect(await mapSixAtATime([], () => Promise.reject(new Error("not to be asked")))).toEqual([]);
  });
});

describe("the subrequests of an invocation", () => {
  const answering = (() => Promise.resolve(new Response("ok"))) as typeof fetch;

  test("are 50, fetches and statements together, and no fetch goes beyond", async () => {
    expect(MAX_SUBREQUESTS).toBe(50);
    let sent = 0;
    const counted = countSubrequests(5, () => {
      sent += 1;
      return Promise.resolve(new Response("ok"));
    });
    counted.add(3);
    await counted.fetch("https://nomad.example.com");
    expect(counted.left()).toBe(1);
    await counted.fetch("https://nomad.example.com");
    await expect(counted.fetch("https://nomad.example.com")).rejects.toMatchObject({
      name: "SubrequestsUsedUp",
    });
    expect(sent).toBe(2);
    expect(counted.left()).toBe(0);
  });

  test("may go beyond by statements, which are never refused", () => {
    const counted = countSubrequests(2, answering);
    counted.add(3);
    expect(counted.left()).toBe(-1);
  });

  test("leave room for the ledger: questions end before everything is used", async () => {
    const counted = countSubrequests(12, answering);
    await counted.askingFetch("https://api.github.com");
    await counted.askingFetch("https://api.github.com");
    await expect(counted.askingFetch("https://api.github.com")).rejects.toMatchObject({
      name: "SubrequestsUsedUp",
    });
    expect(counted.left()).toBe(10);
    await counted.fetch("https://nomad.example.com");
    expect(counted.left()).toBe(9);
  });

  test("are sent as they were asked for, a failure included", async () => {
    const seen: unknown[] = [];
    const counted = countSubrequests(50, (input: unknown, init: unknown) => {
      seen.push([input, init]);
      return Promise.reject(new TypeError("no route"));
    });
    const init = { method: "POST" };
    await expect(counted.fetch("https://nomad.example.com", init)).rejects.toThrow("no route");
    expect(seen).toEqual([["https://nomad.example.com", init]]);
    expect(counted.left()).toBe(49);
  });
});

describe("a bounded body", () => {
  /** A stream that tells how much of it was asked for and whether it was ended. */
  function streamOf(chunks: readonly string[]) {
    const state = { pulled: 0, cancelled: false };
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = chunks[state.pulled++];
          if (chunk === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(chunk));
        },
        cancel() {
          state.cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { stream, state };
  }
  const text = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : new TextDecoder().decode(bytes);

  test("is read whole, in its order, up to the limit itself", async () => {
    expect(text(await readBounded(streamOf(["ab", "", "cde"]).stream, 5))).toBe("abcde");
  });

  test("is given up at the first byte too many, and the rest is not read", async () => {
    const { stream, state } = streamOf(["ab", "cdef", "g", "h"]);
    expect(await readBounded(stream, 5)).toBeNull();
    expect(state).toEqual({ pulled: 2, cancelled: true });
  });

  test("that is none is empty", async () => {
    expect(await readBounded(null, 5)).toEqual(new Uint8Array(0));
    expect(await readBounded(streamOf([]).stream, 0)).toEqual(new Uint8Array(0));
  });

  test("that breaks off fails as it broke off", async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new TypeError("reset"));
      },
    });
    await expect(readBounded(broken, 5)).rejects.toThrow("reset");
  });
});
