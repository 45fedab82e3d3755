import { asked, claimFor, claimOf, freshGithub, granted, rebind, waiting } from "../support/claims";
import { CLAIM_KEY, GITHUB_TOKEN, type Harness, signClaim, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const NEW_KEY = "the next claim key for tests, 32 bytes or more";
const ROTATING = { CLAIM_KEY: NEW_KEY, CLAIM_KEY_PREVIOUS: CLAIM_KEY };

/** Whether the Worker signed this claim with that key. */
function isSignedBy(claim: string, key: string): boolean {
  const json = Buffer.from(claim.split(".")[0] ?? "", "base64url").toString("utf8");
  return signClaim(JSON.parse(json) as Record<string, unknown>, key) === claim;
}

describe.each(RUNTIMES)("the claim key while it is rotated (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("claims under the previous key are good for POST and DELETE; new ones are signed with the new key", async () => {
    const old = await waiting(harness, 1);
    expect(isSignedBy(old, CLAIM_KEY)).toBe(true);
    await rebind(harness, ROTATING);
    await granted(harness, old, "alloc-1");
    expect((await harness.release(old, "alloc-1")).status).toBe(204);
    expect(asked(harness).map((one) => one.split(" ")[0])).toEqual(["POST", "DELETE"]);
    const next = claimOf(harness, "1:2");
    expect([isSignedBy(next, NEW_KEY), isSignedBy(next, CLAIM_KEY)]).toEqual([true, false]);
    await granted(harness, next, "alloc-2");
    expect((await harness.release(next, "alloc-2")).status).toBe(204);
  });

  test("an unused claim under the previous key is spent by its release", async () => {
    const old = await waiting(harness, 1);
    await rebind(harness, ROTATING);
    expect((await harness.release(old)).status).toBe(204);
    expect((await harness.claim(old)).status).toBe(409);
  });

  test("once the previous key is gone its claims are 401, for POST and DELETE, and do nothing", async () => {
    const old = await waiting(harness, 1);
    await rebind(harness, { CLAIM_KEY: NEW_KEY });
    expect((await harness.claim(old)).status).toBe(401);
    expect((await harness.release(old)).status).toBe(401);
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "dispatched" }]);
    await granted(harness, claimFor({}, NEW_KEY));
  });

  test("a third key, and an empty previous one, sign for nobody", async () => {
    await rebind(harness, { ...ROTATING, CLAIM_KEY_PREVIOUS: "" });
    await waiting(harness, 1);
    for (const key of ["", CLAIM_KEY, `${NEW_KEY} `]) {
      expect((await harness.claim(claimFor({}, key))).status).toBe(401);
      expect((await harness.release(claimFor({}, key))).status).toBe(401);
    }
    await granted(harness, claimFor({}, NEW_KEY));
  });

  test("without a claim key nothing is taken: 503", async () => {
    const claim = await waiting(harness, 1);
    await harness.bind({ CLAIM_KEY: undefined });
    expect((await harness.claim(claim)).status).toBe(503);
    expect((await harness.release(claim)).status).toBe(503);
    expect((await harness.claim(claimFor({}, ""))).status).toBe(503);
  });
});

describe.each(RUNTIMES)("what the Worker keeps to itself (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  const everything = async () => {
    const tables = ["jobs", "runners", "problems", "marks"];
    const rows = await Promise.all(tables.map(async (table) => harness.rows(`SELECT * FROM ${table}`)));
    return JSON.stringify(rows) + harness.runtime.lines.join("\n");
  };

  test("no claim, signature, JIT config, key or token is in a log line, in the ledger or in an error", async () => {
    await freshGithub(harness);
    const claim = await waiting(harness, 1);
    const accepting = harness.github.reply;
    const errors: string[] = [];
    // A GitHub, or something between, that echoes all it was sent.
    for (const status of [401, 403, 422, 500]) {
      harness.github.reply = ({ headers, body }) => ({
        status,
        body: { message: `${headers.authorization ?? ""} sent ${body}` },
      });
      errors.push(await (await harness.claim(claim, "alloc-1")).text());
    }
    harness.github.reply = accepting;
    const granting = await harness.claim(claim, "alloc-1");
    const { encoded_jit_config: jit } = (await granting.json()) as { encoded_jit_config: string };
    for (const wrong of [`${claim}A`, claimFor({}, "another key")]) {
      errors.push(await (await harness.claim(wrong)).text(), await (await harness.release(wrong)).text());
    }
    errors.push(await (await harness.claim(claim)).text());
    await harness.release(claim, "alloc-1");
    await harness.sweep();
    // workerd's lines come through a pipe.
    for (let turn = 0; turn < 100 && !harness.runtime.lines.join("").includes('"swept"'); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const shown = (await everything()) + errors.join("\n");
    const events = ["claim_refused", "claim_granted", "jit_refused", "claim_used", "released", "swept"];
    for (const event of events) expect(shown).toContain(event);
    const [first = "", signature = ""] = claim.split(".");
    const secrets = [first, signature, jit, CLAIM_KEY, GITHUB_TOKEN];
    expect(secrets.filter((secret) => secret === "" || shown.includes(secret))).toEqual([]);
  });
});
