import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNNER_RELEASE } from "../../constructs/runner-release";
import { readPinned, withPinned } from "../../scripts/runner-release/pinned";
import { publishedRelease } from "../../scripts/runner-release/published";
import { type ReleasesServer, imageIndex, releasesServer, sha256 } from "./support/releases-server";

const ROOT = join(__dirname, "..", "..");
const SOURCE = readFileSync(join(ROOT, "constructs", "runner-release.ts"), "utf8");
jest.setTimeout(60_000);

let server: ReleasesServer;
beforeEach(async () => {
  server = await releasesServer();
});
afterEach(() => server.close());

const sources = (said: string[] = []) => ({
  apiUrl: server.url,
  registryUrl: server.url,
  token: "api-token",
  say: (line: string) => said.push(line),
});
/** What the stand-in publishes, as it is to be pinned. */
const expected = () => ({
  version: server.published.version,
  releasedOn: "2031-02-03",
  sha256: { x64: sha256(server.published.archives.x64), arm64: sha256(server.published.archives.arm64) },
  imageDigest: `sha256:${sha256(imageIndex(server.published))}`,
});

describe("what is pinned", () => {
  it("is read as the constructs have it", () => {
    const pinned = readPinned(SOURCE);
    expect(RUNNER_RELEASE).toMatchObject({ version: pinned.version, releasedOn: pinned.releasedOn });
    expect(RUNNER_RELEASE.archives.x64.sha256).toBe(pinned.sha256.x64);
    expect(RUNNER_RELEASE.archives.arm64.sha256).toBe(pinned.sha256.arm64);
    expect(RUNNER_RELEASE.image).toBe(
      `ghcr.io/actions/actions-runner:${pinned.version}@${pinned.imageDigest}`,
    );
  });

  it("is written so that it is read again, and nothing else changes", () => {
    const text = withPinned(SOURCE, expected());
    expect(readPinned(text)).toEqual(expected());
    expect(withPinned(text, readPinned(SOURCE))).toBe(SOURCE);
    expect(text.split("\n")).toHaveLength(SOURCE.split("\n").length);
  });

  it("must be one release", () => {
    const mixed = SOURCE.replace(/(ARM64 = \{\s+tag: "v)[\d.]+/, "$12.1.0");
    expect(() => readPinned(mixed)).toThrow(
      `must name one release, got ${readPinned(SOURCE).version}, 2.1.0`,
    );
  });

  it.each([
    ["gone", ""],
    ["there twice", SOURCE + SOURCE],
  ])("is not guessed when it is %s", (_, text) => {
    expect(() => readPinned(text)).toThrow(/must hold this once, got it [02] times/);
    expect(() => withPinned(text, expected())).toThrow(/must hold this once/);
  });
});

describe("a look-up of a release", () => {
  it.each(["latest", "2.400.0"])("downloads and checks both archives (%s)", async (wanted) => {
    const said: string[] = [];
    expect(await publishedRelease(wanted, sources(said))).toEqual(expected());
    expect(said).toEqual([
      "downloading actions-runner-linux-x64-2.400.0.tar.gz",
      "downloading actions-runner-linux-arm64-2.400.0.tar.gz",
    ]);
  });

  it("shows GitHub's token to the API alone", async () => {
    await publishedRelease("latest", sources());
    const shown = server.requests.filter(({ authorization }) => authorization === "Bearer api-token");
    expect(shown.map(({ path }) => path)).toEqual(["/repos/actions/runner/releases/latest"]);
  });

  it("takes neither when an archive is not what its notes say", async () => {
    server.published.noted.arm64 = "0".repeat(64);
    await expect(publishedRelease("latest", sources())).rejects.toThrow(
      `has the SHA-256 ${sha256(server.published.archives.arm64)}, and the notes of 2.400.0 say ${"0".repeat(64)}`,
    );
  });

  it.each<[string, (server: ReleasesServer) => void, RegExp]>([
    [
      "notes without a checksum",
      ({ published }) => (published.noted.x64 = "gone"),
      /notes of 2\.400\.0 hold no SHA-256/,
    ],
    [
      "a tag that is no version",
      ({ published }) => (published.version = "2.400"),
      /the tag "v2\.400", not a version/,
    ],
    [
      "an image for one architecture",
      ({ published }) => published.platforms.splice(1),
      /none for linux\/arm64\./,
    ],
  ])("refuses %s", async (_, change, message) => {
    change(server);
    await expect(publishedRelease("latest", sources())).rejects.toThrow(message);
  });

  it("says what GitHub answered", async () => {
    await expect(publishedRelease("2.1.0", sources())).rejects.toThrow(
      `GET ${server.url}/repos/actions/runner/releases/tags/v2.1.0 was answered with 404`,
    );
    await server.close();
    await expect(publishedRelease("latest", sources())).rejects.toThrow("got no answer");
  });
});

describe("npm run runner-release", () => {
  const directory = mkdtempSync(join(tmpdir(), "runner-release-"));
  const file = join(directory, "runner-release.ts");
  beforeEach(() => {
    writeFileSync(file, SOURCE);
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const run = (...words: readonly string[]): Promise<readonly [number | null, string]> =>
    new Promise((resolve) => {
      const program = [require.resolve("tsx/cli"), join(ROOT, "scripts", "runner-release.ts"), ...words];
      const child = spawn(process.execPath, program, {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: process.env["PATH"],
          RUNNER_RELEASE_API_URL: server.url,
          RUNNER_RELEASE_REGISTRY_URL: server.url,
          RUNNER_RELEASE_FILE: file,
        },
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (data: Buffer) => {
          output += data.toString();
        });
      }
      child.once("close", (code) => {
        resolve([code, output]);
      });
    });

  it("pins a release, which then is what GitHub publishes", async () => {
    const [code, output] = await run("latest");
    expect([code, output]).toEqual([
      0,
      expect.stringContaining(`${readPinned(SOURCE).version} is now 2.400.0`),
    ]);
    expect(readPinned(readFileSync(file, "utf8"))).toEqual(expected());
    expect(await run("check")).toEqual([0, expect.stringContaining("2.400.0: archives, notes, image and")]);
  });

  it("tells of each value that is not what GitHub publishes, and changes none", async () => {
    const wrong = { ...expected(), releasedOn: "2031-02-04", imageDigest: `sha256:${"0".repeat(64)}` };
    const text = withPinned(SOURCE, wrong);
    writeFileSync(file, text);
    const [code, output] = await run("check");
    expect(code).toBe(1);
    expect(output).toContain("releasedOn: pinned is 2031-02-04, GitHub publishes 2031-02-03");
    expect(output).toContain(`digest of the image: pinned is ${wrong.imageDigest}, GitHub publishes`);
    expect(output).not.toContain("sha256 of");
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("prints the image's build arguments without asking anybody", async () => {
    const { version, sha256: sums } = readPinned(SOURCE);
    expect(await run("build-args")).toEqual([
      0,
      `--build-arg RUNNER_VERSION=${version} --build-arg RUNNER_SHA256_X64=${sums.x64} --build-arg RUNNER_SHA256_ARM64=${sums.arm64}\n`,
    ]);
    expect(server.requests).toEqual([]);
  });

  it("leaves the file alone when the release is not there", async () => {
    expect(await run("2.1.0")).toEqual([1, expect.stringContaining("was answered with 404")]);
    expect(readFileSync(file, "utf8")).toBe(SOURCE);
  });

  it.each([[[]], [["newest"]], [["latest", "check"]]])("says how it is called (%j)", async (words) => {
    expect(await run(...words)).toEqual([1, expect.stringContaining("npm run runner-release -- latest")]);
  });
});
