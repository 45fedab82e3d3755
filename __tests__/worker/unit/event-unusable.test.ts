import * as fc from "fast-check";
import { parseEvent } from "../../../worker/event";
import { bytes, headers, payload } from "./support/deliveries";

const reasonOf = (value: unknown, changes: Record<string, string | null> = {}) =>
  parseEvent(headers(changes), value instanceof Uint8Array ? value : bytes(value));
const unusable = (reason: string) => ({ kind: "unusable", reason });

describe("a signed delivery is unusable", () => {
  test.each([
    ["no_event_header", { "X-GitHub-Event": null }],
    ["no_event_header", { "X-GitHub-Event": "" }],
    ["bad_event_header", { "X-GitHub-Event": "workflow_job, workflow_job" }],
    ["bad_event_header", { "X-GitHub-Event": "Workflow_Job" }],
    ["no_delivery_header", { "X-GitHub-Delivery": null }],
    ["no_delivery_header", { "X-GitHub-Delivery": "" }],
    ["bad_delivery_header", { "X-GitHub-Delivery": "${jndi}" }],
    ["bad_delivery_header", { "X-GitHub-Delivery": "a".repeat(65) }],
    ["form_encoded", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["form_encoded", { "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8" }],
  ])("by its headers: %s", (reason, changes) => {
    expect(reasonOf(payload(), changes)).toEqual(unusable(reason));
  });

  test("even as a ping, when it is form-encoded: the hook is seen to be wrong when it is made", () => {
    const changes = { "X-GitHub-Event": "ping", "Content-Type": "application/x-www-form-urlencoded" };
    expect(reasonOf("payload=%7B%7D", changes)).toEqual(unusable("form_encoded"));
  });

  test.each([
    ["not_json", ""],
    ["not_json", "{"],
    ["not_json", "payload=%7B%7D"],
    ["not_json", '{"action":"queued"} trailing'],
    ["not_an_object", "null"],
    ["not_an_object", "[]"],
    ["not_an_object", '"workflow_job"'],
    ["not_an_object", "1e999"],
    ["no_action", "{}"],
    ["no_action", { ...payload(), action: 5 }],
    ["no_workflow_job", { ...payload(), workflow_job: undefined }],
    ["no_workflow_job", { ...payload(), workflow_job: [] }],
    ["bad_job_id", payload("queued", { id: undefined })],
    ["bad_job_id", payload("queued", { id: "1" })],
    ["bad_job_id", payload("queued", { id: 0 })],
    ["bad_job_id", payload("queued", { id: -1 })],
    ["bad_job_id", payload("queued", { id: 1.5 })],
    ["bad_job_id", payload("queued", { id: 2 ** 53 })],
    ["bad_run_id", payload("queued", { run_id: null })],
    ["bad_run_id", payload("completed", { run_id: "9" })],
    ["bad_labels", payload("queued", { labels: undefined })],
    ["bad_labels", payload("queued", { labels: { 0: "linux" } })],
    ["bad_labels", payload("queued", { labels: "self-hosted" })],
    ["bad_labels", payload("queued", { labels: ["self-hosted", 5] })],
    ["bad_labels", payload("completed", { labels: null })],
    ["no_repository", { ...payload(), repository: undefined }],
    ["no_repository", { ...payload(), repository: "octo-org/example" }],
  ])("by its body: %s (case %#)", (reason, value) => {
    expect(reasonOf(value)).toEqual(unusable(reason));
  });

  test.each([
    undefined,
    5,
    "",
    "example",
    "octo-org/",
    "/example",
    "octo-org/..",
    "octo-org/.",
    "octo-org/../example",
    "octo-org/example/more",
    "octo org/example",
    "octo-org/ex ample",
    'octo-org/"example"',
    "octo-org/${HOME}",
    "octo-org/{{example}}",
    "octo-org/example\n",
    "octo-org/example?x=1",
    "octo-org/ex%2Fample",
    "-octo/example",
    `octo-org/${"x".repeat(101)}`,
    `${"x".repeat(101)}/example`,
    "octo-org/ex\u0430mple",
  ])("by its repository's name: %p", (name) => {
    expect(reasonOf(payload("queued", {}, { full_name: name }))).toEqual(unusable("bad_repository"));
  });

  test("by bytes that are not UTF-8, overlong forms and halves of characters among them", () => {
    const start = bytes('{"action":"');
    for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]) {
      const body = Uint8Array.from([...start, ...bad, ...bytes('"}')]);
      expect(reasonOf(body)).toEqual(unusable("not_utf8"));
    }
  });

  test("by 100,000 nested arrays and objects", () => {
    expect(reasonOf("[".repeat(100_000) + "]".repeat(100_000)).kind).toBe("unusable");
    expect(reasonOf('{"action":'.repeat(100_000) + "1" + "}".repeat(100_000)).kind).toBe("unusable");
    expect(reasonOf("[".repeat(1_000_000)).kind).toBe("unusable");
  });
});

describe("a hostile body", () => {
  test("of 2 MiB is read in one go", () => {
    const parsed = reasonOf(payload("queued", { steps: ["x".repeat(2 * 1024 * 1024)] }));
    expect(parsed.kind).toBe("workflow_job");
  });

  test("cannot reach prototypes or stand in for missing fields by them", () => {
    const body = '{"__proto__":{"action":"queued"},"constructor":{"prototype":{"action":"queued"}}}';
    expect(reasonOf(body)).toEqual(unusable("no_action"));
    expect(({} as Record<string, unknown>)["action"]).toBeUndefined();
  });

  test("never makes the reader throw, whatever its bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(["unusable", "ignored"]).toContain(reasonOf(body).kind);
      }),
      { numRuns: 300 },
    );
  });

  test("never makes the reader throw, whatever stands in its fields", () => {
    const anything = fc.anything({ withNullPrototype: false, maxDepth: 2 });
    const part = (keys: readonly string[]) =>
      fc.record(Object.fromEntries(keys.map((key) => [key, anything])), { requiredKeys: [] });
    const body = fc.record({
      action: fc.constantFrom("queued", "in_progress", "completed", "waiting", 0),
      workflow_job: fc.oneof(
        anything,
        part(["id", "run_id", "status", "labels", "name", "runner_name", "conclusion"]),
      ),
      repository: fc.oneof(anything, part(["full_name", "private", "visibility", "fork"])),
      organization: anything,
    });
    fc.assert(
      fc.property(body, (value) => {
        expect(["unusable", "ignored", "workflow_job"]).toContain(reasonOf(fc.stringify(value)).kind);
        const text = JSON.stringify(value, (_, item: unknown) =>
          typeof item === "bigint" ? item.toString() : item,
        );
        expect(["unusable", "ignored", "workflow_job"]).toContain(reasonOf(text).kind);
      }),
      { numRuns: 300 },
    );
  });

  test("that is understood holds nothing outside the patterns", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("${x}", "{{x}}", "../x", "a'b", 'a"b', "a\nb", "a/b", "octo-org/x"),
    );
    fc.assert(
      fc.property(
        fc.record({ name: hostile, runner_name: hostile, labels: fc.array(hostile), conclusion: hostile }),
        hostile,
        (job, organization) => {
          const parsed = reasonOf({ ...payload("completed", job), organization: { login: organization } });
          expect(parsed.kind).toBe("workflow_job");
          expect(JSON.stringify(parsed)).not.toContain("{{");
          expect(JSON.stringify(parsed)).toMatch(/^[A-Za-z0-9 ._,:+=()/@#"{}[\]-]+$/);
        },
      ),
      { numRuns: 300 },
    );
  });
});
