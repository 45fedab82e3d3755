import { createHash, createHmac } from "node:crypto";
import { sign, workflowJob } from "../support/harness/deliveries";
import { CLAIM_KEY, STATUS_TOKEN, WEBHOOK_SECRET } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  linesSoFar,
  postSigned,
  tokens,
  unusable,
  useHarness,
} from "../support/webhook";

const PREVIOUS_SECRET = "the secret before this one, 32 bytes or more";
const BODY = JSON.stringify(workflowJob({ id: 1 }));
const RIGHT = sign(WEBHOOK_SECRET, BODY);
const HEX = RIGHT.slice("sha256=".length);
const HMAC = (algorithm: string, encoding: "hex" | "base64") =>
  createHmac(algorithm, WEBHOOK_SECRET).update(BODY).digest(encoding);

const REFUSED = {
  status: 401,
  body: { error: "X-Hub-Signature-256 is missing, malformed or wrong" },
};

/** What is no signature of {@link BODY}, by what is wrong with it; each is one step from the right one. */
const WRONG: readonly (readonly [string, string | null])[] = [
  ["missing", null],
  ["empty", ""],
  ["a prefix alone", "sha256="],
  ["without its prefix", HEX],
  ["one digit short", RIGHT.slice(0, -1)],
  ["one digit long", `${RIGHT}0`],
  ["one digit wrong", RIGHT.slice(0, -1) + (RIGHT.endsWith("0") ? "1" : "0")],
  ["its first digit wrong", `sha256=${HEX.startsWith("0") ? "1" : "0"}${HEX.slice(1)}`],
  ["in upper case", `sha256=${HEX.toUpperCase()}`],
  ["with its prefix in upper case", `SHA256=${HEX}`],
  ["with a space after its prefix", `sha256= ${HEX}`],
  ["with a colon in its prefix", `sha256:${HEX}`],
  ["with text behind it", `${RIGHT};v=1`],
  ["with another name before it", `v1=${RIGHT}`],
  ["doubled", `${RIGHT}, ${RIGHT}`],
  ["doubled, the first wrong", `sha256=${"0".repeat(64)}, ${RIGHT}`],
  ["doubled, the second wrong", `${RIGHT},sha256=${"0".repeat(64)}`],
  ["of letters that are no digits", `sha256=${"g".repeat(64)}`],
  ["of zeros", `sha256=${"0".repeat(64)}`],
  ["in base64", `sha256=${HMAC("sha256", "base64")}`],
  ["of SHA-1", `sha1=${HMAC("sha1", "hex")}`],
  ["of SHA-1 under the prefix of SHA-256", `sha256=${HMAC("sha1", "hex")}`],
  ["of SHA-512", `sha512=${HMAC("sha512", "hex")}`],
  ["a digest without a key", `sha256=${createHash("sha256").update(BODY).digest("hex")}`],
  ["of an empty body", sign(WEBHOOK_SECRET, "")],
  ["of the body and a line break", sign(WEBHOOK_SECRET, `${BODY}\n`)],
  ["of the same JSON spelt otherwise", sign(WEBHOOK_SECRET, JSON.stringify(JSON.parse(BODY), null, 1))],
  ["of another job", sign(WEBHOOK_SECRET, JSON.stringify(workflowJob({ id: 2 })))],
  ["by an empty key", sign("", BODY)],
  ["by a stranger's key", sign("a stranger's secret, 32 bytes or more", BODY)],
  ["by the key in another case", sign(WEBHOOK_SECRET.toUpperCase(), BODY)],
  ["by the key and a line break", sign(`${WEBHOOK_SECRET}\n`, BODY)],
  ["by the key of claims", sign(CLAIM_KEY, BODY)],
  ["by the status token", sign(STATUS_TOKEN, BODY)],
  ["by the secret before this one, which is not bound", sign(PREVIOUS_SECRET, BODY)],
];

describe.each(RUNTIMES)("a delivery's signature (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  test("that is right over the raw bytes is taken, with whatever key order and white space they have", async () => {
    const spelt = JSON.stringify(JSON.parse(BODY), null, 3);
    const bytes = new TextEncoder().encode(spelt.replace('"build"', '"bäuild 🎉"'));
    expect((await postSigned(harness(), bytes)).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test.each(WRONG)("that is %s is refused with 401, and nothing happens", async (_, signature) => {
    const response = await postSigned(harness(), BODY, { "X-Hub-Signature-256": signature });
    expect(await answerOf(response)).toEqual(REFUSED);
    await expectNothingHappened(harness());
  });

  test("of SHA-1 in GitHub's old header alone is refused", async () => {
    const response = await postSigned(harness(), BODY, {
      "X-Hub-Signature-256": null,
      "X-Hub-Signature": `sha1=${HMAC("sha1", "hex")}`,
    });
    expect(await answerOf(response)).toEqual(REFUSED);
    await expectNothingHappened(harness());
  });

  test("is read from its header only", async () => {
    const response = await harness().runtime.fetch(
      `/webhook?X-Hub-Signature-256=${encodeURIComponent(RIGHT)}`,
      {
        method: "POST",
        body: BODY,
        headers: { "X-GitHub-Event": "workflow_job", "X-GitHub-Delivery": "guid", "X-Hub-Signature": RIGHT },
      },
    );
    expect(await answerOf(response)).toEqual(REFUSED);
    await expectNothingHappened(harness());
  });

  test("is looked at before anything else: what is wrong besides makes no difference to a stranger", async () => {
    const unsigned = { "X-Hub-Signature-256": null };
    const answers = [
      await postSigned(harness(), "not JSON", unsigned),
      await postSigned(harness(), "payload=%7B%7D", {
        ...unsigned,
        "Content-Type": "application/x-www-form-urlencoded",
      }),
      await postSigned(harness(), BODY, { ...unsigned, "X-GitHub-Event": null }),
      await postSigned(harness(), BODY, { ...unsigned, "X-GitHub-Event": "ping" }),
      await postSigned(harness(), "", unsigned),
      await postSigned(harness(), new Uint8Array([0xff, 0xfe]), unsigned),
    ];
    for (const response of answers) expect(await answerOf(response)).toEqual(REFUSED);
    await expectNothingHappened(harness());
  });

  test("over an empty body is a signature like any other", async () => {
    expect(await answerOf(await postSigned(harness(), ""))).toEqual(unusable("not_json"));
  });

  test("that is wrong is logged without what the stranger sent", async () => {
    const headers = {
      "X-Hub-Signature-256": `sha256=${"e".repeat(64)}`,
      "X-GitHub-Delivery": "strangers-word",
    };
    await postSigned(harness(), BODY, headers);
    const lines = (await linesSoFar(harness())).filter((line) => line.includes("bad_signature"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => /strangers-word|eeee|octo-org/.test(line))).toEqual([]);
  });
});

describe.each(RUNTIMES)("while the webhook secret is rotated (%s)", (runtime) => {
  const harness = useHarness(runtime);
  const guid = { "X-GitHub-Delivery": "rotation" };

  test("both secrets sign, and neither anything else", async () => {
    await harness().bind({ GITHUB_WEBHOOK_SECRET_PREVIOUS: PREVIOUS_SECRET });
    expect((await postSigned(harness(), workflowJob({ id: 1 }), guid, PREVIOUS_SECRET)).status).toBe(202);
    expect((await postSigned(harness(), workflowJob({ id: 2 }), guid)).status).toBe(202);
    expect(tokens(harness())).toEqual(["1:1", "2:1"]);
    await forgetAll(harness());
    for (const key of ["neither of both, but 32 bytes or more", "", PREVIOUS_SECRET + WEBHOOK_SECRET]) {
      const response = await postSigned(harness(), workflowJob({ id: 3 }), guid, key);
      expect(await answerOf(response)).toEqual(REFUSED);
    }
    await expectNothingHappened(harness());
  });

  test("an empty previous secret signs for nobody", async () => {
    await harness().bind({ GITHUB_WEBHOOK_SECRET_PREVIOUS: "" });
    expect(await answerOf(await postSigned(harness(), workflowJob({ id: 1 }), guid, ""))).toEqual(REFUSED);
    await forgetAll(harness());
    expect((await postSigned(harness(), workflowJob({ id: 2 }), guid)).status).toBe(202);
  });
});
