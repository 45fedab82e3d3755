import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type Server, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IMAGE = join(__dirname, "..", "..", "jobs", "runner-image");
const SCRIPT = join(IMAGE, "install-runner.sh");
const dockerfile = readFileSync(join(IMAGE, "Dockerfile"), "utf8");
/** One instruction per line, without comments. */
const instructions = dockerfile
  .replace(/^\s*#.*\n/gm, "")
  .replace(/\\\n/g, " ")
  .split("\n");
const WRONG = "0".repeat(64);

let directory: string;
let server: Server;
let url: string;
/** What the stand-in for GitHub's releases serves: archives by their path. */
const files = new Map<string, Buffer>();
const asked: string[] = [];

/** An archive that holds the files named, each a program. */
function archiveOf(...names: readonly string[]): Buffer {
  const root = mkdtempSync(join(directory, "archive-"));
  for (const name of names) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), "#!/bin/sh\n", { mode: 0o755 });
  }
  return spawnSync("tar", ["-cz", "-C", root, "."]).stdout;
}

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

interface Installed {
  readonly code: number | null;
  readonly output: string;
  /** Where it was to be unpacked. */
  readonly target: string;
}

/** Runs the script as the image's build does, with some of its environment changed. */
async function install(changes: Readonly<Record<string, string>> = {}, args?: string[]): Promise<Installed> {
  const target = join(mkdtempSync(join(directory, "target-")), "runner");
  const child = spawn("sh", [SCRIPT, ...(args ?? [target])], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      TMPDIR: directory,
      TARGETARCH: "amd64",
      RUNNER_VERSION: "2.0.1",
      RUNNER_SHA256_X64: sha256(files.get("/v2.0.1/actions-runner-linux-x64-2.0.1.tar.gz") ?? Buffer.of()),
      RUNNER_SHA256_ARM64: sha256(
        files.get("/v2.0.1/actions-runner-linux-arm64-2.0.1.tar.gz") ?? Buffer.of(),
      ),
      RUNNER_DOWNLOAD_URL: url,
      ...changes,
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      output += data.toString();
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output, target };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "runner-image-"));
  files.set("/v2.0.1/actions-runner-linux-x64-2.0.1.tar.gz", archiveOf("bin/Runner.Listener", "x64"));
  files.set("/v2.0.1/actions-runner-linux-arm64-2.0.1.tar.gz", archiveOf("bin/Runner.Listener", "arm64"));
  files.set("/v2.0.2/actions-runner-linux-x64-2.0.2.tar.gz", archiveOf("readme"));
  files.set("/v2.0.3/actions-runner-linux-x64-2.0.3.tar.gz", Buffer.from("not an archive"));
  server = createServer(({ url: path = "" }, response) => {
    asked.push(path);
    const file = files.get(path);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

describe("install-runner.sh", () => {
  it.each([
    ["amd64", "x64"],
    ["arm64", "arm64"],
  ])("unpacks the archive for %s when it is the one of the checksum", async (platform, architecture) => {
    const { code, output, target } = await install({ TARGETARCH: platform });
    expect([code, output]).toEqual([0, ""]);
    expect(readdirSync(target).sort()).toEqual([architecture, "bin"].sort());
    expect(existsSync(join(target, "bin", "Runner.Listener"))).toBe(true);
    expect(asked.at(-1)).toBe(`/v2.0.1/actions-runner-linux-${architecture}-2.0.1.tar.gz`);
  });

  it("unpacks nothing of another archive, and says which checksum it has", async () => {
    const { code, output, target } = await install({ RUNNER_SHA256_X64: WRONG });
    expect(code).toBe(4);
    expect(output).toContain(
      `has the SHA-256 ${sha256(files.get("/v2.0.1/actions-runner-linux-x64-2.0.1.tar.gz") ?? Buffer.of())}, not ${WRONG}`,
    );
    expect(existsSync(target)).toBe(false);
  });

  it("does not take the checksum of the other architecture", async () => {
    const arm64 = sha256(files.get("/v2.0.1/actions-runner-linux-arm64-2.0.1.tar.gz") ?? Buffer.of());
    expect((await install({ RUNNER_SHA256_X64: arm64 })).code).toBe(4);
  });

  it("says what it could not download", async () => {
    const { code, output, target } = await install({ RUNNER_VERSION: "2.0.9" });
    expect(code).toBe(3);
    expect(output).toContain(`could not download ${url}/v2.0.9/actions-runner-linux-x64-2.0.9.tar.gz`);
    expect(existsSync(target)).toBe(false);
  });

  it.each([
    ["is no archive", "2.0.3", "could not unpack"],
    ["holds no runner", "2.0.2", "holds no bin/Runner.Listener"],
  ])("fails when what was released %s", async (_, version, message) => {
    const data = files.get(`/v${version}/actions-runner-linux-x64-${version}.tar.gz`) ?? Buffer.of();
    const { code, output } = await install({ RUNNER_VERSION: version, RUNNER_SHA256_X64: sha256(data) });
    expect([code, output]).toEqual([5, expect.stringContaining(message)]);
  });

  it.each<[string, Record<string, string>, string]>([
    ["an architecture without a runner", { TARGETARCH: "riscv64" }, "amd64 or arm64, got 'riscv64'"],
    ["no architecture", { TARGETARCH: "" }, "amd64 or arm64, got ''"],
    ["no version", { RUNNER_VERSION: "" }, "RUNNER_VERSION must be a version such as 2.338.0, got ''"],
    ["a version that is none", { RUNNER_VERSION: "../2.0.1" }, "got '../2.0.1'"],
    ["no checksum", { RUNNER_SHA256_X64: "" }, "64 hex digits, got ''"],
    ["a short checksum", { RUNNER_SHA256_X64: "abc" }, "64 hex digits, got 'abc'"],
    ["a checksum with other characters", { RUNNER_SHA256_X64: "g".repeat(64) }, "64 hex digits"],
  ])("asks for nothing when it gets %s", async (_, changes, message) => {
    const before = asked.length;
    const { code, output } = await install(changes);
    expect([code, output]).toEqual([2, expect.stringContaining(message)]);
    expect(asked).toHaveLength(before);
  });

  it("wants a directory", async () => {
    const { code, output } = await install({}, []);
    expect([code, output]).toEqual([2, expect.stringContaining("no directory")]);
  });

  it("leaves no download behind", () => {
    expect(readdirSync(directory).filter((name) => name.startsWith("tmp."))).toEqual([]);
  });
});

describe("the runner image", () => {
  it("has no version and no checksum of its own: both are arguments of its build", () => {
    for (const name of ["RUNNER_VERSION", "RUNNER_SHA256_X64", "RUNNER_SHA256_ARM64", "TARGETARCH"]) {
      expect(instructions).toContain(`ARG ${name}`);
    }
    expect(instructions.join("\n")).not.toMatch(/2\.\d{3}\.\d/);
  });

  it("takes the runner from the step that checks it, and from nowhere else", () => {
    expect(instructions).toContain("RUN sh /usr/local/bin/install-runner.sh /runner");
    expect(instructions.filter((line) => line.startsWith("COPY"))).toEqual([
      "COPY install-runner.sh /usr/local/bin/install-runner.sh",
      "COPY --from=docker-cli /usr/local/bin/docker /usr/local/bin/docker",
      "COPY --from=docker-cli /usr/local/libexec/docker/cli-plugins /usr/local/libexec/docker/cli-plugins",
      "COPY --from=download --chown=1001:1001 /runner /home/runner",
    ]);
    expect(instructions.filter((line) => /^ADD|\bcurl -|\bwget\b/.test(line))).toEqual([]);
  });

  it("is made of images that are pinned to a digest, with one Ubuntu", () => {
    const from = instructions.filter((line) => line.startsWith("FROM"));
    for (const line of from)
      expect(line).toMatch(/^FROM [a-z]+:[\w.-]+@sha256:[0-9a-f]{64}(?: AS [a-z-]+)?$/);
    const ubuntu = from.flatMap((line) => /ubuntu:\S+/.exec(line)?.[0] ?? []);
    expect(ubuntu).toHaveLength(2);
    expect(new Set(ubuntu).size).toBe(1);
  });

  it("ends as an unprivileged user, with GitHub's ids and without an entrypoint", () => {
    expect(instructions.filter((line) => line.startsWith("USER"))).toEqual(["USER runner"]);
    expect(dockerfile).toContain("--uid 1001");
    expect(dockerfile).toContain("groupadd --gid 123 docker");
    expect(instructions.filter((line) => /^(?:ENTRYPOINT|CMD)\b/.test(line))).toEqual([]);
  });
});
