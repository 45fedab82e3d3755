import { type DispatchPayload, dispatchBody, idempotencyToken } from "../../../contracts/dispatch";
import { base64 } from "../../../worker/encoding";
import { type NomadConfig, dispatchJob } from "../../../worker/nomad";
import recording from "../../fixtures/nomad-dispatch.json";
import { fakeFetch, html, json } from "./support/fetches";

const NOMAD: NomadConfig = {
  addr: "https://nomad.example.com",
  token: "nomad-secret-id",
  namespace: "runners",
  accessClientId: "client.access",
  accessClientSecret: "access-secret",
};
const PAYLOAD: DispatchPayload = {
  repo: "octo-org/example",
  fork: false,
  job: "build",
  run_id: 1,
  job_id: 42,
  claim_url: "https://hooks.example.com/runners/claim",
  claim: "first.second",
};
const REQUEST = {
  job: "github-runner-linux",
  token: idempotencyToken(42, 1),
  body: dispatchBody(PAYLOAD, base64),
};
const CHILD = "github-runner-linux/dispatch-example-42-1795238030-0ddb2c9c";

const answered = async (answer: () => Response | Promise<Response>, nomad = NOMAD) =>
  dispatchJob(nomad, REQUEST, fakeFetch(answer).fetch);
const text = (status: number, body: string, headers: Record<string, string> = {}) =>
  new Response(body, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
const failed = (error: string) => expect.objectContaining({ ok: false, error }) as unknown;

describe("a dispatch", () => {
  test("is one POST with the idempotency token, Nomad's token and Access's two headers", async () => {
    const nomad = fakeFetch(() => json(200, { DispatchedJobID: CHILD, EvalID: "" }));
    expect(await dispatchJob(NOMAD, REQUEST, nomad.fetch)).toEqual({ ok: true, child: CHILD });
    expect(nomad.sent).toHaveLength(1);
    const [sent] = nomad.sent;
    expect(sent?.method).toBe("POST");
    expect(sent?.url).toBe(
      "https://nomad.example.com/v1/job/github-runner-linux/dispatch?namespace=runners&idempotency_token=42%3A1",
    );
    expect(Object.fromEntries(sent?.headers ?? [])).toEqual({
      authorization: "Bearer nomad-secret-id",
      "content-type": "application/json",
      "cf-access-client-id": "client.access",
      "cf-access-client-secret": "access-secret",
    });
    expect(JSON.parse(sent?.body ?? "")).toEqual(REQUEST.body);
  });

  test("is bounded in time and follows no redirect", async () => {
    const nomad = fakeFetch(() => json(200, { DispatchedJobID: CHILD }));
    await dispatchJob(NOMAD, REQUEST, nomad.fetch);
    expect(nomad.sent[0]?.init.redirect).toBe("manual");
    expect(nomad.sent[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  test.each([
    ["neither half", null, null],
    ["one half only", "client.access", null],
    ["the other half only", null, "access-secret"],
  ])("carries no Access header where %s is configured", async (_, accessClientId, accessClientSecret) => {
    const nomad = fakeFetch(() => json(200, { DispatchedJobID: CHILD }));
    await dispatchJob({ ...NOMAD, accessClientId, accessClientSecret }, REQUEST, nomad.fetch);
    expect([...(nomad.sent[0]?.headers.keys() ?? [])]).toEqual(["authorization", "content-type"]);
  });

  test("escapes what stands in its URL", async () => {
    const nomad = fakeFetch(() => json(200, { DispatchedJobID: CHILD }));
    const request = { ...REQUEST, job: "a/b?c", token: "1&x=2" };
    await dispatchJob({ ...NOMAD, namespace: "a b" }, request, nomad.fetch);
    expect(nomad.sent[0]?.url).toBe(
      "https://nomad.example.com/v1/job/a%2Fb%3Fc/dispatch?namespace=a+b&idempotency_token=1%26x%3D2",
    );
  });
});

/** What each recorded answer means. */
const MEANING: Readonly<Record<string, string>> = {
  accepted: "dispatched",
  "duplicate token: the same child, no evaluation": "dispatched",
  "next ordinal: another child": "dispatched",
  "PUT works as POST": "dispatched",
  "no token parameter: never deduplicated": "dispatched",
  "namespace given": "dispatched",
  "payload of exactly 16384 bytes": "dispatched",
  "namespace unknown": "denied",
  "token unknown": "denied",
  "token without dispatch-job": "denied",
  "no ACL token": "denied",
  "dispatch-only token may not list": "denied",
  "dispatch-only token may not stop": "denied",
  "meta missing": "permanent",
  "meta not permitted": "permanent",
  "meta not a string": "permanent",
  "payload missing": "permanent",
  "payload forbidden": "permanent",
  "payload of 16385 bytes": "permanent",
  "payload not base64": "permanent",
  "unknown job": "permanent",
  "job is not parameterized": "permanent",
  "job is stopped": "permanent",
  "body names another job": "permanent",
  "empty body": "permanent",
  "not JSON": "permanent",
  "priority out of range": "permanent",
  "wrong method": "permanent",
};

describe("an answer recorded from Nomad", () => {
  test.each(recording.exchanges)("is understood: $name", async ({ name, response }) => {
    const { status, contentType, body } = response;
    const result = await answered(
      () =>
        new Response(typeof body === "string" ? body : JSON.stringify(body), {
          status,
          headers: { "Content-Type": contentType },
        }),
    );
    expect(result.ok ? "dispatched" : result.error).toBe(MEANING[name]);
    if (result.ok) expect(result.child).toBe((body as { DispatchedJobID: string }).DispatchedJobID);
    else expect(result.detail).toContain(body);
  });
});

describe("an answer that was not recorded", () => {
  test.each([
    ["transient", 500, "No cluster leader"],
    ["transient", 500, "rpc error: No cluster leader"],
    ["transient", 500, ""],
    ["transient", 501, "not implemented"],
    ["transient", 505, "parameterized job not found"],
    ["permanent", 500, "rpc error: parameterized job not found"],
    ["denied", 403, "rpc error: Permission denied"],
    ["denied", 500, "rpc error: Permission denied"],
    ["transient", 403, "Job registration, dispatch, and scale are disabled by the scheduler configuration"],
    ["throttled", 429, "Too many requests"],
    ["permanent", 404, "404 page not found"],
    ["permanent", 413, "too large"],
    ["transient", 408, "timeout"],
    ["transient", 425, "early"],
    ["access", 403, ""],
    ["access", 403, "error code: 1020"],
    ["access", 401, "Unauthorized"],
    ["access", 200, "<html>"],
    ["access", 200, "\n <!doctype html>"],
    ["unreachable", 502, "bad gateway"],
    ["unreachable", 503, "unavailable"],
    ["unreachable", 504, "timeout"],
    ["unreachable", 521, "error code: 521"],
    ["unreachable", 530, "error code: 1033"],
    ["transient", 200, "ok"],
    ["transient", 200, ""],
    ["transient", 200, "null"],
    ["transient", 200, "[]"],
    ["transient", 200, "{}"],
    ["transient", 200, '{"DispatchedJobID":""}'],
    ["transient", 200, '{"DispatchedJobID":5}'],
    ["transient", 200, '{"DispatchedJobID":"a'],
  ])("is %s: %p %p", async (error, status, body) => {
    expect(await answered(() => text(status, body))).toEqual(failed(error));
  });

  test.each([
    ["access", 200],
    ["access", 400],
    ["access", 401],
    ["access", 403],
    ["access", 404],
    ["access", 500],
    ["throttled", 429],
    ["unreachable", 502],
    ["unreachable", 530],
  ])("is %s when it is an HTML page with %p", async (error, status) => {
    const result = await answered(() => html(status));
    expect(result).toEqual(failed(error));
    expect(JSON.stringify(result)).not.toContain("Sign in");
  });

  test.each([301, 302, 303, 307, 308])(
    "is access when it is a redirect (%p), named by host",
    async (status) => {
      const location =
        "https://team.cloudflareaccess.com/cdn-cgi/access/login/nomad.example.com?meta=eyJhbGci";
      const result = await answered(() => html(status, { Location: location }));
      expect(result).toEqual(failed("access"));
      expect(JSON.stringify(result)).toContain("redirect to team.cloudflareaccess.com");
      expect(JSON.stringify(result)).not.toContain("eyJhbGci");
      expect(await answered(() => html(status))).toEqual(failed("access"));
    },
  );

  test("is understood without a content type", async () => {
    const bare = (body: string) => () => new Response(new TextEncoder().encode(body));
    expect(await answered(bare(JSON.stringify({ DispatchedJobID: CHILD })))).toEqual({
      ok: true,
      child: CHILD,
    });
    expect(await answered(bare("<p>"))).toEqual(failed("access"));
  });

  test("names no child that is unfit to be kept, and counts as dispatched all the same", async () => {
    for (const id of ["a b", "job/dispatch-\n1", "x".repeat(513)]) {
      expect(await answered(() => json(200, { DispatchedJobID: id }))).toEqual({ ok: true, child: null });
    }
  });

  test("may say when to come back", async () => {
    const after = (value: string) => answered(() => text(429, "busy", { "Retry-After": value }));
    expect(await after("7")).toMatchObject({ retryAfterSeconds: 7 });
    expect(await after("999999")).toMatchObject({ retryAfterSeconds: 3_600 });
    for (const value of ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", ""]) {
      expect(await after(value)).toMatchObject({ retryAfterSeconds: null });
    }
  });
});

describe("what is told of a failure", () => {
  test("is printable, short, and without any of our secrets", async () => {
    const echo = `Bearer ${NOMAD.token} access-secret client.access \u0000\u001b[31m\n\u00e9 ${"x".repeat(900)}`;
    const result = await answered(() => text(500, echo));
    const detail = result.ok ? "" : result.detail;
    expect(detail).toMatch(/^[\x20-\x7e]{50,200}$/);
    for (const secret of [NOMAD.token, "access-secret", "client.access"])
      expect(detail).not.toContain(secret);
  });

  test("holds no payload, which holds the claim, when our own request comes back", async () => {
    const { Payload } = dispatchBody(PAYLOAD, base64);
    const result = await answered(() => text(500, `rejected ${Payload}`));
    expect(result.ok ? "" : result.detail).toBe("answered 500: rejected [removed]");
  });

  test("of no answer is its kind, or a text of nothing but words; any other may quote a header", async () => {
    for (const [error, detail] of [
      [new Error("Network connection lost."), "no answer: Network connection lost."],
      [new Error(`lost ${NOMAD.token}.`), "no answer: Error"],
      [new TypeError(`fetch failed for ${NOMAD.token}`), "no answer: TypeError"],
      [new DOMException("too long", "TimeoutError"), "no answer: TimeoutError"],
      [null as unknown as Error, "no answer: Error"],
    ] as const) {
      const result = await answered(() => {
        throw error;
      });
      expect(result).toEqual({ ok: false, error: "unreachable", detail, retryAfterSeconds: null });
    }
  });

  test("that breaks off after its head is no answer", async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"DispatchedJobID":'));
        controller.error(new Error("reset"));
      },
    });
    expect(await answered(() => new Response(broken as unknown as BodyInit))).toEqual(failed("unreachable"));
  });
});
