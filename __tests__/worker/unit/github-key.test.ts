import { createVerify, generateKeyPairSync } from "node:crypto";
import { pkcs8FromPem } from "../../../worker/github/pem";
import { NOW } from "./support/github";
import { APP_ID, KEYS, PKCS1, PKCS8, REPO, githubOf } from "./support/github-app";

const EC = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

describe("a GitHub App's key", () => {
  test.each([
    ["PKCS#1", PKCS1],
    ["PKCS#8", PKCS8],
    ["PKCS#1 with literal \\n", PKCS1.replaceAll("\n", "\\n")],
    ["PKCS#8 with CRLF", PKCS8.replaceAll("\n", "\r\n")],
    ["PKCS#8 with literal \\r\\n", PKCS8.replaceAll("\n", "\\r\\n")],
    ["PKCS#1 on one line", PKCS1.replaceAll("\n", " ")],
    ["PKCS#1 with text around it", `# key\n${PKCS1}\n# end`],
  ])("in %s signs a JWT that the public key verifies", async (_, pem) => {
    const { github, bearerOf } = githubOf(undefined, () => Promise.resolve(pem));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ ok: true });
    const [header = "", claims = "", signature = ""] = bearerOf(0).split(".");
    const decode = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
    expect(decode(header)).toEqual({ alg: "RS256", typ: "JWT" });
    expect(decode(claims)).toEqual({ iat: NOW / 1000 - 60, exp: NOW / 1000 + 570, iss: APP_ID });
    const verified = createVerify("RSA-SHA256")
      .update(`${header}.${claims}`)
      .verify(KEYS.publicKey, Buffer.from(signature, "base64url"));
    expect(verified).toBe(true);
  });

  test("of any size is wrapped as OpenSSL converts it", () => {
    for (const modulusLength of [512, 1024, 2048, 4096]) {
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength });
      const pkcs1 = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
      expect(pkcs8FromPem(pkcs1)).toEqual(
        new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })),
      );
    }
  });

  test.each([
    [3, "3017020100300d06092a864886f70d01010105000403"],
    [127, "308193020100300d06092a864886f70d0101010500047f"],
    [128, "308195020100300d06092a864886f70d0101010500048180"],
    [255, "30820114020100300d06092a864886f70d01010105000481ff"],
    [256, "30820116020100300d06092a864886f70d010101050004820100"],
  ])("of %i bytes is framed with the shortest lengths, as DER wants it", (length, header) => {
    const key = Buffer.alloc(length, 1);
    const pem = `-----BEGIN RSA PRIVATE KEY-----${key.toString("base64")}-----END RSA PRIVATE KEY-----`;
    expect(Buffer.from(pkcs8FromPem(pem) ?? []).toString("hex")).toBe(header + key.toString("hex"));
  });

  test.each([
    ["empty", ""],
    ["no PEM", "ghp_token"],
    ["a public key", KEYS.publicKey.export({ type: "spki", format: "pem" }).toString()],
    ["an elliptic-curve key", EC],
    ["an encrypted key", PKCS8.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")],
    ["cut off", PKCS1.slice(0, -40)],
    ["of two kinds", PKCS1.replace("BEGIN RSA", "BEGIN")],
    ["of two kinds the other way", PKCS8.replace("END PRIVATE", "END RSA PRIVATE")],
    ["without content", "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----"],
    ["no base64", "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----"],
    ["PKCS#8 called PKCS#1", PKCS8.replaceAll("PRIVATE KEY", "RSA PRIVATE KEY")],
    ["PKCS#1 called PKCS#8", PKCS1.replaceAll("RSA PRIVATE KEY", "PRIVATE KEY")],
  ])("that is %s is told as such, and nothing is sent", async (_, pem) => {
    const { github, sent } = githubOf(undefined, () => Promise.resolve(pem));
    const result = await github.getRunner(REPO, 23);
    expect(result).toMatchObject({ ok: false, error: "unavailable" });
    expect(result).toHaveProperty("detail", expect.stringContaining("GITHUB_APP_PRIVATE_KEY"));
    expect(sent).toHaveLength(0);
  });

  test("that cannot be read is missing", async () => {
    const { github, sent } = githubOf(undefined, () => Promise.reject(new Error("store")));
    expect(await github.getRunner(REPO, 23)).toMatchObject({ error: "unavailable" });
    expect(sent).toHaveLength(0);
  });
});
