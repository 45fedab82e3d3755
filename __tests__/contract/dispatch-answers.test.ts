import recording from "../fixtures/nomad-dispatch.json";
import { workflowJob } from "../support/harness/deliveries";
import { ACCESS_SECRET, type Harness, NOMAD_TOKEN, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import { NO_LEADER, NO_SUCH_JOB, queueUnsent, readStatus, tokens } from "./support/dispatching";

/** The slowest pace, at which what only an operator can mend is tried. */
const SLOWEST_SECONDS = 60;
/** Second attempt of what may pass by itself. */
const SECOND_RETRY_SECONDS = 2;

const LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/nomad.example.com?meta=eyJhbGci";
const HTML = { "Content-Type": "text/html; charset=utf-8" };

interface Case {
  readonly name: string;
  readonly reply: Reply;
  readonly error: string;
  /** Seconds until the next attempt. */
  readonly pace: number;
}

/** What Nomad was recorded to answer: a 403 is its ACL, every other refusal of the recording a mistake that stays. */
const RECORDED: readonly Case[] = recording.exchanges
  .filter(({ response }) => response.status !== 200)
  .map(({ name, response }) => ({
    name,
    reply: {
      status: response.status,
      body: response.body,
      headers: { "Content-Type": response.contentType },
    },
    error: response.status === 403 ? "denied" : "permanent",
    pace: SLOWEST_SECONDS,
  }));

const passing = (name: string, error: string, reply: Reply, pace = SECOND_RETRY_SECONDS): Case => ({
  name,
  error,
  reply,
  pace,
});

const OTHERS: readonly Case[] = [
  passing("an election", "transient", NO_LEADER),
  passing("dispatch disabled for the moment", "transient", {
    status: 403,
    body: "Job registration, dispatch, and scale are disabled by the scheduler configuration",
  }),
  passing("success that names no child", "transient", { status: 200, body: {} }),
  passing("Nomad's limit on connections", "throttled", { status: 429, body: "Too many requests" }),
  passing(
    "a limit that says when to come back",
    "throttled",
    { status: 429, body: "busy", headers: { "Retry-After": "20" } },
    20,
  ),
  passing(
    "a limit that lasts for longer than the slowest pace",
    "throttled",
    { status: 429, body: "busy", headers: { "Retry-After": "900" } },
    SLOWEST_SECONDS,
  ),
  passing("an origin that refuses", "unreachable", { status: 502, body: "<html>bad gateway", headers: HTML }),
  passing("a tunnel that is down", "unreachable", { status: 530, body: "error code: 1033" }),
  passing("a connection that breaks", "unreachable", "drop"),
  passing("Access's redirect to its login", "access", {
    status: 302,
    body: "<html>",
    headers: { ...HTML, Location: LOGIN },
  }),
  passing("Access's page with a success", "access", { status: 200, body: "<html>Sign in", headers: HTML }),
  passing("Access's hard refusal", "access", { status: 403, body: "<html>Forbidden", headers: HTML }),
  passing("Access's refusal without a page", "access", { status: 401, body: "" }),
  passing("the tunnel's refusal of a missing Access token", "access", { status: 403, body: "" }),
];

describe.each(RUNTIMES)("an answer from Nomad's side (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
    await harness.reset();
    await queueUnsent(harness, [{ id: 42 }]);
  });
  beforeEach(async () => {
    // One job whose request was refused once and is due again; made anew for each of the many answers by hand.
    const db = harness.runtime.db();
    await db.batch([
      db.prepare("UPDATE jobs SET state = 'waiting'"),
      db.prepare(
        `UPDATE runners SET state = 'requested', live = 1, until = 9e15, ended_at = NULL, end_reason = NULL, attempts = 1,
          leased_until = 0, next_attempt_at = 0, dispatched_at = NULL, error = NULL`,
      ),
      db.prepare("DELETE FROM problems"),
    ]);
    harness.nomad.seen.length = 0;
    harness.nomad.reply = () => NO_SUCH_JOB;
  });
  afterAll(async () => harness.close());

  test.each([...RECORDED, ...OTHERS])(
    "is understood by its body: $name is $error",
    async ({ reply, error, pace }) => {
      harness.nomad.reply = () => reply;
      const before = Date.now();
      await harness.sweep();
      const after = Date.now();
      expect(tokens(harness)).toEqual(["42:1"]);
      const [row] = await harness.rows("SELECT state, error, attempts, next_attempt_at AS next FROM runners");
      expect(row).toMatchObject({ state: "requested", error, attempts: 2 });
      expect(row?.["next"]).toBeGreaterThanOrEqual(before + pace * 1000);
      expect(row?.["next"]).toBeLessThanOrEqual(after + pace * 1000);
      const { problems } = await readStatus(harness);
      expect(problems).toEqual([expect.objectContaining({ source: "nomad", kind: error, count: 1 })]);
    },
  );

  const dispatched = recording.exchanges.filter(({ response }) => response.status === 200);
  test.each(dispatched)("is a dispatch that got through: $name", async ({ response }) => {
    harness.nomad.reply = () => ({ status: 200, body: response.body });
    await harness.sweep();
    expect(await harness.rows("SELECT state, error FROM runners")).toEqual([
      { state: "dispatched", error: null },
    ]);
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["42:1"]);
  });

  test("by Access is reported as such in the log and in /status, without the login's address or a secret", async () => {
    const echo = `<html>${NOMAD_TOKEN} ${ACCESS_SECRET}`;
    harness.nomad.reply = () => ({ status: 302, body: echo, headers: { ...HTML, Location: LOGIN } });
    harness.runtime.lines.length = 0;
    await harness.sweep();
    const { problems } = await readStatus(harness);
    expect(problems[0]).toMatchObject({
      source: "nomad",
      kind: "access",
      detail: "answered 302 with a redirect to team.cloudflareaccess.com",
    });
    const lines = harness.runtime.lines.join("\n");
    expect(lines).toContain('"error":"access"');
    for (const text of [
      lines,
      JSON.stringify(problems),
      JSON.stringify(await harness.rows("SELECT * FROM runners")),
    ])
      for (const secret of ["eyJhbGci", NOMAD_TOKEN, ACCESS_SECRET]) expect(text).not.toContain(secret);
  });

  test("that only an operator can mend is asked for again each minute until the job ends", async () => {
    for (const _ of [1, 2, 3]) {
      await harness.sweep();
      await harness.sweep();
      await harness.age(61);
    }
    expect(tokens(harness)).toEqual(["42:1", "42:1", "42:1"]);
    await harness.deliver(workflowJob({ id: 42, action: "completed", conclusion: "cancelled" }));
    const sent = harness.nomad.seen.length;
    await harness.age(61);
    await harness.sweep();
    expect(harness.nomad.seen).toHaveLength(sent);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "ended" }]);
  });

  test("that an operator has mended lets the next attempt through, with the same token", async () => {
    harness.nomad.reply = () => ({
      status: 200,
      body: { DispatchedJobID: "github-runner-linux/dispatch-1" },
    });
    await harness.sweep();
    expect(tokens(harness)).toEqual(["42:1"]);
    expect(await harness.rows("SELECT state, ordinal FROM runners")).toEqual([
      { state: "dispatched", ordinal: 1 },
    ]);
  });

  test("backs off 1, 2, 4, … seconds up to a minute, and no further", async () => {
    harness.nomad.reply = () => NO_LEADER;
    const waits: number[] = [];
    for (const _ of Array.from({ length: 8 })) {
      await harness.age(61);
      await harness.sweep();
      const [row] = await harness.rows("SELECT next_attempt_at AS next FROM runners");
      waits.push(Math.round((Number(row?.["next"]) - Date.now()) / 1000));
    }
    // The first attempt was the one before the test.
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });
});
