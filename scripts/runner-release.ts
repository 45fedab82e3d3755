import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PinnedRelease, readPinned, withPinned } from "./runner-release/pinned";
import { type Sources, publishedRelease } from "./runner-release/published";
import { runMain } from "./support/run-main";

const FILE = process.env["RUNNER_RELEASE_FILE"] ?? join(__dirname, "..", "constructs", "runner-release.ts");

const USAGE = `The release of GitHub's runner that classes run (constructs/runner-release.ts).
  npm run runner-release -- latest        pin GitHub's latest release: its archives are downloaded and checked
  npm run runner-release -- 2.338.0       pin this one
  npm run runner-release -- check         hold what is pinned to what GitHub publishes
  npm run --silent runner-release -- build-args   arguments for \`docker buildx build jobs/runner-image\`
Reads GITHUB_TOKEN: a higher rate limit. Elsewhere than at GitHub: RUNNER_RELEASE_API_URL, RUNNER_RELEASE_REGISTRY_URL;
another file: RUNNER_RELEASE_FILE.`;

/** @returns 1 when what is pinned is not what GitHub publishes */
async function main(words: readonly string[]): Promise<number> {
  const [what = ""] = words;
  if (words.length !== 1 || !/^(?:latest|check|build-args|\d+\.\d+\.\d+)$/.test(what)) throw new Error(USAGE);
  const file = readFileSync(FILE, "utf8");
  const pinned = readPinned(file);
  if (what === "build-args") {
    console.log(buildArguments(pinned));
    return 0;
  }
  const published = await publishedRelease(what === "check" ? pinned.version : what, sources());
  if (what === "check") return differences(pinned, published);
  writeFileSync(FILE, withPinned(file, published));
  console.log(`constructs/runner-release.ts: ${pinned.version} is now ${published.version}`);
  return 0;
}

function differences(pinned: PinnedRelease, published: PinnedRelease): number {
  const wrong = [
    ["releasedOn", pinned.releasedOn, published.releasedOn],
    ["sha256 of x64", pinned.sha256.x64, published.sha256.x64],
    ["sha256 of arm64", pinned.sha256.arm64, published.sha256.arm64],
    ["digest of the image", pinned.imageDigest, published.imageDigest],
  ].filter(([, ours, theirs]) => ours !== theirs);
  for (const [name = "", ours = "", theirs = ""] of wrong) {
    console.error(`${name}: pinned is ${ours}, GitHub publishes ${theirs}`);
  }
  if (wrong.length === 0) console.log(`${pinned.version}: archives, notes, image and pinned values are one`);
  return wrong.length === 0 ? 0 : 1;
}

function buildArguments({ version, sha256 }: PinnedRelease): string {
  const values = { VERSION: version, SHA256_X64: sha256.x64, SHA256_ARM64: sha256.arm64 };
  return Object.entries(values)
    .map(([name, value]) => `--build-arg RUNNER_${name}=${value}`)
    .join(" ");
}

function sources(): Sources {
  // Not GITHUB_API_URL: GitHub Enterprise Server, whose runs set it, does not have the runner's releases.
  const { GITHUB_TOKEN: token } = process.env;
  return {
    apiUrl: process.env["RUNNER_RELEASE_API_URL"] ?? "https://api.github.com",
    registryUrl: process.env["RUNNER_RELEASE_REGISTRY_URL"] ?? "https://ghcr.io",
    ...(token !== undefined && token !== "" && { token }),
    say: (line) => {
      console.error(line);
    },
  };
}

runMain(main);
