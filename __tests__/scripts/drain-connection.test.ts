import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCommandLine } from "../../scripts/drain/command-line";
import { DrainError } from "../../scripts/drain/drain-error";
import { readConnection } from "../../scripts/drain/connection";

const ADDRESS = "https://nomad.example.com:4646";

describe("what a drain reads from its environment", () => {
  const directory = mkdtempSync(join(tmpdir(), "drain-"));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const file = (name: string): string => {
    writeFileSync(join(directory, name), `text of ${name}`);
    return join(directory, name);
  };

  test("with nothing set, the settings' address and no credential", () => {
    expect(readConnection(`${ADDRESS}/`, { NOMAD_NAMESPACE: "ignored", NOMAD_TOKEN: "" })).toEqual({
      address: ADDRESS,
      region: undefined,
      hasToken: false,
      headers: {},
      tls: {},
    });
  });

  test("everything the nomad program takes from there", () => {
    const environment = {
      NOMAD_ADDR: "https://127.0.0.1:4646/behind/a/path/",
      NOMAD_REGION: "eu",
      NOMAD_TOKEN: "t",
      NOMAD_HTTP_AUTH: "user:word",
      NOMAD_CACERT: file("ca"),
      NOMAD_CLIENT_CERT: file("cert"),
      NOMAD_CLIENT_KEY: file("key"),
      NOMAD_TLS_SERVER_NAME: "server.global.nomad",
      NOMAD_SKIP_VERIFY: "true",
    };
    expect(readConnection(ADDRESS, environment)).toEqual({
      address: "https://127.0.0.1:4646/behind/a/path",
      region: "eu",
      hasToken: true,
      headers: { "X-Nomad-Token": "t", Authorization: "Basic dXNlcjp3b3Jk" },
      tls: {
        ca: "text of ca",
        cert: "text of cert",
        key: "text of key",
        servername: "server.global.nomad",
        rejectUnauthorized: false,
      },
    });
    expect(readConnection(ADDRESS, { NOMAD_SKIP_VERIFY: "0" }).tls).toEqual({});
  });

  test.each([
    [{ NOMAD_ADDR: "nomad:4646" }, /NOMAD_ADDR: must be an address .* got "nomad:4646"/],
    [{ NOMAD_ADDR: "unix:///run/nomad.sock" }, /NOMAD_ADDR: must be an address/],
    [{ NOMAD_CAPATH: "/etc/ssl" }, /NOMAD_CAPATH is not supported here: .*NOMAD_CACERT/],
    [{ NOMAD_CACERT: "/nonexistent" }, /NOMAD_CACERT: cannot read \/nonexistent: ENOENT/],
    [{ NOMAD_SKIP_VERIFY: "yes" }, /NOMAD_SKIP_VERIFY: must be true or false, got "yes"/],
  ])("refuses %j", (environment, says) => {
    expect(() => readConnection(ADDRESS, environment)).toThrow(says);
  });

  test.each([["https://user:hunter2@nomad:4646"], ["ftp://user:hunter2@nomad"], ["user:hunter2@nomad"]])(
    "refuses the login in an address without telling it (%#)",
    (address) => {
      const read = (): unknown => readConnection(address, {});
      expect(read).toThrow(/^the settings' nomad.apiAddress: must/);
      expect(read).not.toThrow(/hunter2/);
    },
  );
});

describe("the command line of a drain", () => {
  test("without words: runners.config.ts, everything stopped, the default time", () => {
    expect(readCommandLine([])).toEqual({
      help: false,
      settings: "runners.config.ts",
      finish: false,
      timeoutSeconds: undefined,
    });
  });

  test("all its words", () => {
    expect(readCommandLine(["--finish", "a.ts", "--timeout", "60"])).toMatchObject({
      settings: "a.ts",
      finish: true,
      timeoutSeconds: 60,
    });
  });

  test.each([
    [["--purge"], /--purge/],
    [["a.ts", "b.ts"], /takes one file of settings, got a.ts, b.ts/],
    [["--timeout"], /--timeout/],
    [["--timeout", "0"], /--timeout must be a whole number of seconds from 1 to 518400, got 0/],
    [["--timeout", "1h"], /got 1h/],
    [["--timeout", "518401"], /got 518401/],
  ])("refuses %j with how it is used", (words, says) => {
    const read = (): unknown => readCommandLine(words);
    expect(read).toThrow(says);
    expect(read).toThrow("npm run drain -- [settings]");
    expect(read).toThrow(DrainError);
  });
});
