/** A release of the runner, as constructs/runner-release.ts holds it. */
export interface PinnedRelease {
  /** Such as `2.338.0`. */
  readonly version: string;
  /** Day of the release in UTC, `YYYY-MM-DD`. */
  readonly releasedOn: string;
  /** SHA-256 of the archives for Linux, 64 hex digits. */
  readonly sha256: Readonly<Record<Architecture, string>>;
  /** Digest of the image's index, `sha256:` and 64 hex digits. */
  readonly imageDigest: string;
}

/** The architectures for which runners are made. */
export type Architecture = "x64" | "arm64";

/** Where the values stand; renovate.json has the same places. Each pattern keeps what is before and behind its values. */
const PLACES = {
  x64: archivePlace("X64"),
  arm64: archivePlace("ARM64"),
  image: /(ghcr\.io\/actions\/actions-runner:)([\d.]+)(@)(sha256:[0-9a-f]{64})/,
} as const;

function archivePlace(name: string): RegExp {
  return new RegExp(
    `(const ${name} = \\{\\s+tag: "v)([\\d.]+)(",\\s+on: ")([\\d-]+)(",\\s+sha256: ")([0-9a-f]{64})(",\\s+\\})`,
  );
}

/** @throws Error that says what the file's text lacks, or where it names two versions */
export function readPinned(text: string): PinnedRelease {
  const [, , version = "", , on = "", , x64 = ""] = only(text, PLACES.x64);
  const [, , arm64Version = "", , arm64On = "", , arm64 = ""] = only(text, PLACES.arm64);
  const [, , imageVersion = "", , imageDigest = ""] = only(text, PLACES.image);
  const versions = [...new Set([version, arm64Version, imageVersion])];
  const days = [...new Set([on, arm64On])];
  if (versions.length > 1 || days.length > 1) {
    throw new Error(
      `constructs/runner-release.ts must name one release, got ${[...versions, ...days].join(", ")}; ` +
        "write it with `npm run runner-release -- <version>`",
    );
  }
  return { version, releasedOn: on, sha256: { x64, arm64 }, imageDigest };
}

/** The file's text with another release in it. */
export function withPinned(
  text: string,
  { version, releasedOn, sha256, imageDigest }: PinnedRelease,
): string {
  const archive = (from: string, place: RegExp, sum: string): string =>
    from.replace(place, (_all, ...kept: string[]) =>
      [kept[0], version, kept[2], releasedOn, kept[4], sum, kept[6]].join(""),
    );
  readPinned(text);
  const archives = archive(archive(text, PLACES.x64, sha256.x64), PLACES.arm64, sha256.arm64);
  return archives.replace(PLACES.image, (_all, ...kept: string[]) =>
    [kept[0], version, kept[2], imageDigest].join(""),
  );
}

function only(text: string, place: RegExp): RegExpExecArray {
  const [found, ...more] = [...text.matchAll(new RegExp(place, "g"))];
  if (found !== undefined && more.length === 0) return found;
  throw new Error(
    `constructs/runner-release.ts must hold this once, got it ${String(found === undefined ? 0 : more.length + 1)} times: ${place.source}`,
  );
}
