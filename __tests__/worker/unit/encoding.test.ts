import * as fc from "fast-check";
import { base64, base64url, fromBase64, fromBase64url, hex } from "../../../worker/encoding";

describe("encodings", () => {
  test("of any bytes are those of the platform", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(base64(bytes)).toBe(buffer.toString("base64"));
        expect(base64url(bytes)).toBe(buffer.toString("base64url"));
        expect(hex(bytes)).toBe(buffer.toString("hex"));
        expect(fromBase64url(base64url(bytes))).toEqual(bytes);
        expect(fromBase64(base64(bytes))).toEqual(bytes);
      }),
    );
  });

  test("of a text are those of its UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(base64(text)).toBe(Buffer.from(text, "utf8").toString("base64"));
      }),
    );
  });

  test("of a whole dispatch payload do not overflow anything", () => {
    expect(base64("x".repeat(2_000_000))).toHaveLength(2_666_668);
  });

  test.each(["=", "A", "AAAAA", "AA==", "+/", "A\n", "\u00e9", "AB", "AAB"])(
    "do not read %p as base64url",
    (text) => {
      expect(fromBase64url(text)).toBeNull();
    },
  );

  test("do not read what is no base64", () => {
    expect(fromBase64("*")).toBeNull();
  });
});
