import { redactor } from "../../scripts/plan-comment/redact";

const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEowIBAAKCAQEAexample".repeat(3)}\nsecondLineOfTheKey0123456789\n-----END RSA PRIVATE KEY-----`;

describe("secrets struck out of a plan", () => {
  test.each([
    ["NOMAD_TOKEN", "3f2c8a51-7a1e-4d52-9f0e-0b6f6f7a1c11"],
    ["CONSUL_HTTP_TOKEN", "0b6f6f7a-7a1e-4d52-9f0e-3f2c8a511c11"],
    ["VAULT_TOKEN", "root-token-of-a-development-server"],
    ["CLOUDFLARE_API_TOKEN", "0123456789abcdefghijklmnopqrstuvwxyzABCD"],
    ["TF_VAR_claim_key", "correct horse battery staple"],
    ["NOMAD_HTTP_AUTH", "user:password"],
    ["AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
  ])("the value of %s, as it is and encoded", (name, value) => {
    const redact = redactor({ [name]: value });
    const base64 = Buffer.from(value).toString("base64");
    for (const form of [value, base64, base64.replace(/=+$/, ""), encodeURIComponent(value), `"${value}"`]) {
      const text = redact(`  + text = ${form} # end`);
      expect(text).not.toContain(value);
      expect(text).not.toContain(base64.replace(/=+$/, ""));
      expect(text).toMatch(/^ {2}\+ text = "?\(redacted\)(=|"| )/);
    }
  });

  test("a value of several lines: whole, line by line, and quoted", () => {
    const redact = redactor({ GITHUB_APP_PEM_FILE: KEY });
    expect(redact(`text = ${JSON.stringify(KEY)}`)).toBe('text = "(redacted)"');
    expect(redact("      secondLineOfTheKey0123456789")).toBe("      (redacted)");
    expect(redact(KEY.replaceAll("\n", "\n            "))).not.toMatch(/MIIE|secondLine/);
  });

  test("the longer of two values, one of which holds the other", () => {
    expect(redactor({ A_TOKEN: "12345678", B_TOKEN: "123456789012" })("123456789012 12345678")).toBe(
      "(redacted) (redacted)",
    );
  });

  test.each([
    ["a GitHub token", `ghp_${"a1B2".repeat(9)}`],
    ["an installation token of the newer form", `ghs_123456_${"aB3-._".repeat(30)}x`],
    ["a fine-grained token", `github_pat_${"a1B2".repeat(15)}`],
    ["a Vault token", `hvs.${"CAESI".repeat(8)}`],
    ["an older Vault token", `s.${"a1B2C3d4".repeat(3)}`],
    ["an Access secret", `cfast_${"a1B2C3d4".repeat(6)}`],
    ["a JWT", `eyJ${"hbGciOi".repeat(4)}.eyJ${"zdWIiOi".repeat(4)}.c2lnbmF0dXJl`],
    ["a tunnel token", Buffer.from('{"a":"account","t":"tunnel","s":"secret"}').toString("base64")],
    ["a bearer", "Bearer abcdefghijklmnop"],
    ["a private key", KEY],
    ["a private key that was cut off", KEY.slice(0, 80)],
  ])("%s that no variable holds", (_, secret) => {
    expect(redactor({})(`before ${secret}`)).toBe("before (redacted)");
  });

  test("the user of a URL", () => {
    expect(redactor({})("https://user:pass@nomad.example.com/x")).toBe(
      "https://(redacted)@nomad.example.com/x",
    );
  });

  test.each([
    ['id = "3c0b8653-bb66-64a9-0000-000000000001"', {}],
    [`content_sha256 = "${"0a".repeat(32)}"`, {}],
    ["(sensitive value)", {}],
    ["github_repository_webhook.all_of_the_repositories", {}],
    ["https://nomad.example.com/x?y=a@b", {}],
    ["true false github-runners", { GITHUB_ACTIONS: "true", SOME_TOKEN: "false", NAME: "github-runners" }],
  ])("but not %s", (text, environment) => {
    expect(redactor(environment)(text)).toBe(text);
  });
});
