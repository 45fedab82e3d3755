import { SCOPE, asked, finish, granted, registrations, registry, waiting } from "../support/claims";
import { type Harness, acceptingGithub, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";

const ROW = "SELECT state, holder, registration_id FROM runners";
const GIVEN_BACK = [{ state: "dispatched", holder: null, registration_id: null }];
const runner = { id: 5, name: "x", status: "offline", busy: false };

/** What no try can mend: an operator has to. */
const REFUSALS: Readonly<Record<string, Reply>> = {
  "400": { status: 400, body: { message: "Problems parsing JSON" } },
  "401": { status: 401, body: { message: "Bad credentials" } },
  "403": { status: 403, body: { message: "Resource not accessible by personal access token" } },
  "404": { status: 404, body: { message: "Not Found" } },
  "422": { status: 422, body: { message: "Validation Failed" } },
  "a redirect": { status: 302, headers: { Location: "http://127.0.0.1:9/" } },
};

/** What may be over in a moment, and for how many seconds the runner is to wait. */
const FAILURES: Readonly<Record<string, readonly [Reply, string]>> = {
  "500": [{ status: 500, body: { message: "Server Error" } }, "10"],
  "502 in HTML": [{ status: 502, body: "<html>Unicorn!</html>" }, "10"],
  "503 with its own time": [{ status: 503, headers: { "Retry-After": "7" } }, "7"],
  "504": [{ status: 504 }, "10"],
  "a closed connection": ["drop", "10"],
  "201 without a runner": [{ status: 201, body: { encoded_jit_config: "aml0" } }, "10"],
  "201 without a JIT config": [{ status: 201, body: { runner } }, "10"],
  "201 with a JIT config that is none": [{ status: 201, body: { runner, encoded_jit_config: "a b" } }, "10"],
  "201 in HTML": [{ status: 201, body: "<html></html>" }, "10"],
};

describe.each(RUNTIMES)("a claim when GitHub does not register the runner (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("502 when it refused, with the claim given back: it is granted once an operator has mended that", async () => {
    const claim = await waiting(harness, 1);
    for (const [what, reply] of Object.entries(REFUSALS)) {
      harness.github.reply = () => reply;
      const response = await harness.claim(claim, "alloc-1");
      expect([what, response.status]).toEqual([what, 502]);
      expect(await response.json()).toEqual({
        error: "GitHub refused the runner; see the Worker's log and /status",
      });
      expect([what, await harness.rows(ROW)]).toEqual([what, GIVEN_BACK]);
    }
    expect(asked(harness)).toHaveLength(Object.keys(REFUSALS).length);
    const problems = await harness.rows("SELECT source, kind, count FROM problems ORDER BY kind");
    expect(problems).toEqual([
      { source: "github", kind: "not_found", count: 1 },
      { source: "github", kind: "refused", count: 5 },
    ]);
    harness.github.reply = acceptingGithub();
    await granted(harness, claim, "alloc-1");
  });

  test("503 with a time to come back when it failed, with the claim given back: it is granted then", async () => {
    const claim = await waiting(harness, 1);
    for (const [what, [reply, seconds]] of Object.entries(FAILURES)) {
      harness.github.reply = () => reply;
      const response = await harness.claim(claim, "alloc-1");
      expect([what, response.status]).toEqual([what, 503]);
      expect([what, response.headers.get("Retry-After")]).toEqual([what, seconds]);
      expect(await response.json()).toEqual({ error: "not now; try again" });
      expect([what, await harness.rows(ROW)]).toEqual([what, GIVEN_BACK]);
    }
    harness.github.reply = acceptingGithub();
    await granted(harness, claim, "alloc-2");
  });

  test("a claim given back has its time anew, and asks for no second runner", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = () => ({ status: 500 });
    for (let turn = 0; turn < 3; turn++) {
      await harness.age(200);
      expect((await harness.claim(claim)).status).toBe(503);
      await harness.sweep();
    }
    expect(harness.dispatches()).toHaveLength(1);
    harness.github.reply = acceptingGithub();
    await granted(harness, claim);
  });

  test("a claim given back is free for another holder, and spent by its release", async () => {
    const claim = await waiting(harness, 1);
    harness.github.reply = () => ({ status: 500 });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    const github = registry();
    harness.github.reply = github.reply;
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect((await harness.claim(claim, "alloc-2")).status).toBe(409);
    expect(github.runners).toEqual([]);
  });

  test("a registration whose answer was lost on its way is deleted by the next try", async () => {
    const claim = await waiting(harness, 1);
    const github = registry();
    harness.github.reply = (request) => {
      void github.reply(request);
      return "drop";
    };
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    expect(github.runners.map((one) => one.id)).toEqual([701]);
    harness.github.reply = github.reply;
    await granted(harness, claim, "alloc-1");
    expect(github.runners.map((one) => one.id)).toEqual([702]);
  });

  test("a registration whose answer was lost is removed when its job went away in the meantime", async () => {
    const claim = await waiting(harness, 1);
    const github = registry();
    harness.github.reply = (request) => {
      void github.reply(request);
      return "drop";
    };
    expect((await harness.claim(claim, "alloc-1")).status).toBe(503);
    harness.github.reply = github.reply;
    await finish(harness, 1);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    expect(github.runners).toEqual([]);
  });

  test("a GitHub that hangs is given up: 503 to POST, with the claim given back, and 503 to DELETE", async () => {
    const held = await waiting(harness, 1);
    await granted(harness, held, "alloc-1");
    const claim = await waiting(harness, 2);
    harness.github.reply = () => "hang";
    const answers = await Promise.all([harness.claim(claim, "alloc-2"), harness.release(held, "alloc-1")]);
    expect(answers.map((one) => one.status)).toEqual([503, 503]);
    expect(answers.map((one) => one.headers.get("Retry-After"))).toEqual(["10", "10"]);
    expect(await harness.rows(`${ROW} WHERE job_id = 2`)).toEqual(GIVEN_BACK);
    harness.github.reply = acceptingGithub();
    await granted(harness, claim, "alloc-2");
    expect((await harness.release(held, "alloc-1")).status).toBe(204);
  });

  test("a registration made after its claim was released is nobody's: it is deleted, and the answer is 503", async () => {
    const claim = await waiting(harness, 1);
    const github = registry();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    harness.github.reply = async (request) => {
      if (request.path.endsWith("/generate-jitconfig")) await held;
      return github.reply(request);
    };
    const post = harness.claim(claim, "alloc-1");
    while (registrations(harness) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await harness.release(claim, "alloc-1")).status).toBe(204);
    release();
    expect((await post).status).toBe(503);
    expect(github.runners).toEqual([]);
    expect(await harness.rows("SELECT state, end_reason FROM runners WHERE ordinal = 1")).toEqual([
      { state: "ended", end_reason: "released" },
    ]);
    expect(asked(harness).at(-1)).toBe(`DELETE /repos/${SCOPE}/actions/runners/701`);
  });
});
