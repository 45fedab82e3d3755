import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import type { Claim } from "../../../contracts/claim";
import { bearer, sameSecret, signClaim, verifyClaim } from "../../../worker/claim-token";

const KEY = "claim key";
const NOW = Date.UTC(2026, 10, 21);
const CLAIM: Claim = { scope: "octo-org/example", class: "linux", job: 42, ordinal: 1, exp: NOW / 1000 + 60 };

const encode = (text: string): string => Buffer.from(text).toString("base64url");
/** Signs any first part, as only the holder of the key can. */
const signed = (first: string, key = KEY): string =>
  `${first}.${createHmac("sha256", key).update(first).digest("base64url")}`;
const check = (text: string | null, keys: readonly string[] = [KEY], now = NOW, grace = 0) =>
  verifyClaim(text, keys, now, grace);
const refused = (reason: string) => ({ ok: false, reason });

describe("a claim", () => {
  test("is its JSON and an HMAC-SHA256 over that text, both base64url without padding", async () => {
    const text = await signClaim(CLAIM, KEY);
    const [first = ""] = text.split(".");
    expect(JSON.parse(Buffer.from(first, "base64url").toString())).toEqual(CLAIM);
    expect(text).toBe(signed(first));
    expect(text).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
  });

  test("carries nothing besides its five fields", async () => {
    const more = { ...CLAIM, extra: "secret" };
    const [first = ""] = (await signClaim(more, KEY)).split(".");
    expect(JSON.parse(Buffer.from(first, "base64url").toString())).toEqual(CLAIM);
  });

  test("is read back as it was signed", async () => {
    expect(await check(await signClaim(CLAIM, KEY))).toEqual({ ok: true, claim: CLAIM });
    const claim = fc.record({
      scope: fc.constantFrom("octo-org/example", "octo-org", "a/b.c_d-e"),
      class: fc.constantFrom("linux", "a", "x64-gpu"),
      job: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      ordinal: fc.integer({ min: 1 }),
      exp: fc.integer({ min: NOW / 1000 + 1 }),
    });
    await fc.assert(
      fc.asyncProperty(claim, fc.string({ minLength: 1 }), async (one, key) => {
        expect(await check(await signClaim(one, key), [key])).toEqual({ ok: true, claim: one });
      }),
      { numRuns: 50 },
    );
  });

  test("is good under the current and the previous key, and no other", async () => {
    const text = await signClaim(CLAIM, KEY);
    expect((await check(text, ["newer", KEY])).ok).toBe(true);
    expect((await check(text, [KEY, "older"])).ok).toBe(true);
    expect(await check(text, ["newer", "older"])).toEqual(refused("forged"));
    expect(await check(text, [])).toEqual(refused("forged"));
    expect(await check(signed("e30", ""), [""])).toEqual(refused("forged"));
  });

  test("ends at its second, not after it, and is granted the grace", async () => {
    const text = await signClaim(CLAIM, KEY);
    expect((await check(text, [KEY], CLAIM.exp * 1000 - 1)).ok).toBe(true);
    expect(await check(text, [KEY], CLAIM.exp * 1000)).toEqual(refused("expired"));
    expect((await check(text, [KEY], CLAIM.exp * 1000 + 9_999, 10)).ok).toBe(true);
    expect(await check(text, [KEY], CLAIM.exp * 1000 + 10_000, 10)).toEqual(refused("expired"));
  });

  test("with any character changed is refused", async () => {
    const text = await signClaim(CLAIM, KEY);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom("A", "b", "_", "-", "7"),
        async (at, other) => {
          const changed = text.slice(0, at) + other + text.slice(at + 1);
          fc.pre(changed !== text);
          expect((await check(changed)).ok).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    ["missing", null],
    ["empty", ""],
    ["one part", encode(JSON.stringify(CLAIM))],
    ["an empty first part", signed("")],
    ["three parts", `${signed("e30")}.x`],
    ["a first part over 1 KiB", signed("A".repeat(1_028))],
    ["a padded signature", `${signed("e30")}=`],
    ["a short signature", signed("e30").slice(0, -1)],
    ["plain base64", signed("e30").replace(".", "+.")],
    ["a line break at the end", `${signed("e30")}\n`],
    ["no text at all", "bearer"],
  ])("is malformed: %s", async (_, text) => {
    expect(await check(text)).toEqual(refused("malformed"));
  });

  test("has one text only: spare bits of the signature must be zero", async () => {
    const text = await signClaim(CLAIM, KEY);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twin = text.slice(0, -1) + (alphabet[alphabet.indexOf(text.slice(-1)) + 1] ?? "");
    expect(Buffer.from(twin.split(".")[1] ?? "", "base64url")).toEqual(
      Buffer.from(text.split(".")[1] ?? "", "base64url"),
    );
    expect(await check(twin)).toEqual(refused("malformed"));
  });

  test.each([
    ["is not JSON", encode("{")],
    ["is no claim", encode("{}")],
    ["is null", encode("null")],
    ["is a claim of another version", encode(JSON.stringify({ ...CLAIM, kind: "warm" }))],
    ["is not UTF-8", Buffer.from([0xff, 0xfe]).toString("base64url")],
    ["is of an impossible length", "AAAAA"],
    ["has spare bits", "e31"],
  ])("signed by us is malformed when its first part %s", async (_, first) => {
    expect(await check(signed(first))).toEqual(refused("malformed"));
  });

  test("that somebody else wrote is forged before it is parsed", async () => {
    expect(await check(signed(encode("{"), "another key"))).toEqual(refused("forged"));
  });
});

describe("a bearer token", () => {
  test.each([
    ["Bearer abc.def-_", "abc.def-_"],
    ["bearer abc", "abc"],
    ["Bearer   abc", "abc"],
    ["Bearer abc==", "abc=="],
    [null, null],
    ["", null],
    ["Bearer", null],
    ["Bearer ", null],
    ["Basic abc", null],
    ["abc", null],
    ["Bearer a b", null],
    ["Bearer abc, Bearer abc", null],
    ["Bearer a=b!", "a=b!"],
    ["Bearer \u00e4", null],
    [`Bearer ${"a".repeat(4_096)}`, null],
  ])("of %p is %p", (header, expected) => {
    expect(bearer(header)).toBe(expected);
  });
});

describe("two secrets", () => {
  test("are the same only when every byte is", async () => {
    expect(await sameSecret("status token", "status token")).toBe(true);
    expect(await sameSecret("", "")).toBe(true);
    for (const other of ["status tokem", "status token ", "status toke", "", "Status token"]) {
      expect(await sameSecret("status token", other)).toBe(false);
    }
  });

  test("are compared for any texts as === does", async () => {
    const text = fc.string({ maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(text, text, async (left, right) => {
        expect(await sameSecret(left, right)).toBe(left === right);
      }),
      { numRuns: 50 },
    );
  });
});
