import { parseDevVars } from "../../local/dev/dev-vars";
import { devSettings } from "../../local/dev/settings";

const COMPLETE = {
  RUNNER_POLICY: "{}",
  GITHUB_WEBHOOK_SECRET: "a",
  GITHUB_TOKEN: "b",
  NOMAD_ADDR: "http://127.0.0.1:4646",
  NOMAD_TOKEN: "c",
  CLAIM_KEY: "d",
  STATUS_TOKEN: "e",
};

describe("the settings of npm run dev", () => {
  test("have defaults, and take every binding from the variable of its name", () => {
    const settings = devSettings({ ...COMPLETE, HOME: "/root", LEDGER: "ignored" });
    expect(settings).toEqual({
      bindings: COMPLETE,
      port: 8787,
      sweepSeconds: 60,
      ledgerDir: undefined,
      missing: [],
    });
  });

  test("take port, sweep and ledger from the environment", () => {
    const settings = devSettings({
      ...COMPLETE,
      PORT: "0",
      SWEEP_SECONDS: "5",
      LEDGER_DIR: "/tmp/x",
      PUBLIC_URL: "https://h.example",
    });
    expect(settings).toMatchObject({ port: 0, sweepSeconds: 5, ledgerDir: "/tmp/x" });
    expect(settings.bindings.PUBLIC_URL).toBe("https://h.example");
  });

  test("name what is missing; an empty variable is missing, and an App does instead of a token", () => {
    const { missing, bindings } = devSettings({
      ...COMPLETE,
      CLAIM_KEY: "",
      GITHUB_TOKEN: undefined,
      GITHUB_APP_ID: "1",
    });
    expect(missing).toEqual(["CLAIM_KEY", "GITHUB_TOKEN (or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY)"]);
    expect(bindings).not.toHaveProperty("CLAIM_KEY");
    const app = { ...COMPLETE, GITHUB_TOKEN: undefined, GITHUB_APP_ID: "1", GITHUB_APP_PRIVATE_KEY: "k" };
    expect(devSettings(app).missing).toEqual([]);
  });

  test.each([
    ["PORT", "65536"],
    ["PORT", "http"],
    ["SWEEP_SECONDS", "0"],
    ["SWEEP_SECONDS", "1.5"],
  ])("refuse %s=%s with what was given", (name, value) => {
    expect(() => devSettings({ ...COMPLETE, [name]: value })).toThrow(`${name} must be a whole number from`);
    expect(() => devSettings({ ...COMPLETE, [name]: value })).toThrow(`"${value}"`);
  });
});

describe(".dev.vars", () => {
  test("has lines of KEY=VALUE, comments and quotes", () => {
    const text = '# comment\n\nA=1\nB = two words \nexport C="x # y"\nD=\'{"a":"\\n"}\'\nE=\r\nF="a\\nb"\n';
    expect(parseDevVars(text)).toEqual({
      A: "1",
      B: "two words",
      C: "x # y",
      D: '{"a":"\\n"}',
      E: "",
      F: "a\nb",
    });
  });

  test("may quote a PEM over several lines", () => {
    const pem = "-----BEGIN KEY-----\nabc\n-----END KEY-----";
    expect(parseDevVars(`K="${pem}"\nL=1`)).toEqual({ K: pem, L: "1" });
  });

  test.each([
    ["a line without =", "A=1\nsecret-value", "line 2"],
    ["a quote that is not closed", 'A="secret-value', "line 1"],
  ])("%s is refused by its number, never by its text", (_what, text, line) => {
    expect(() => parseDevVars(text)).toThrow(line);
    expect(() => parseDevVars(text)).not.toThrow("secret-value");
  });
});
