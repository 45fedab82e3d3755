import { generateKeyPairSync } from "node:crypto";
import { REQUIRED_BINDINGS } from "../../../contracts/bindings";
import { missingBindings, readConfig, statusToken } from "../../../worker/config";
import { policy, rules } from "./support/policies";

const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
/** One scope stands at the top level of the text. */
const written = () => {
  const { scopes, ...rest } = policy();
  return { ...rest, ...(scopes[0] ?? rules()) };
};
const LEDGER = { prepare: () => null, batch: () => null };
const ENV: Readonly<Record<string, unknown>> = {
  LEDGER,
  RUNNER_POLICY: written(),
  GITHUB_WEBHOOK_SECRET: "hook s3cret",
  GITHUB_TOKEN: "github_pat_s3cret",
  NOMAD_ADDR: "https://nomad.example.com",
  NOMAD_TOKEN: "nomad-s3cret",
  PUBLIC_URL: "https://hooks.example.com",
  CLAIM_KEY: "claim s3cret",
  STATUS_TOKEN: "status s3cret",
};
const APP = { GITHUB_TOKEN: undefined, GITHUB_APP_ID: "123", GITHUB_APP_PRIVATE_KEY: PEM };
const EITHER = "GITHUB_TOKEN or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY";

const configOf = (changes: Record<string, unknown> = {}) => {
  const read = readConfig({ ...ENV, ...changes });
  if (!read.ok) throw new Error(JSON.stringify(read));
  return read.config;
};
const problemsOf = (changes: Record<string, unknown>) => {
  const read = readConfig({ ...ENV, ...changes });
  return read.ok ? { missing: [], invalid: [] } : { missing: read.missing, invalid: read.invalid };
};

describe("the bindings", () => {
  test("that are required are enough, and the rest has its defaults", () => {
    expect(configOf()).toEqual({
      ledger: LEDGER,
      policy: policy(),
      webhookSecrets: ["hook s3cret"],
      claimKeys: ["claim s3cret"],
      githubApiUrl: "https://api.github.com",
      credential: { kind: "token", token: expect.any(Function) as unknown },
      nomad: {
        addr: "https://nomad.example.com",
        token: "nomad-s3cret",
        namespace: "default",
        accessClientId: null,
        accessClientSecret: null,
      },
      publicUrl: "https://hooks.example.com",
      credentialExpiry: {},
    });
  });

  test("may be all there", () => {
    const config = configOf({
      GITHUB_WEBHOOK_SECRET_PREVIOUS: "older hook",
      CLAIM_KEY_PREVIOUS: "older claim",
      GITHUB_API_URL: "https://ghes.example.com/api/v3/",
      NOMAD_ADDR: "http://127.0.0.1:4646/",
      NOMAD_NAMESPACE: "runners",
      CF_ACCESS_CLIENT_ID: "client.access",
      CF_ACCESS_CLIENT_SECRET: "access-s3cret",
      PUBLIC_URL: "https://Hooks.Example.com/",
      RUNNER_POLICY: JSON.stringify(written()),
      CREDENTIAL_EXPIRY: '{"access":"2027-01-01T00:00:00Z","nomad":null}',
    });
    expect(config).toMatchObject({
      webhookSecrets: ["hook s3cret", "older hook"],
      claimKeys: ["claim s3cret", "older claim"],
      githubApiUrl: "https://ghes.example.com/api/v3",
      nomad: {
        addr: "http://127.0.0.1:4646",
        namespace: "runners",
        accessClientId: "client.access",
        accessClientSecret: "access-s3cret",
      },
      publicUrl: "https://hooks.example.com",
      policy: policy(),
      credentialExpiry: { access: "2027-01-01T00:00:00Z", nomad: null },
    });
  });

  test("are missing all at once where there are none", () => {
    for (const env of [undefined, null, "env", [], {}]) {
      const expected = REQUIRED_BINDINGS.filter((name) => name !== "STATUS_TOKEN");
      expect(readConfig(env)).toEqual({ ok: false, missing: [...expected, EITHER], invalid: [] });
    }
  });

  const required = REQUIRED_BINDINGS.filter((name) => name !== "STATUS_TOKEN");
  test.each(required)("are missing one by one: %s, undefined, empty or of another kind", (name) => {
    const ofAnotherKind = name === "LEDGER" ? [{}, "ledger"] : name === "RUNNER_POLICY" ? [] : [5, {}];
    for (const value of [undefined, null, "", ...ofAnotherKind]) {
      expect(problemsOf({ [name]: value })).toEqual({ missing: [name], invalid: [] });
    }
  });

  test("do not include the status token where nobody asks for the status", () => {
    expect(readConfig({ ...ENV, STATUS_TOKEN: undefined }).ok).toBe(true);
  });

  test("come empty where nobody set them, and then count as not there", () => {
    expect(
      configOf({
        GITHUB_WEBHOOK_SECRET_PREVIOUS: "",
        CLAIM_KEY_PREVIOUS: "",
        GITHUB_API_URL: "",
        NOMAD_NAMESPACE: "",
        CF_ACCESS_CLIENT_ID: "",
        CF_ACCESS_CLIENT_SECRET: "",
        CREDENTIAL_EXPIRY: "",
        GITHUB_APP_ID: "",
        GITHUB_APP_PRIVATE_KEY: "",
      }),
    ).toEqual({ ...configOf(), credential: expect.anything() as unknown });
  });

  test.each([
    ["CF_ACCESS_CLIENT_SECRET", { CF_ACCESS_CLIENT_ID: "client.access" }],
    ["CF_ACCESS_CLIENT_ID", { CF_ACCESS_CLIENT_SECRET: "access-s3cret" }],
    ["GITHUB_APP_PRIVATE_KEY", { ...APP, GITHUB_APP_PRIVATE_KEY: undefined }],
    ["GITHUB_APP_ID", { ...APP, GITHUB_APP_ID: "" }],
    ["GITHUB_APP_ID", { GITHUB_APP_PRIVATE_KEY: PEM }],
    [EITHER, { GITHUB_TOKEN: undefined }],
    [EITHER, { GITHUB_TOKEN: {} }],
  ])("are whole or not there: %s is missed in a half", (name, changes) => {
    expect(problemsOf(changes)).toEqual({ missing: [name], invalid: [] });
  });
});

describe("a GitHub credential", () => {
  const tokenOf = async (changes: Record<string, unknown>) => {
    const { credential } = configOf(changes);
    return credential.kind === "app" ? credential.privateKey() : credential.token();
  };

  test("is the App where both are bound: it serves several owners", async () => {
    const { credential } = configOf({ ...APP, GITHUB_TOKEN: "github_pat_s3cret" });
    expect(credential).toMatchObject({ kind: "app", appId: "123" });
    expect(await tokenOf(APP)).toBe(PEM.trim());
  });

  test("may lie in a Secrets Store, and is then read on each use", async () => {
    let version = 0;
    const store = { get: () => Promise.resolve(`token ${String((version += 1))}\n`) };
    const { credential } = configOf({ GITHUB_TOKEN: store });
    expect(version).toBe(0);
    if (credential.kind !== "token") throw new Error("not a token");
    expect([await credential.token(), await credential.token()]).toEqual(["token 1", "token 2"]);
    expect(await tokenOf({ ...APP, GITHUB_APP_PRIVATE_KEY: { get: () => Promise.resolve(PEM) } })).toBe(
      PEM.trim(),
    );
  });

  test("loses the line break that copying adds", async () => {
    expect(await tokenOf({ GITHUB_TOKEN: "github_pat_s3cret\n" })).toBe("github_pat_s3cret");
  });

  test("that the store does not give fails where it is used", async () => {
    const broken = [
      { get: () => Promise.reject(new Error("gone")) },
      {
        get: () => {
          throw new Error("gone");
        },
      },
      { get: () => Promise.resolve(undefined) },
    ];
    for (const store of broken) await expect(tokenOf({ GITHUB_TOKEN: store })).rejects.toThrow();
  });
});

describe("a binding that is wrong is told by name, without its value:", () => {
  test.each(["NOMAD_ADDR", "PUBLIC_URL", "GITHUB_API_URL"])("%s", (name) => {
    for (const value of [
      "nomad.example.com",
      "ftp://s3cret.example.com",
      "https://user:s3cret@example.com",
      "https://s3cret@example.com",
      "https://example.com/?token=s3cret",
      "https://example.com/#s3cret",
      "https://",
      "javascript:s3cret",
    ]) {
      const { missing, invalid } = problemsOf({ [name]: value });
      expect(missing).toEqual([]);
      expect(invalid).toEqual([expect.stringMatching(new RegExp(`^${name} must be an http or https `))]);
      expect(invalid.join()).not.toContain("s3cret");
    }
  });

  test("PUBLIC_URL with a path: claims and hooks are made from the origin", () => {
    expect(problemsOf({ PUBLIC_URL: "https://example.com/hooks" }).invalid).toEqual([
      expect.stringContaining("PUBLIC_URL must be an http or https origin"),
    ]);
  });

  test.each(["NOMAD_TOKEN", "CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"])("%s", (name) => {
    const access = { CF_ACCESS_CLIENT_ID: "a", CF_ACCESS_CLIENT_SECRET: "b" };
    for (const value of ["s3cret\n", "s3 cret", "s3cr\u00e9t"]) {
      const { invalid } = problemsOf({ ...access, [name]: value });
      expect(invalid).toEqual([`${name} must be printable ASCII without spaces or line breaks`]);
    }
  });

  test("RUNNER_POLICY, each of its problems", () => {
    const { missing, invalid } = problemsOf({ RUNNER_POLICY: { repositories: ["octo"], classes: [] } });
    expect(missing).toEqual([]);
    expect(invalid.length).toBeGreaterThan(1);
    expect(invalid.every((problem) => problem.startsWith("RUNNER_POLICY "))).toBe(true);
    expect(problemsOf({ RUNNER_POLICY: "{" }).invalid).toHaveLength(1);
  });

  test.each([
    "{",
    "[]",
    "5",
    5,
    { access: 5 },
    { access: "soon" },
    { Access: null },
    { "": null },
    '{"__proto__":null}',
  ])("CREDENTIAL_EXPIRY as %j", (value) => {
    expect(problemsOf({ CREDENTIAL_EXPIRY: value })).toEqual({
      missing: [],
      invalid: ["CREDENTIAL_EXPIRY must be a JSON object of names with an ISO 8601 time or null each"],
    });
  });
});

describe("what /healthz reports", () => {
  const healthy = { missing: [], invalid: [] };

  test("is nothing where all is well", async () => {
    expect(await missingBindings(ENV)).toEqual(healthy);
    expect(await missingBindings({ ...ENV, ...APP })).toEqual(healthy);
    expect(await missingBindings({ ...ENV, GITHUB_TOKEN: { get: () => Promise.resolve("t") } })).toEqual(
      healthy,
    );
  });

  test("includes the status token", async () => {
    expect(await missingBindings({ ...ENV, STATUS_TOKEN: "" })).toEqual({
      missing: ["STATUS_TOKEN"],
      invalid: [],
    });
    expect((await missingBindings(undefined)).missing).toEqual([...REQUIRED_BINDINGS, EITHER]);
  });

  test("includes a store that does not answer or has nothing", async () => {
    for (const get of [
      () => Promise.reject(new Error("gone")),
      () => Promise.resolve(""),
      () => Promise.resolve(" \n"),
    ]) {
      expect((await missingBindings({ ...ENV, GITHUB_TOKEN: { get } })).missing).toEqual(["GITHUB_TOKEN"]);
      const app = { ...ENV, ...APP, GITHUB_APP_PRIVATE_KEY: { get } };
      expect((await missingBindings(app)).missing).toEqual(["GITHUB_APP_PRIVATE_KEY"]);
    }
  });

  test("leaves out a token that the App makes needless", async () => {
    const broken = { get: () => Promise.reject(new Error("gone")) };
    expect(await missingBindings({ ...ENV, ...APP, GITHUB_TOKEN: broken })).toEqual(healthy);
  });

  test("includes what is wrong, and a private key that is none", async () => {
    const env = { ...ENV, ...APP, GITHUB_APP_PRIVATE_KEY: "s3cret", NOMAD_ADDR: "nowhere" };
    const { missing, invalid } = await missingBindings(env);
    expect(missing).toEqual([]);
    expect(invalid).toEqual([
      expect.stringContaining("NOMAD_ADDR"),
      "GITHUB_APP_PRIVATE_KEY must be an RSA private key in PEM",
    ]);
  });
});

test("the status token is null where it is not bound", () => {
  expect(statusToken(ENV)).toBe("status s3cret");
  for (const env of [{}, { STATUS_TOKEN: "" }, { STATUS_TOKEN: 5 }, null])
    expect(statusToken(env)).toBeNull();
});
