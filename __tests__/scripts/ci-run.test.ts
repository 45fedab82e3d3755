import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CI_RUN = join(__dirname, "..", "..", ".ci", "run");
const scratch = mkdtempSync(join(tmpdir(), "ci-run-"));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

interface Machine {
  /** Programs of the machine, each a shell script; all note that they were called. */
  readonly programs: Readonly<Record<string, string>>;
}

/** Runs .ci/run on a machine that has nothing but these programs. */
function run({ programs }: Machine): { readonly status: number | null; readonly calls: readonly string[] } {
  const directory = mkdtempSync(join(scratch, "machine-"));
  const log = join(directory, "calls");
  const install = (name: string, body: string): void => {
    const file = join(directory, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>"${log}"\n${body}\n`);
    chmodSync(file, 0o755);
  };
  for (const [name, body] of Object.entries({ npm: "", ...programs })) install(name, body);
  for (const name of ["bash", "dirname", "env"]) {
    const found = ["/usr/bin", "/bin"].map((path) => join(path, name)).find(existsSync);
    if (found === undefined) throw new Error(`${name} is neither in /usr/bin nor in /bin`);
    symlinkSync(found, join(directory, name));
  }
  const { status } = spawnSync("bash", [CI_RUN], {
    env: { PATH: directory },
    encoding: "utf8",
    timeout: 20_000,
  });
  const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { status, calls: calls.filter((call) => !call.startsWith("id ")) };
}

const ROOT_USER = "echo 0";
const PLAIN_USER = "echo 1000";
const NPM = ["npm ci", "npm run check", "npm test"];
const APT = [
  "apt-get -o DPkg::Lock::Timeout=300 update",
  "apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends shellcheck",
];

describe(".ci/run", () => {
  it("installs the packages, checks and tests", () => {
    expect(run({ programs: { id: ROOT_USER, shellcheck: "" } })).toEqual({ status: 0, calls: NPM });
  });

  it("installs shellcheck where it is missing, from fresh lists", () => {
    expect(run({ programs: { id: ROOT_USER, "apt-get": "" } })).toEqual({
      status: 0,
      calls: [...APT, ...NPM],
    });
  });

  it("asks sudo, without a question, when it is not root", () => {
    const sudo = 'shift; "$@"';
    const { status, calls } = run({ programs: { id: PLAIN_USER, sudo, "apt-get": "" } });
    expect(status).toBe(0);
    expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual(APT);
    expect(calls[0]).toMatch(/^sudo -n apt-get/);
  });

  it("leaves it to the check to fail where shellcheck cannot be installed", () => {
    expect(run({ programs: { id: PLAIN_USER } })).toEqual({ status: 0, calls: NPM });
    expect(run({ programs: { id: ROOT_USER, "apt-get": "exit 100" } }).calls.slice(-3)).toEqual(NPM);
  });

  it.each(["run", "test"])("runs all and fails when npm %s fails", (failing) => {
    const npm = `[ "$1" != ${failing} ]`;
    expect(run({ programs: { id: ROOT_USER, shellcheck: "", npm } })).toEqual({ status: 1, calls: NPM });
  });

  it("stops when the packages cannot be installed", () => {
    const npm = '[ "$1" != ci ]';
    expect(run({ programs: { id: ROOT_USER, shellcheck: "", npm } })).toEqual({
      status: 1,
      calls: ["npm ci"],
    });
  });
});
