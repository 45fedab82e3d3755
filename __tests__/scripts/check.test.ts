import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const scratch = mkdtempSync(join(tmpdir(), "check-"));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs `npm run check -- <words>` with only one directory on the PATH. */
function check(directory: string, ...words: readonly string[]): { status: number | null; stdout: string } {
  const tsx = require.resolve("tsx/cli");
  const { status, stdout } = spawnSync(process.execPath, [tsx, join(ROOT, "scripts", "check.ts"), ...words], {
    cwd: ROOT,
    env: { PATH: directory },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout };
}

function shellcheckThat(exits: number): string {
  const directory = mkdtempSync(join(scratch, "bin-"));
  const program = join(directory, "shellcheck");
  writeFileSync(program, `#!/bin/sh\necho "given: $*"\nexit ${String(exits)}\n`);
  chmodSync(program, 0o755);
  return directory;
}

describe("npm run check", () => {
  it("fails where shellcheck is not installed, and says how to install it", () => {
    const { status, stdout } = check(scratch, "shellcheck");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAILED {2}shell scripts \(shellcheck\).*apt-get install shellcheck/m);
  });

  it("gives shellcheck every script", () => {
    const { status, stdout } = check(shellcheckThat(0), "shellcheck");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^given: .*jobs\/claim\.sh .*jobs\/start-runner\.sh .*\.ci\/run$/m);
    expect(stdout).toMatch(/^ok {6}shell scripts/m);
  });

  it("fails when a check fails", () => {
    const { status, stdout } = check(shellcheckThat(1), "shellcheck");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAILED {2}shell scripts/m);
  });

  it("refuses to check nothing", () => {
    const { status, stdout } = check(scratch, "no-such-check");
    expect(status).toBe(1);
    expect(stdout).toContain("shell scripts (shellcheck)");
  });
});
