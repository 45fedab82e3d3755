import { said } from "../evidence-support";
import { secrecy } from "./secrecy";

const SECRET = {
  name: "the claim of j1:1",
  text: "eyJzY29wZSI6Im9jdG8tb3JnL2FwcCJ9.Zm9ydHktdGhyZWUtY2hhcmFjdGVycw",
  isFixed: true,
};
const told = (text: string) => said(secrecy, { texts: [{ source: "the log", text }], secrets: [SECRET] });

describe("the invariant that no secret is in any output", () => {
  test("finds nothing in what holds none", () => {
    expect(told('{"event":"dispatched","job_id":1,"class":"linux"}')).toEqual([]);
  });

  test("finds a secret as it is, a part of it, and what it is encoded to", () => {
    expect(told(`x ${SECRET.text} y`)).toContain("the claim of j1:1 stands in the log");
    expect(told(SECRET.text.slice(4))).toEqual(["the claim of j1:1 stands in the log"]);
    expect(told(Buffer.from(`!${SECRET.text}`).toString("base64"))).toEqual([
      expect.stringContaining("as base64"),
    ]);
    expect(told(Buffer.from(SECRET.text).toString("hex"))).toEqual([expect.stringContaining("as hex")]);
  });

  test.each([
    ["an installation token", `ghs_123456_${"a".repeat(40)}`],
    ["a signature", `sha256=${"0f".repeat(32)}`],
    ["a JSON web token", `eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0x.${"a".repeat(40)}`],
    ["a bearer token", `Bearer ${"a".repeat(36)}`],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----"],
  ])("knows %s by its form", (name, text) => {
    expect(told(`it was ${text} indeed`)).toContain(`${name} stands in the log`);
  });

  test("looks for what each runner has anew as it is only", () => {
    const secrets = [{ ...SECRET, isFixed: false }];
    const encoded = Buffer.from(SECRET.text).toString("hex");
    expect(said(secrecy, { secrets, texts: [{ source: "the log", text: encoded }] })).toEqual([]);
    expect(said(secrecy, { secrets, texts: [{ source: "the log", text: SECRET.text }] })).toHaveLength(1);
  });

  test("never tells the secret itself", () => {
    expect(told(SECRET.text).join()).not.toContain(SECRET.text.slice(0, 20));
  });
});
