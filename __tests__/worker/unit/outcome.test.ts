import { type Outcome, toResponse } from "../../../worker/outcome";

interface Expected {
  readonly status: number;
  /** The JSON body; null for none, a text for a text. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const error = (text: string): unknown => ({ error: text });

/** One row or more per kind of outcome: a kind without a row does not compile. */
const TABLE: {
  readonly [K in Outcome["kind"]]: readonly (readonly [Extract<Outcome, { kind: K }>, Expected])[];
} = {
  accepted: [
    [
      { kind: "accepted", jobId: 7, state: "waiting", duplicate: false },
      { status: 202, body: { outcome: "accepted", job_id: 7, state: "waiting", duplicate: false } },
    ],
    [
      { kind: "accepted", jobId: 7, state: null, duplicate: true },
      { status: 202, body: { outcome: "accepted", job_id: 7, state: null, duplicate: true } },
    ],
  ],
  ignored: [
    [
      { kind: "ignored", reason: "no class fits" },
      { status: 200, body: { outcome: "ignored", reason: "no class fits" } },
    ],
  ],
  unusable: [
    [
      { kind: "unusable", reason: "not JSON" },
      { status: 400, body: { error: "delivery is signed but unusable", reason: "not JSON" } },
    ],
  ],
  bad_signature: [
    [
      { kind: "bad_signature" },
      { status: 401, body: error("X-Hub-Signature-256 is missing, malformed or wrong") },
    ],
  ],
  too_large: [
    [
      { kind: "too_large", limitBytes: 9 },
      { status: 413, body: error("body is over 9 bytes") },
    ],
  ],
  not_durable: [
    [
      { kind: "not_durable" },
      {
        status: 503,
        body: error("the ledger is not available; redeliver later"),
        headers: { "retry-after": "5" },
      },
    ],
  ],
  not_configured: [
    [{ kind: "not_configured" }, { status: 503, body: error("the Worker is not configured; see /healthz") }],
  ],
  method_not_allowed: [
    [
      { kind: "method_not_allowed", allow: "POST, DELETE" },
      { status: 405, body: error("use POST, DELETE"), headers: { allow: "POST, DELETE" } },
    ],
  ],
  not_found: [[{ kind: "not_found" }, { status: 404, body: error("no such path") }]],
  claim_granted: [
    [
      { kind: "claim_granted", granted: { runner_name: "a-1", encoded_jit_config: "eyJ9" } },
      { status: 201, body: { runner_name: "a-1", encoded_jit_config: "eyJ9" } },
    ],
  ],
  claim_refused: (["malformed", "forged", "expired"] as const).map(
    (reason) =>
      [
        { kind: "claim_refused", reason },
        { status: 401, body: error("bearer is missing, wrong or expired") },
      ] as const,
  ),
  claim_used: [[{ kind: "claim_used" }, { status: 409, body: error("this claim was used already") }]],
  nothing_waits: [
    [
      { kind: "nothing_waits" },
      { status: 410, body: error("nothing waits for a runner; exit without registering") },
    ],
  ],
  github_refused: [
    [
      { kind: "github_refused" },
      { status: 502, body: error("GitHub refused the runner; see the Worker's log and /status") },
    ],
  ],
  try_again: [
    [
      { kind: "try_again", retryAfterSeconds: 12.2 },
      { status: 503, body: error("not now; try again"), headers: { "retry-after": "13" } },
    ],
  ],
  released: [[{ kind: "released" }, { status: 204, body: null }]],
  pauses: [
    [
      { kind: "pauses", answer: { paused: [{ repo: "me/tool", since: "2026-11-21T00:00:00.000Z" }] } },
      { status: 200, body: { paused: [{ repo: "me/tool", since: "2026-11-21T00:00:00.000Z" }] } },
    ],
  ],
  changed: [[{ kind: "changed" }, { status: 204, body: null }]],
  no_such_repository: [
    [{ kind: "no_such_repository" }, { status: 404, body: error("the policy names no such repository") }],
  ],
  unauthorized: [
    [{ kind: "unauthorized" }, { status: 401, body: error("bearer is missing, wrong or expired") }],
  ],
  healthy: [
    [
      { kind: "healthy", version: "1.2.3" },
      { status: 200, body: { status: "ok", version: "1.2.3" } },
    ],
  ],
  unhealthy: [
    [
      { kind: "unhealthy", version: "1.2.3", missing: ["CLAIM_KEY"], invalid: ["PUBLIC_URL must be …"] },
      {
        status: 503,
        body: {
          status: "not configured",
          version: "1.2.3",
          missing: ["CLAIM_KEY"],
          invalid: ["PUBLIC_URL must be …"],
        },
      },
    ],
  ],
  status: [
    [
      { kind: "status", status: { version: "1.2.3" } },
      { status: 200, body: { version: "1.2.3" } },
    ],
  ],
  metrics: [
    [
      { kind: "metrics", text: "runners_busy 1\n" },
      { status: 200, body: "runners_busy 1\n", headers: { "content-type": "text/plain; version=0.0.4" } },
    ],
  ],
};

const CASES = Object.values(TABLE).flatMap((rows) =>
  rows.map(([outcome, expected]) => ({ outcome: outcome, expected })),
);

describe("an outcome", () => {
  test.each(CASES)("$outcome.kind is answered with $expected.status", async ({ outcome, expected }) => {
    const response = toResponse(outcome);
    const text = await response.text();
    expect(response.status).toBe(expected.status);
    const isJson = response.headers.get("Content-Type") === "application/json";
    expect(text === "" ? null : isJson ? JSON.parse(text) : text).toEqual(expected.body);
    for (const [name, value] of Object.entries(expected.headers ?? {}))
      expect(response.headers.get(name)).toBe(value);
    expect(response.headers.has("Retry-After")).toBe("retry-after" in (expected.headers ?? {}));
    // Claims and JIT configs pass through here: nothing on the way may keep an answer that has a body.
    if (text !== "") expect(response.headers.get("Cache-Control")).toBe("no-store");
  });

  test("of a refused claim does not tell a forger how close he came", async () => {
    const texts = await Promise.all(
      (["malformed", "forged", "expired"] as const).map(async (reason) =>
        toResponse({ kind: "claim_refused", reason }).text(),
      ),
    );
    expect(new Set(texts).size).toBe(1);
  });
});
