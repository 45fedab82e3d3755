import { leaksIn } from "./stack/leaks";

const SECRETS = [
  { name: "the token", text: "s3cret-token-of-somebody" },
  { name: "the key", text: "MIIEowIBAAKCAQEAvery-long-line" },
];

describe("the search for secrets in what was printed", () => {
  it("finds none where there is none", () => {
    expect(leaksIn("Apply complete! (sensitive value)", SECRETS)).toEqual([]);
  });

  it("names those that stand there, and does not show them", () => {
    expect(leaksIn(`a\n"${SECRETS[0]?.text ?? ""}"\n${SECRETS[1]?.text ?? ""}`, SECRETS)).toEqual([
      "the token",
      "the key",
    ]);
  });

  it("finds one that the CLI broke into lines", () => {
    expect(leaksIn("stack  + text = s3cret-token-\n                of-somebody", SECRETS)).toEqual([
      "the token",
    ]);
  });

  it("finds one in base64", () => {
    expect(leaksIn(Buffer.from(SECRETS[0]?.text ?? "").toString("base64"), SECRETS)).toEqual(["the token"]);
  });
});
