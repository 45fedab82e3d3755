/** An archive of GitHub's runner, as it lies at its release. */
export interface RunnerArchive {
  /** `https://` address of the `.tar.gz`. */
  readonly url: string;
  /** SHA-256 of the archive: 64 hex digits, lower case. */
  readonly sha256: string;
}

/** Architectures for which runners are made, by the runner's own names. */
export type RunnerArchitecture = "x64" | "arm64";

/** A release of GitHub's runner. */
export interface RunnerRelease {
  /** Such as `2.338.0`. */
  readonly version: string;
  /** The day on which GitHub released it, in UTC: `YYYY-MM-DD`. */
  readonly releasedOn: string;
  /** The runner for Linux. */
  readonly archives: Readonly<Record<RunnerArchitecture, RunnerArchive>>;
  /** GitHub's image of it, with its version and the digest of its index, which covers both architectures. */
  readonly image: string;
}

/*
 * The one place where the runner's version stands. Renovate rewrites these lines, and so does `npm run runner-release`: the
 * patterns of both (renovate.json, scripts/runner-release/) go by their form. `npm run runner-release -- check` downloads
 * the archives and holds the lines to what GitHub publishes.
 *
 * Where the values are from: the release notes, which carry the SHA-256 of each archive, and the registry's index for the
 * tag. https://github.com/actions/runner/releases
 */
const X64 = {
  tag: "v2.338.0",
  on: "2026-10-06",
  sha256: "af4b794c1bc41d73d40535e3fe092a39f9679cd8d965954c2aca25a05ca41d32",
};
const ARM64 = {
  tag: "v2.338.0",
  on: "2026-10-06",
  sha256: "628b4a7258487b80c1d3c221095a7ded349f5ae0175fd3dfab708d07428f041b",
};
const IMAGE =
  "ghcr.io/actions/actions-runner:2.338.0@sha256:4ffadc0002b2581327e06101fc8c06cd189232baf79fe561fac9caeb76f5e807";

/** The release that classes run unless they name another. Renew it within 30 days of the next one.
 *  @see https://github.com/actions/runner/releases */
export const RUNNER_RELEASE: RunnerRelease = {
  version: X64.tag.slice(1),
  releasedOn: X64.on,
  archives: { x64: archive("x64", X64), arm64: archive("arm64", ARM64) },
  image: IMAGE,
};

function archive(
  architecture: RunnerArchitecture,
  { tag, sha256 }: { readonly tag: string; readonly sha256: string },
): RunnerArchive {
  const file = `actions-runner-linux-${architecture}-${tag.slice(1)}.tar.gz`;
  return { url: `https://github.com/actions/runner/releases/download/${tag}/${file}`, sha256 };
}
