import type { CallResult } from "../../../worker/github/errors";
import { type HookCalls, hookCalls } from "../../../worker/github/hooks";
import type { GithubRequest } from "../../../worker/github/request";

interface Answer {
  readonly json: unknown;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls that are answered as told, and what was asked. */
function answering({ json, status = 200, headers = {} }: Answer): {
  readonly calls: HookCalls;
  readonly asked: { readonly method: string; readonly path: string; readonly etag: string | undefined }[];
} {
  const asked: { method: string; path: string; etag: string | undefined }[] = [];
  const call = <T>(_: string, { method, path, etag, read }: GithubRequest<T>): Promise<CallResult<T>> => {
    asked.push({ method, path, etag });
    const value = read(json, status, new Headers(headers));
    return Promise.resolve(
      value === undefined
        ? { ok: false, error: "unavailable", retryAfterSeconds: null, detail: "unknown body", status }
        : { ok: true, value },
    );
  };
  return { calls: hookCalls(call), asked };
}

const ENTRY = {
  id: 5,
  guid: "0b989ba4-242f-11e5-81e1-c7b6966d2516",
  delivered_at: "2026-11-21T12:00:00Z",
  redelivery: false,
  status: "OK",
  status_code: 200,
  event: "workflow_job",
  action: "queued",
};
const READ = { id: 5, guid: ENTRY.guid, action: "queued", ok: true, at: Date.UTC(2026, 10, 21, 12) };

const list = async (answer: Answer, query = {}) => {
  const { calls, asked } = answering(answer);
  const result = await calls.listDeliveries("octo-org/tool", 7, { status: "failure", ...query });
  return { result, asked };
};

describe("a hook's deliveries", () => {
  test("are asked for by outcome, a hundred at a time, with cursor and ETag where there are some", async () => {
    expect((await list({ json: [] })).asked).toEqual([
      {
        method: "GET",
        path: "/repos/octo-org/tool/hooks/7/deliveries?per_page=100&status=failure",
        etag: undefined,
      },
    ]);
    const more = await list({ json: [] }, { status: "success", cursor: "v1_9", etag: 'W/"a"' });
    expect(more.asked).toEqual([
      {
        method: "GET",
        path: "/repos/octo-org/tool/hooks/7/deliveries?per_page=100&status=success&cursor=v1_9",
        etag: 'W/"a"',
      },
    ]);
  });

  test("of an organization are asked for there", async () => {
    const { calls, asked } = answering({ json: null });
    await calls.redeliver("octo-org", 7, 5);
    expect(asked).toMatchObject([{ method: "POST", path: "/orgs/octo-org/hooks/7/deliveries/5/attempts" }]);
  });

  test.each([
    [200, true],
    [299, true],
    [199, false],
    [302, false],
    [404, false],
    [503, false],
    [0, false],
  ])("answered %i have arrived: %p", async (status_code, ok) => {
    const { result } = await list({ json: [{ ...ENTRY, status_code }] });
    expect(result).toEqual({ ok: true, value: { deliveries: [{ ...READ, ok }], etag: "", next: "" } });
  });

  test("are none where they are the same as before", async () => {
    expect((await list({ json: null, status: 304 })).result).toEqual({ ok: true, value: null });
  });

  test.each([undefined, null, {}, "[]", 5])("cannot be read from %j", async (json) => {
    expect((await list({ json })).result).toMatchObject({ ok: false, error: "unavailable" });
  });

  test.each([
    ['"abc"', '"abc"'],
    ['W/"644b5b0155e6404a9cc4bd9d8b1ae730"', 'W/"644b5b0155e6404a9cc4bd9d8b1ae730"'],
    ["abc", ""],
    ['w/"abc"', ""],
    ['"a"b"', ""],
    [`"${"a".repeat(300)}"`, ""],
    ['""', ""],
  ])("with the ETag %p keep %p", async (etag, kept) => {
    expect((await list({ json: [], headers: { etag } })).result).toMatchObject({ value: { etag: kept } });
  });

  test.each([
    [
      '<https://api.github.com/repositories/1/hooks/7/deliveries?per_page=100&cursor=v1_5>; rel="next"',
      "v1_5",
    ],
    ['<https://api.github.com/x?cursor=a>; rel="prev", <https://api.github.com/x?cursor=b>; rel="next"', "b"],
    ['<https://api.github.com/x?cursor=a>; rel="prev"', ""],
    ["<https://api.github.com/x?cursor=a>; rel=next", ""],
    ['<?cursor=a b>; rel="next"', ""],
    ["next", ""],
  ])("with the link %p go on at %p", async (link, next) => {
    expect((await list({ json: [], headers: { link } })).result).toMatchObject({ value: { next } });
  });
});

describe("hooks", () => {
  const HOOK = {
    id: 7,
    active: true,
    events: ["workflow_job"],
    config: { url: "https://a.example/webhook" },
  };
  const SEEN = { id: 7, active: true, events: ["workflow_job"], url: "https://a.example/webhook" };

  test("are read one by one, those of another shape left out", async () => {
    const json = [
      HOOK,
      null,
      { ...HOOK, id: "7" },
      { ...HOOK, events: "*" },
      { ...HOOK, id: 8, active: "yes" },
    ];
    const { result } = { result: await answering({ json }).calls.listHooks("octo-org") };
    expect(result).toEqual({ ok: true, value: [SEEN, { ...SEEN, id: 8, active: false }] });
  });

  test.each([
    [
      { ...HOOK, config: null },
      { ...SEEN, url: "" },
    ],
    [
      { ...HOOK, config: { url: 5 } },
      { ...SEEN, url: "" },
    ],
    [
      { ...HOOK, active: undefined },
      { ...SEEN, active: false },
    ],
  ])("without an address, or not active, are nobody's: %j", async (json, seen) => {
    expect(await answering({ json }).calls.getHook("octo-org/tool", 7)).toEqual({ ok: true, value: seen });
  });

  test("of another shape are no answer", async () => {
    expect(await answering({ json: [HOOK] }).calls.getHook("octo-org/tool", 7)).toMatchObject({ ok: false });
    expect(await answering({ json: HOOK }).calls.listHooks("octo-org/tool")).toMatchObject({ ok: false });
  });
});
