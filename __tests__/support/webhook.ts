import { type Delivery, deliveryHeaders } from "./harness/deliveries";
import { type Harness, WEBHOOK_SECRET, startHarness } from "./harness/harness";
import type { RuntimeName } from "./harness/runtimes";

/** Starts a harness for the tests of the describe block it is called in, and ends it after them. */
export function useHarness(runtime: RuntimeName): () => Harness {
  let harness: Harness | null = null;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  afterAll(async () => {
    // What follows an answer would go on without its ledger; workerd ends it with itself.
    if (runtime === "node") await harness?.runtime.idle();
    await harness?.close();
  });
  return () => {
    if (harness === null) throw new Error("the harness is there only while tests run");
    return harness;
  };
}

const TABLES = [
  "jobs",
  "runners",
  "problems",
  "marks",
  "pauses",
  "repos",
  "hooks",
  "hook_targets",
  "redeliveries",
];

/** Forgets what happened, but keeps the bindings: other bindings mean another workerd, which takes a second. */
export async function forgetAll(harness: Harness): Promise<void> {
  const db = harness.runtime.db();
  await db.batch(TABLES.map((table) => db.prepare(`DELETE FROM ${table}`)));
  harness.github.seen.length = 0;
  harness.nomad.seen.length = 0;
}

/** A body of a delivery: an object is sent as its JSON, bytes and text as they are. */
export type Body = Delivery | string | Uint8Array;

/** Posts a body under a right signature; a header changed to null is left out. Waits for what follows the answer. */
export async function postSigned(
  harness: Harness,
  body: Body,
  changes: Readonly<Record<string, string | null>> = {},
  secret: string = WEBHOOK_SECRET,
): Promise<Response> {
  const raw = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const headers = Object.entries({ ...deliveryHeaders(secret, raw), ...changes });
  const response = await harness.post(
    raw,
    Object.fromEntries(headers.filter((one): one is [string, string] => one[1] !== null)),
  );
  // Only a 202 has something follow it, and the ledger may be broken on purpose.
  if (response.status === 202) await harness.runtime.idle();
  return response;
}

/** Status and JSON of an answer. */
export async function answerOf(response: Response): Promise<{ status: number; body: unknown }> {
  return { status: response.status, body: await response.json() };
}

/** An ignored delivery's whole answer. */
export function ignored(reason: string): { status: number; body: unknown } {
  return { status: 200, body: { outcome: "ignored", reason } };
}

/** A refused delivery's whole answer, once its signature was right. */
export function unusable(reason: string): { status: number; body: unknown } {
  return { status: 400, body: { error: "delivery is signed but unusable", reason } };
}

/** `<job id>:<ordinal>` of every dispatch, in order. */
export function tokens(harness: Harness): string[] {
  return harness.dispatches().map((one) => one.token);
}

/** State of every job of the ledger, by id. */
export async function states(harness: Harness): Promise<Record<string, unknown>> {
  const rows = await harness.rows("SELECT job_id, state FROM jobs ORDER BY job_id");
  return Object.fromEntries(rows.map((row) => [String(row["job_id"]), row["state"]]));
}

/** Fails unless the ledger is empty and neither Nomad nor GitHub was asked anything, now and after a sweep. */
export async function expectNothingHappened(harness: Harness): Promise<void> {
  await harness.runtime.idle();
  const rows = await harness.rows(
    "SELECT 'job ' || job_id AS row FROM jobs UNION ALL SELECT 'runner ' || name FROM runners",
  );
  expect(rows).toEqual([]);
  await harness.sweep();
  expect(harness.nomad.seen.map((one) => one.path)).toEqual([]);
  expect(harness.github.seen.map((one) => one.path)).toEqual([]);
}

/** All that was logged so far: workerd's lines arrive later than its answers, so a sweep's line is waited for, which
 *  comes after all of them. */
export async function linesSoFar(harness: Harness): Promise<readonly string[]> {
  const { lines } = harness.runtime;
  const swept = () => lines.filter((line) => line.includes('"event":"swept"')).length;
  const before = swept();
  await harness.sweep();
  for (let round = 0; round < 200 && swept() === before; round++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  if (swept() === before) throw new Error("a sweep was not logged within 5 s");
  return lines;
}

const THROWN = /unexpected_error|follow_failed|sweep_failed|ledger_unavailable|uncaught|exception/i;

/** Fails when anything was thrown where nobody meant it to be. */
export async function expectNothingThrown(harness: Harness): Promise<void> {
  expect((await linesSoFar(harness)).filter((line) => THROWN.test(line))).toEqual([]);
}
