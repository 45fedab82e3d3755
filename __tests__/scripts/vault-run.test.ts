import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { eventually } from "../support/eventually";
import { ID_TOKEN_BEARER, type VaultServer, vaultServer } from "./support/vault-server";

const SCRIPT = join(__dirname, "..", "..", "scripts", "vault-run.ts");
const READ = `
  CLOUDFLARE_API_TOKEN=kv/data/github-runners/diff#cloudflare
  NOMAD_TOKEN=nomad/creds/diff#secret_id
  NOMAD_ACCESSOR=nomad/creds/diff#accessor_id
`;

let vault: VaultServer;
beforeEach(async () => {
  vault = await vaultServer();
});
afterEach(() => vault.close());

interface Running {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly ended: Promise<number | null>;
}

/** Starts the script as a workflow step would; a variable set to undefined is not there. */
function start(
  command: readonly string[],
  changes: Readonly<Record<string, string | undefined>> = {},
): Running {
  const child = spawn(process.execPath, [require.resolve("tsx/cli"), SCRIPT, ...command], {
    env: {
      PATH: process.env["PATH"],
      GITHUB_ACTIONS: "true",
      ACTIONS_ID_TOKEN_REQUEST_URL: `${vault.url}/id-token?v=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: ID_TOKEN_BEARER,
      VAULT_ADDR: vault.url,
      VAULT_ROLE: "diff",
      VAULT_READ: READ,
      ...changes,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (said.out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (said.err += piece));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, said, ended };
}

describe("vault-run", () => {
  test("runs the command with what it read, without a last newline, masked before, and leaves nothing logged in", async () => {
    const { said, ended } = start([
      "sh",
      "-c",
      'printf "%s|" "$CLOUDFLARE_API_TOKEN" "$NOMAD_TOKEN" "$VAULT_TOKEN"; env; exit 7',
    ]);
    expect(await ended).toBe(7);
    const [, cloudflare, nomad, token] =
      /^(first%line\nsecond line)\|([0-9a-f-]{36})\|(hvs\.[0-9a-f-]{36})\|/m.exec(said.out) ?? [];
    expect(cloudflare).toBeDefined();
    const masks = said.out.slice(0, said.out.indexOf("first%line\n"));
    expect(masks.split("\n")).toEqual(
      expect.arrayContaining([
        `::add-mask::${token ?? ""}`,
        "::add-mask::first%25line",
        "::add-mask::second line",
        `::add-mask::${nomad ?? ""}`,
      ]),
    );
    // The command cannot log in again.
    expect(said.out).not.toContain(ID_TOKEN_BEARER);
    expect(said.out).not.toContain("ACTIONS_ID_TOKEN");
    expect(vault.tokens.size + vault.leases.size).toBe(0);
    expect(vault.requests.filter((request) => request.endsWith("/nomad/creds/diff"))).toHaveLength(1);
  });

  test("prints no secret outside a workflow run", async () => {
    const { said, ended } = start(["true"], { GITHUB_ACTIONS: undefined });
    expect(await ended).toBe(0);
    expect(said.out).toBe("");
  });

  test("revokes when the command is not there, and when a reading is refused", async () => {
    const missing = start(["no-such-program"]);
    expect(await missing.ended).toBe(1);
    expect(missing.said.err).toContain("no-such-program did not start");
    const refused = start(["echo", "ran"], { VAULT_READ: "X=kv/data/other#x" });
    expect(await refused.ended).toBe(1);
    expect(refused.said.err).toMatch(/kv\/data\/other of Vault: answered with 403: .*permission denied/s);
    expect(refused.said.out).not.toContain("ran");
    expect(vault.tokens.size + vault.leases.size).toBe(0);
    expect(vault.requests.filter((request) => request.endsWith("/revoke-self"))).toHaveLength(2);
  });

  test("says that the end was refused, fails for it, and does not hide how the command ended", async () => {
    vault.keepTokens();
    const well = start(["true"]);
    expect(await well.ended).toBe(1);
    expect(well.said.err).toMatch(/answered with 503: Vault is sealed\n.*lives on until its TTL ends/);
    const failed = start(["sh", "-c", "exit 7"]);
    expect(await failed.ended).toBe(7);
    expect(failed.said.err).toContain("lives on");
  });

  test("hands a signal on, and leaves the credentials to whom the command started and left behind", async () => {
    const { child, said, ended } = start([
      "sh",
      "-c",
      'trap "echo stopped; exit 3" TERM; echo started; while :; do sleep 0.1; done',
    ]);
    await eventually(() => said.out.includes("started"), 15_000);
    child.kill("SIGTERM");
    expect(await ended).toBe(3);
    expect(said.out).toContain("stopped");
    expect(said.err).toContain("lives on until its TTL ends");
    expect(vault.tokens.size).toBe(1);
  });

  test.each([
    [
      "another role",
      { VAULT_ROLE: "deploy" },
      /login as deploy at jwt-github: answered with 400: role "deploy" could not/,
    ],
    [
      "another audience",
      { VAULT_AUDIENCE: "x" },
      /answered with 400: error validating token: invalid audience/,
    ],
    [
      "a wrong bearer",
      { ACTIONS_ID_TOKEN_REQUEST_TOKEN: "forged" },
      /GitHub's OIDC token: answered with 401/,
    ],
    [
      "a field that is not there",
      { VAULT_READ: "X=nomad/creds/diff#secret" },
      /must have a text in data\.secret, got undefined/,
    ],
    [
      "a field that is empty",
      { VAULT_READ: "X=kv/data/github-runners/diff#empty" },
      /in data\.data\.empty, got nothing/,
    ],
    ["nobody there", { VAULT_ADDR: "http://127.0.0.1:9" }, /no answer .*does this runner reach it/],
  ])("says what was refused: %s", async (_, changes, message) => {
    const { said, ended } = start(["echo", "ran"], changes);
    expect(await ended).toBe(1);
    expect(said.err).toMatch(message);
    expect(said.err).not.toMatch(/jwt-for|hvs\./);
    expect(said.out).not.toMatch(/^ran$/m);
    expect(vault.tokens.size + vault.leases.size).toBe(0);
  });

  test("says all that is wrong with its settings at once, and calls nobody", async () => {
    const { said, ended } = start(["echo", "ran"], {
      VAULT_ADDR: "",
      VAULT_ROLE: "a/b",
      VAULT_READ: "NOMAD_TOKEN: nomad/creds\nX=kv/../sys#y",
      ACTIONS_ID_TOKEN_REQUEST_URL: undefined,
    });
    expect(await ended).toBe(1);
    for (const name of [
      "VAULT_ADDR: must",
      "VAULT_ROLE: must",
      'got "NOMAD_TOKEN: nomad/creds"',
      'got "X=kv/../sys#y"',
      "id-token: write",
    ])
      expect(said.err).toContain(name);
    expect(vault.requests).toEqual([]);
  });
});
