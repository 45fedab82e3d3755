import {
  SCOPE,
  STACK,
  answer,
  claimFor,
  finish,
  granted,
  inSeconds,
  registry,
  start,
  tokens,
  waiting,
} from "../support/claims";
import { type Harness, STATUS_TOKEN, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { readSamples } from "../support/prometheus";

const DAY = 24 * 3600;
const NAME = `${STACK}-linux-1-1`;
const PROBLEMS = "SELECT source, kind, count FROM problems ORDER BY kind";

describe.each(RUNTIMES)("the exit code that a DELETE /runners/claim tells (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    harness.github.reply = registry().reply;
  });
  afterAll(async () => harness.close());

  const problems = async () => harness.rows(PROBLEMS);

  /** A runner of job 1 that was dispatched and, unless told otherwise, registered. */
  const runner = async (claimed = true): Promise<string> => {
    const claim = await waiting(harness, 1);
    if (claimed) await granted(harness, claim, "alloc-1");
    return claim;
  };

  test.each([
    ["10", "misconfigured", "read the allocation's log"],
    ["11", "misconfigured", "read the allocation's log"],
    ["14", "worker_unreachable", "can the nodes reach its URL?"],
    ["15", "worker_unreachable", "is PUBLIC_URL this Worker's?"],
    ["16", "no_docker", "read the log of its task"],
    ["31", "jit_refused", "is the node's clock right?"],
    ["32", "listener_failed", "read the allocation's log"],
    ["33", "listener_failed", "read the allocation's log"],
    ["34", "listener_failed", "read the allocation's log"],
    ["35", "listener_failed", "read the allocation's log"],
    ["37", "version_refused", "renew the image"],
    ["39", "listener_failed", "read the allocation's log"],
    ["137", "killed", "Raise the class's memory"],
  ])("%s shows as %s, with class, code and what to do", async (exit, kind, advice) => {
    const claim = await runner(!["10", "11", "14", "15", "16"].includes(exit));
    expect((await harness.release(claim, "alloc-1", exit)).status).toBe(204);
    const get = async (path: string) =>
      harness.runtime.fetch(path, { method: "GET", headers: { Authorization: `Bearer ${STATUS_TOKEN}` } });
    const status = (await (await get("/status")).json()) as { readonly problems: readonly unknown[] };
    expect(status.problems).toEqual([expect.objectContaining({ source: "runner", kind, count: 1 })]);
    const { detail } = status.problems[0] as { readonly detail: string };
    expect(detail.startsWith(`class linux, exit ${exit}: `)).toBe(true);
    expect(detail).toContain(advice);
    const samples = readSamples(await (await get("/metrics")).text());
    expect(samples.get(`runners_problems{kind="${kind}",source="runner"}`)).toBe(1);
    // Whatever it says, the job that waits gets another runner.
    expect(tokens(harness)).toEqual(["1:1", "1:2"]);
  });

  test.each(["0", "12", "13", "20", "21", "22", "23", "130", "143", "1", "255"])(
    "%s is no problem of the cluster's",
    async (exit) => {
      const claim = await runner();
      expect((await harness.release(claim, "alloc-1", exit)).status).toBe(204);
      expect(await problems()).toEqual([]);
      expect(tokens(harness)).toEqual(["1:1", "1:2"]);
    },
  );

  test.each([
    ...["", "037", "+37", "-37", "37.0", "3 7", "37,37", "37; 31", "0x25", "37\u00a0", "256", "1037", "NaN"],
    ...[
      "toString",
      "constructor",
      "__proto__",
      "'; DROP TABLE problems; --",
      "\u00b3\u00b7",
      "3".repeat(5_000),
    ],
  ])("that is none (%j) is not looked at, and the DELETE does its work", async (value) => {
    const claim = await runner();
    expect((await harness.release(claim, "alloc-1", value)).status).toBe(204);
    expect(await problems()).toEqual([]);
    expect(await harness.rows("SELECT end_reason FROM runners WHERE ordinal = 1")).toEqual([
      { end_reason: "released" },
    ]);
  });

  test("is counted once, however often it is said", async () => {
    const claim = await runner();
    for (let turn = 0; turn < 3; turn++) await harness.release(claim, "alloc-1", "37");
    await Promise.all([harness.release(claim, "alloc-1", "37"), harness.release(claim, "alloc-1", "37")]);
    expect(await problems()).toEqual([{ source: "runner", kind: "version_refused", count: 1 }]);
  });

  test("is counted once for a runner that GitHub keeps as busy", async () => {
    const claim = await runner();
    await start(harness, 1, NAME);
    answer(harness, ({ method }) =>
      method === "DELETE" ? { status: 422, body: { message: "busy" } } : null,
    );
    for (let turn = 0; turn < 3; turn++) {
      expect((await harness.release(claim, "alloc-1", "137")).status).toBe(204);
    }
    expect(await problems()).toEqual([{ source: "runner", kind: "killed", count: 1 }]);
  });

  test("is counted when GitHub fails first and the runner comes again", async () => {
    const claim = await runner();
    answer(harness, ({ method }) => (method === "DELETE" ? { status: 500 } : null));
    expect((await harness.release(claim, "alloc-1", "37")).status).toBe(503);
    expect(await problems()).toEqual([expect.objectContaining({ source: "github" })]);
    answer(harness, () => null);
    expect((await harness.release(claim, "alloc-1", "37")).status).toBe(204);
    expect(await problems()).toContainEqual({ source: "runner", kind: "version_refused", count: 1 });
  });

  test("of another holder, of a forged claim and of one too old is not heard", async () => {
    const claim = await runner();
    expect((await harness.release(claim, "alloc-2", "37")).status).toBe(204);
    expect((await harness.release(claimFor({}, "another key"), "alloc-1", "37")).status).toBe(401);
    expect((await harness.release(claimFor({ exp: inSeconds(-5 * DAY) }), "alloc-1", "37")).status).toBe(401);
    expect(await problems()).toEqual([]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "claimed" }]);
  });

  test("of a runner that nobody knows, of another scope or class, or of one whose job is done, is not heard", async () => {
    expect((await harness.release(claimFor({ job: 77 }), "alloc-1", "37")).status).toBe(204);
    const claim = await runner();
    for (const changes of [{ scope: `${SCOPE}-2` }, { class: "gpu" }]) {
      expect((await harness.release(claimFor(changes), "alloc-1", "37")).status).toBe(204);
    }
    await start(harness, 1, NAME);
    await finish(harness, 1, NAME);
    expect((await harness.release(claim, "alloc-1", "37")).status).toBe(204);
    expect(await problems()).toEqual([]);
  });

  test("of an expired claim that still gives its runner back is heard", async () => {
    await runner();
    const late = claimFor({ exp: inSeconds(-60) });
    expect((await harness.release(late, "alloc-1", "37")).status).toBe(204);
    expect(await problems()).toEqual([{ source: "runner", kind: "version_refused", count: 1 }]);
  });
});
