import { randomBytes } from "node:crypto";
import { findSecrets } from "./lifecycle/secret-search";

const SECRET = { name: "the key", text: "s3cret+value/of_any~kind" };
const find = (bytes: Buffer | string): readonly string[] =>
  findSecrets([SECRET], [{ source: "here", bytes: Buffer.from(bytes) }]);

describe("the search for secrets", () => {
  it("finds one as it is", () => {
    expect(find(`a=${SECRET.text}\0`)).toEqual(["the key as it is in here"]);
  });

  it("finds one as hex of either case", () => {
    const hex = Buffer.from(SECRET.text).toString("hex");
    expect(find(`x${hex}`)).toEqual(["the key as hex in here"]);
    expect(find(hex.toUpperCase())).toEqual(["the key as hex in here"]);
  });

  it.each([0, 1, 2, 3, 4, 5])("finds one in base64 with %d bytes before it", (before) => {
    for (const after of [0, 1, 2, 3]) {
      const wrapped = Buffer.concat([randomBytes(before), Buffer.from(SECRET.text), randomBytes(after)]);
      expect(find(wrapped.toString("base64"))).toEqual(["the key as base64 in here"]);
      expect(find(wrapped.toString("base64url"))).toEqual(["the key as base64 in here"]);
    }
  });

  it("finds one between bytes that are no text", () => {
    const bytes = Buffer.concat([randomBytes(1_000), Buffer.from(SECRET.text), randomBytes(1_000)]);
    expect(find(bytes)).toHaveLength(1);
  });

  it("finds nothing where it is not", () => {
    expect(find("s3cret+value/of_any~kin")).toEqual([]);
    expect(find(randomBytes(10_000))).toEqual([]);
    expect(find(randomBytes(10_000).toString("base64"))).toEqual([]);
  });

  it("names every place and never the secret", () => {
    const bytes = Buffer.from(SECRET.text);
    const found = findSecrets(
      [SECRET, { name: "another", text: "not anywhere at all" }],
      [
        { source: "one", bytes },
        { source: "two", bytes },
      ],
    );
    expect(found).toEqual(["the key as it is in one", "the key as it is in two"]);
  });

  it("refuses to look for what would be found by chance", () => {
    expect(() => findSecrets([{ name: "short", text: "abc" }], [])).toThrow("short is too short");
  });
});
