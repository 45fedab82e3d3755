import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { dispatchBody } from "../../../contracts/dispatch";
import { type DispatchResult, dispatchJob } from "../../../worker/nomad";
import { type AnswerClass, type DispatchError, classifyAnswer } from "../../../worker/nomad-answer";
import type { Target } from "../engine";
import { type Json, numberOf, recordOf, textOf } from "../json";
import { fieldOf, isWhole, jsonOf, must } from "./shapes";

const ERRORS: Readonly<Record<DispatchError, true>> = {
  transient: true,
  throttled: true,
  permanent: true,
  denied: true,
  access: true,
  unreachable: true,
};

/** What the request carried, and no text may repeat. `<token>` in an answer stands for the token, and so on. */
const BODY = dispatchBody(
  {
    repo: "octo-org/example",
    fork: false,
    job: "build",
    run_id: 1,
    job_id: 2,
    claim_url: "https://x",
    claim: "a.b",
  },
  (text) => Buffer.from(text).toString("base64"),
);
const SECRETS: Readonly<Record<string, string>> = {
  token: "11111111-2222-3333-4444-555555555555",
  id: "88bf3b6d86161464f6509f7219099e57.access",
  secret: "6b1c0dc0d1a74c5e9f1c5b7d2e8a4f3b",
  payload: BODY.Payload,
};

const NOMAD = {
  addr: "https://nomad.example.test",
  token: SECRETS["token"] ?? "",
  namespace: "runners",
  accessClientId: SECRETS["id"] ?? "",
  accessClientSecret: SECRETS["secret"] ?? "",
};

async function check(raw: Json): Promise<void> {
  const given = recordOf(raw);
  const status = Math.trunc(numberOf(given["status"]));
  // A body is bytes: what a text loses on the way is lost before anybody looks at it.
  const text = new TextDecoder().decode(new TextEncoder().encode(withSecrets(textOf(given["text"]))));
  let headers: Headers;
  let response: Response | null = null;
  try {
    headers = new Headers(
      Object.entries(recordOf(given["headers"])).map(([key, value]): [string, string] => [
        key,
        withSecrets(textOf(value)),
      ]),
    );
    // Node refuses statuses that no server may send, and a body where none belongs.
    if (status >= 200 && status <= 599)
      response = new Response([204, 205, 304].includes(status) ? null : text, { status, headers });
  } catch {
    return;
  }
  const answer = classifyAnswer(status, headers, text);
  must(isDeepStrictEqual(classifyAnswer(status, headers, text), answer), "gives an answer one class");
  mustBeRight(answer, status, headers, text);
  if (response === null) return;
  const sent = response;
  const result = await dispatchJob(NOMAD, { job: "linux", token: "1:1", body: BODY }, async () =>
    Promise.resolve(sent),
  );
  mustBeClean(result);
  // Response adds a type where there is none, and of what is too long only the beginning is read.
  if (Buffer.byteLength(text) <= 16_384 && sent.body !== null)
    must(
      isDeepStrictEqual(classOf(result), classOf(classifyAnswer(status, sent.headers, text))),
      "says of a dispatch what the answer says",
    );
}

function withSecrets(text: string): string {
  return text.replace(/<(token|id|secret|payload)>/g, (_, name: string) => SECRETS[name] ?? "");
}

function mustBeRight(answer: AnswerClass, status: number, headers: Headers, text: string): void {
  const type = (headers.get("content-type") ?? "").toLowerCase();
  const html =
    type.startsWith("text/html") || type.startsWith("application/xhtml") || text.trimStart().startsWith("<");
  const child = fieldOf(jsonOf(text), "DispatchedJobID");
  const dispatched = status >= 200 && status < 300 && !html && typeof child === "string" && child !== "";
  must(
    (answer.kind === "dispatched") === dispatched,
    "calls dispatched what names its child, and nothing else",
  );
  if (answer.kind === "dispatched") {
    const fit = typeof child === "string" && child.length <= 512 && !/[^!-~]/.test(child);
    must(answer.child === (fit ? child : null), "keeps a child's name that is fit to be kept");
    return;
  }
  must(Object.hasOwn(ERRORS, answer.error), "gives a declared error");
  const limited = status === 429;
  const down = (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
  if (status >= 300 && status < 400) must(answer.error === "access", "takes a redirect for Access");
  else if (limited) must(answer.error === "throttled", "takes 429 for a limit");
  else if (down) must(answer.error === "unreachable", "takes a proxy's word that the origin is down");
  else if (html) must(answer.error === "access", "takes HTML for Access");
  if (answer.error === "denied") must(text.includes("Permission denied"), "calls denied what Nomad says is");
  if (answer.error === "permanent")
    must(status >= 400 && status <= 500, "calls permanent what an answer says, not a proxy");
}

function mustBeClean(result: DispatchResult): void {
  if (result.ok) return;
  for (const secret of Object.values(SECRETS)) must(!result.detail.includes(secret), "tells no secret");
  must(
    result.detail.length <= 200 && !/[^ -~]/.test(result.detail),
    "tells a short text that can be printed",
  );
  must(
    result.retryAfterSeconds === null || isWhole(result.retryAfterSeconds, 0, 3_600),
    "waits an hour at most",
  );
}

function classOf(answer: DispatchResult | AnswerClass): unknown {
  if ("kind" in answer)
    return answer.kind === "dispatched" ? { child: answer.child } : { error: answer.error };
  return answer.ok ? { child: answer.child } : { error: answer.error };
}

interface Recorded {
  readonly exchanges: readonly {
    readonly response: { readonly status: number; readonly contentType: string; readonly body: Json };
  }[];
}

/** What a real Nomad said. */
function recorded(): readonly Json[] {
  const file = join(__dirname, "../../fixtures/nomad-dispatch.json");
  return (JSON.parse(readFileSync(file, "utf8")) as Recorded).exchanges.map(({ response }) => ({
    status: response.status,
    headers: { "content-type": response.contentType },
    text: typeof response.body === "string" ? response.body : JSON.stringify(response.body),
  }));
}

/** An answer to a dispatch, from Nomad or from whatever stands before it. */
export const nomadAnswer: Target = {
  name: "nomad-answer",
  inputs: fc.record({
    status: fc.oneof(
      fc.constantFrom(200, 201, 302, 400, 401, 403, 404, 408, 425, 429, 500, 502, 520, 530),
      fc.integer({ min: 100, max: 600 }),
    ),
    headers: fc.record(
      {
        "content-type": fc.constantFrom(
          "application/json",
          "text/plain; charset=utf-8",
          "text/html",
          "Text/HTML",
          "application/xhtml+xml",
        ),
        location: fc.constantFrom(
          "https://team.cloudflareaccess.com/cdn-cgi/access/login?kid=<token>",
          "/login",
          "https://<secret>/",
        ),
        "retry-after": fc.constantFrom(
          "1",
          "3600",
          "99999",
          "-1",
          "Wed, 21 Oct 2026 07:28:00 GMT",
          "<token>",
        ),
      },
      { requiredKeys: [] },
    ),
    text: fc.oneof(
      fc.constantFrom(
        "Permission denied",
        "No cluster leader",
        "parameterized job not found",
        "job dispatch is disabled by scheduler configuration",
        "<!DOCTYPE html><html>",
        "  \n<html><head><token></head>",
        "you sent Bearer <token> with <id> and <secret>: <payload>",
        "",
      ),
      fc
        .record({
          DispatchedJobID: fc.oneof(fc.string(), fc.constantFrom("linux/dispatch-1-0ddb2c9c", "", null, 7)),
        })
        .map((one) => JSON.stringify(one)),
      fc.string({ unit: "grapheme" }),
    ),
  }),
  seeds: recorded,
  check,
};
