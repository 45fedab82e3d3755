import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { verifySignature } from "../../../worker/signature";

/** GitHub's own test vector.
 *  @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation */
const SECRET = "It's a Secret to Everybody";
const BODY = "Hello, World!";
const HEADER = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sign = (key: string, body: Uint8Array): string =>
  `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;

describe("a delivery's signature", () => {
  test("is right for GitHub's own test vector", async () => {
    expect(await verifySignature(HEADER, bytes(BODY), [SECRET])).toBe(true);
  });

  test.each([
    ["missing", null],
    ["empty", ""],
    ["of another algorithm", HEADER.replace("sha256=", "sha1=")],
    ["without its algorithm", HEADER.slice("sha256=".length)],
    ["with another case of the algorithm", HEADER.replace("sha256", "SHA256")],
    ["in upper-case hexadecimal", `sha256=${HEADER.slice(7).toUpperCase()}`],
    ["one digit short", HEADER.slice(0, -1)],
    ["one digit long", `${HEADER}0`],
    ["with a digit that is none", `${HEADER.slice(0, -1)}g`],
    ["with a space before it", ` ${HEADER}`],
    ["with a line break after it", `${HEADER}\n`],
    ["sent twice", `${HEADER}, ${HEADER}`],
    ["doubled without a comma", `${HEADER}${HEADER}`],
    ["of zeros", `sha256=${"0".repeat(64)}`],
    ["with its last digit changed", `${HEADER.slice(0, -1)}8`],
    ["the word undefined", "undefined"],
    ["of digits outside ASCII", `sha256=${"\u0661".repeat(64)}`],
  ])("is refused when %s", async (_, header) => {
    expect(await verifySignature(header, bytes(BODY), [SECRET])).toBe(false);
  });

  test.each([
    ["another body", "Hello, World?"],
    ["a body with a line break added", `${BODY}\n`],
    ["no body", ""],
  ])("is refused over %s", async (_, body) => {
    expect(await verifySignature(HEADER, bytes(body), [SECRET])).toBe(false);
  });

  test("is made with the whole key: another, a shorter and a longer one are refused", async () => {
    for (const key of ["another", SECRET.slice(0, -1), `${SECRET} `]) {
      expect(await verifySignature(HEADER, bytes(BODY), [key])).toBe(false);
    }
  });

  test("may be made with the current or the previous key, whichever comes first", async () => {
    expect(await verifySignature(HEADER, bytes(BODY), [SECRET, "older"])).toBe(true);
    expect(await verifySignature(HEADER, bytes(BODY), ["newer", SECRET])).toBe(true);
    expect(await verifySignature(HEADER, bytes(BODY), ["newer", "older"])).toBe(false);
  });

  test("is refused when no key is configured, and an empty key signs for nobody", async () => {
    const empty = sign("", bytes(BODY));
    expect(await verifySignature(HEADER, bytes(BODY), [])).toBe(false);
    expect(await verifySignature(empty, bytes(BODY), [""])).toBe(false);
    expect(await verifySignature(HEADER, bytes(BODY), ["", SECRET])).toBe(true);
  });

  test("covers raw bytes, UTF-8 or not, and takes the key as UTF-8", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ minLength: 1, unit: "grapheme" }),
        async (body, key) => {
          expect(await verifySignature(sign(key, body), body, [key])).toBe(true);
          const other = Uint8Array.from([...body, 0]);
          expect(await verifySignature(sign(key, body), other, [key])).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("never throws, whatever the header is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (header) => {
        expect(await verifySignature(header, bytes(BODY), [SECRET])).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
