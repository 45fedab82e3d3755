import * as fc from "fast-check";
import {
  DispatchFieldError,
  type DispatchPayload,
  MAX_PAYLOAD_BYTES,
  META_KEYS,
  dispatchBody,
  idempotencyToken,
} from "../../contracts/dispatch";

const PAYLOAD: DispatchPayload = {
  repo: "octo-org/example",
  fork: false,
  job: "build",
  run_id: 1,
  job_id: 42,
  claim_url: "https://hooks.example.com/runners/claim",
  claim: "first.second",
};
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const build = (changes: Readonly<Record<string, unknown>> = {}) =>
  dispatchBody({ ...PAYLOAD, ...changes }, base64);

describe("a dispatch's body", () => {
  test("holds the payload in base64, the meta of the parameterized job, and a readable prefix", () => {
    const body = build();
    expect(JSON.parse(Buffer.from(body.Payload, "base64").toString())).toEqual(PAYLOAD);
    expect(body.Meta).toEqual({
      REPO_FULL_NAME: "octo-org/example",
      REPO_SHORT_NAME: "example",
      WORKFLOW_RUN: "1",
      WORKFLOW_JOB: "42",
    });
    expect(Object.keys(body.Meta)).toEqual([...META_KEYS]);
    expect(body.IdPrefixTemplate).toBe("example-42");
    expect(Object.keys(body)).toEqual(["Payload", "Meta", "IdPrefixTemplate"]);
  });

  test("holds no field besides: what else a caller carries stays where it is", () => {
    const { Payload } = build({ token: "s3cret" });
    expect(Buffer.from(Payload, "base64").toString()).not.toContain("s3cret");
  });

  test.each([
    ["repo", { repo: "octo-org" }],
    ["repo", { repo: "octo-org/.." }],
    ["repo", { repo: "octo-org/${HOME}" }],
    ["repo", { repo: "octo-org/a\nb" }],
    ["job", { job: "" }],
    ["job", { job: "a\nb" }],
    ["job", { job: "{{ key }}" }],
    ["run_id", { run_id: 0 }],
    ["run_id", { run_id: "1" }],
    ["job_id", { job_id: 1.5 }],
    ["job_id", { job_id: undefined }],
    ["payload size", { claim: "x".repeat(MAX_PAYLOAD_BYTES) }],
  ])("is not built when %s does not fit: %j", (field, changes) => {
    expect(() => build(changes)).toThrow(DispatchFieldError);
    expect(() => build(changes)).toThrow(`dispatch field ${field} `);
  });

  test("is at most as large as Nomad takes", () => {
    const room = MAX_PAYLOAD_BYTES - JSON.stringify({ ...PAYLOAD, claim: "" }).length;
    const largest = build({ claim: "x".repeat(room) });
    expect(Buffer.from(largest.Payload, "base64")).toHaveLength(16_384);
    expect(() => build({ claim: "x".repeat(room + 1) })).toThrow("payload size");
  });

  test("says nothing of a value in its error: it may be anybody's text", () => {
    expect(() => build({ job: "s3cret\n" })).not.toThrow("s3cret");
  });

  test("is built from fitting texts only, whatever is tried", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, text, (repo, job) => {
        try {
          const { Meta, IdPrefixTemplate } = build({ repo, job });
          expect(JSON.stringify([Meta, IdPrefixTemplate])).toMatch(/^[A-Za-z0-9_./{}[\]:",-]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(DispatchFieldError);
        }
      }),
    );
  });
});

test("an ordinal of a job has one idempotency token", () => {
  expect(idempotencyToken(42, 1)).toBe("42:1");
  expect(idempotencyToken(4, 21)).not.toBe(idempotencyToken(42, 1));
});
