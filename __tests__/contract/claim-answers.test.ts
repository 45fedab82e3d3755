import { createHmac } from "node:crypto";
import {
  JIT,
  STACK,
  asked,
  claimFor,
  claimOf,
  finish,
  inSeconds,
  registrations,
  start,
  waiting,
} from "../support/claims";
import {
  CLAIM_KEY,
  type Harness,
  STATUS_TOKEN,
  WEBHOOK_SECRET,
  startHarness,
} from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const ROW = "SELECT state, holder, registration_id, end_reason FROM runners ORDER BY ordinal";

/** Signs any text as the first part of a claim. */
function signText(text: string, key = CLAIM_KEY): string {
  const first = Buffer.from(text).toString("base64url");
  return `${first}.${createHmac("sha256", key).update(first).digest("base64url")}`;
}

/** The last character of 43 holds 4 bits; this sets one of its spare ones, so that it decodes to the same bytes. */
function respell(claim: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const value = alphabet.indexOf(claim.slice(-1));
  return claim.slice(0, -1) + (alphabet[value ^ 1] ?? "");
}

/** What is no claim of ours, by what is wrong with it; every one would be good but for that. */
function wrongHeaders(good: string): Record<string, string | null> {
  const [first = "", signature = ""] = good.split(".");
  const bearer = {
    "an empty token": "",
    "no signature": first,
    "an empty signature": `${first}.`,
    "an empty claim": `.${signature}`,
    "a third part": `${good}.${signature}`,
    "a truncated signature": good.slice(0, -1),
    "a truncated claim": `${first.slice(0, -2)}.${signature}`,
    "a longer signature": `${good}A`,
    "the signature respelt": respell(good),
    padding: `${good}=`,
    "a space inside": `${first} .${signature}`,
    "another ordinal under the same signature": `${claimFor({ ordinal: 2 }).split(".")[0] ?? ""}.${signature}`,
    "the signature of another claim": `${first}.${claimFor({ ordinal: 2 }).split(".")[1] ?? ""}`,
    "a signature of zeros": `${first}.${"A".repeat(43)}`,
    "another key": claimFor({}, "a claim key of somebody else, 32 bytes"),
    "the webhook secret as key": claimFor({}, WEBHOOK_SECRET),
    "no key": claimFor({}, ""),
    "the status token": STATUS_TOKEN,
    "a text that is no JSON": signText("{"),
    "JSON that is no object": signText("[1]"),
    "no end": claimFor({ exp: undefined }),
    "an end that is no number": claimFor({ exp: "2999" }),
    "an end without end": signText(
      JSON.stringify({ scope: "octo-org/example" }).replace("}", ',"exp":1e999}'),
    ),
    "a field too much": claimFor({ kind: "warm" }),
    "a scope that is a path": claimFor({ scope: "octo-org/../example" }),
    "an ordinal of 0": claimFor({ ordinal: 0 }),
    "a claim of 5 KB": `${"A".repeat(5000)}.${signature}`,
  };
  return {
    "no header": null,
    "no scheme": good,
    "another scheme": `Basic ${Buffer.from(`x:${good}`).toString("base64")}`,
    "two tokens": `Bearer ${good} ${good}`,
    ...Object.fromEntries(Object.entries(bearer).map(([what, token]) => [what, `Bearer ${token}`])),
  };
}

describe.each(RUNTIMES)("POST and DELETE /runners/claim (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const call = async (method: string, authorization: string | null, path = "/runners/claim") =>
    harness.runtime.fetch(path, {
      method,
      headers: authorization === null ? {} : { Authorization: authorization },
    });

  test("a granted claim answers 201 with the runner's name and its JIT config, for nobody to keep", async () => {
    const response = await harness.claim(await waiting(harness, 1), "alloc-1");
    expect(response.status).toBe(201);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const name = `${STACK}-linux-1-1`;
    expect(await response.json()).toEqual({
      runner_name: name,
      encoded_jit_config: Buffer.from(`jit of ${name}`).toString("base64"),
    });
    expect(await harness.rows(ROW)).toEqual([
      { state: "claimed", holder: "alloc-1", registration_id: 101, end_reason: null },
    ]);
  });

  test.each(["POST", "DELETE"])(
    "%s with anything but a claim of ours is 401 and does nothing",
    async (method) => {
      const good = await waiting(harness, 1);
      const before = await harness.rows("SELECT * FROM runners");
      const answers: [string, number][] = [];
      for (const [what, header] of Object.entries(wrongHeaders(good))) {
        const response = await call(method, header);
        answers.push([what, response.status]);
        // Which of them it was is not for the caller to know.
        expect(await response.json()).toEqual({ error: "bearer is missing, wrong or expired" });
      }
      expect(answers).toEqual(answers.map(([what]) => [what, 401]));
      expect(answers.length).toBeGreaterThan(25);
      const inPath = await call(method, null, `/runners/claim?claim=${good}&access_token=${good}`);
      expect(inPath.status).toBe(401);
      expect(await harness.rows("SELECT * FROM runners")).toEqual(before);
      expect(asked(harness)).toEqual([]);
      expect((await harness.claim(good)).status).toBe(201);
    },
  );

  test("the scheme's letters may be of either case", async () => {
    const claim = await waiting(harness, 1);
    expect((await call("POST", `bearer ${claim}`)).status).toBe(201);
  });

  test("another method is 405 and says which are allowed", async () => {
    const claim = await waiting(harness, 1);
    for (const method of ["GET", "PUT", "PATCH"]) {
      const response = await call(method, `Bearer ${claim}`);
      expect(response.status).toBe(405);
      expect(response.headers.get("Allow")).toBe("POST, DELETE");
    }
    expect(asked(harness)).toEqual([]);
  });

  test("an expired claim is 401 from its last second on, and good before", async () => {
    await waiting(harness, 1);
    expect((await harness.claim(claimFor({ exp: inSeconds(0) }))).status).toBe(401);
    expect((await harness.claim(claimFor({ exp: inSeconds(-3600) }))).status).toBe(401);
    expect(asked(harness)).toEqual([]);
    expect((await harness.claim(claimFor({ exp: inSeconds(60) }))).status).toBe(201);
  });

  test("a used claim is 409, by nobody in particular and by another holder", async () => {
    const claim = await waiting(harness, 1);
    await waiting(harness, 2);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(201);
    for (const holder of [undefined, "alloc-2", "not a holder's name", "x".repeat(65)]) {
      const response = await harness.claim(claim, holder);
      expect(response.status).toBe(409);
      expect(await response.json()).toEqual({ error: "this claim was used already" });
    }
    expect(asked(harness)).toEqual([JIT]);
  });

  test("a claim whose runner took a job, or is over, is 409", async () => {
    const claim = await waiting(harness, 1);
    const runner = ((await (await harness.claim(claim, "alloc-1")).json()) as { runner_name: string })
      .runner_name;
    await start(harness, 1, runner);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    await finish(harness, 1, runner);
    await waiting(harness, 2);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    expect(registrations(harness)).toBe(1);
  });

  test("when nothing waits the answer is 410, and the claim is spent", async () => {
    const claim = await waiting(harness, 1);
    await finish(harness, 1);
    const response = await harness.claim(claim, "alloc-1");
    expect(response.status).toBe(410);
    expect(await response.json()).toEqual({ error: "nothing waits for a runner; exit without registering" });
    expect(await harness.rows(ROW)).toEqual([
      { state: "ended", holder: null, registration_id: null, end_reason: "refused" },
    ]);
    await waiting(harness, 2);
    expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
    expect(asked(harness)).toEqual([]);
  });

  test("a claim of a runner that the ledger does not know is 410", async () => {
    await waiting(harness, 1);
    for (const changes of [{ job: 2 }, { ordinal: 2 }, { scope: "octo-org/other" }]) {
      expect((await harness.claim(claimFor(changes))).status).toBe(410);
    }
    expect(asked(harness)).toEqual([]);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "dispatched" }]);
  });

  test("two claims of one ordinal do not differ: whoever signed, the ordinal is used once", async () => {
    const claim = await waiting(harness, 1);
    await waiting(harness, 2);
    const again = claimFor({ exp: inSeconds(1000) });
    expect(again).not.toBe(claim);
    expect((await harness.claim(claim)).status).toBe(201);
    expect((await harness.claim(again)).status).toBe(409);
    expect((await harness.claim(claimOf(harness, "2:1"))).status).toBe(201);
  });

  test("a ledger that does not answer is 503 with a time to come back, and the claim is good then", async () => {
    const claim = await waiting(harness, 1);
    await harness.rows("ALTER TABLE runners RENAME TO runners_away");
    try {
      for (const response of [
        await call("POST", `Bearer ${claim}`),
        await call("DELETE", `Bearer ${claim}`),
      ]) {
        expect(response.status).toBe(503);
        expect(response.headers.get("Retry-After")).toBe("5");
      }
      expect(asked(harness)).toEqual([]);
    } finally {
      await harness.rows("ALTER TABLE runners_away RENAME TO runners");
    }
    expect((await harness.claim(claim)).status).toBe(201);
  });
});
