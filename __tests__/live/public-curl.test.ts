import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathWithPublicCurl } from "./stack/public-curl";

const ORIGIN = { origin: "https://runners.example.com", listener: "http://127.0.0.1:4711" };
const CONFIG_ARGS = ["--silent", "--config", "-"];

describe("the curl that finds a public origin on loopback", () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "public-curl-"));
    const real = join(directory, "curl");
    // Tells what it was given, and ends as curl does without an answer.
    writeFileSync(real, '#!/bin/sh\nprintf "<%s>" "$@"\necho\ncat\nexit 7\n');
    chmodSync(real, 0o755);
    path = await pathWithPublicCurl(`${directory}:/usr/bin:/bin`, join(directory, "first"), ORIGIN);
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });
  const curl = (args: readonly string[], input: string): { status: number | null; stdout: string } =>
    spawnSync(join(directory, "first", "curl"), args, {
      input,
      encoding: "utf8",
      env: { PATH: path },
      timeout: 10_000,
    });

  it("is first on the PATH", () => {
    expect(path.split(":")[0]).toBe(join(directory, "first"));
  });

  it("asks the listener and names the host, with all else as it was", () => {
    const config = `url = "${ORIGIN.origin}/runners/claim"\nrequest = "POST"\nheader = "Authorization: Bearer a\\"b%s"\n`;
    const { status, stdout } = curl(CONFIG_ARGS, config);
    expect(stdout).toBe(
      '<--silent><--config><->\nurl = "http://127.0.0.1:4711/runners/claim"\nrequest = "POST"\n' +
        'header = "Authorization: Bearer a\\"b%s"\nheader = "Host: runners.example.com"\n',
    );
    expect(status).toBe(7);
  });

  it.each(["http://127.0.0.1:1/claim", "https://runners.example.com.evil.example/claim"])(
    "leaves %s alone",
    (url) => {
      const config = `url = "${url}"\nrequest = "POST"\n`;
      expect(curl(CONFIG_ARGS, config).stdout).toBe(`<--silent><--config><->\n${config}`);
    },
  );

  it("hands on a call without a config", () => {
    expect(curl(["-s", `${ORIGIN.origin}/healthz`], "input").stdout).toBe(
      "<-s><https://runners.example.com/healthz>\ninput",
    );
  });

  it("is refused where there is no curl to hand on to", async () => {
    await expect(pathWithPublicCurl("", join(directory, "second"), ORIGIN)).rejects.toThrow("no curl");
  });
});
