import { RUNNER_RELEASE } from "./runner-release";

/** From this age on synth speaks of a release: ten days are left to renew it. */
const WARN_AFTER_DAYS = 20;
const DAY_MS = 86_400_000;

/** Below it GitHub registers no runner.
 *  @see https://github.com/orgs/community/discussions/194762 */
const LOWEST = "2.329.0";

/** Where a driver's variables name a version: GitHub's own image by its tag, or an archive of a release. */
const NAMED = [
  /^ghcr\.io\/actions\/actions-runner:v?(\d+\.\d+\.\d+)(?:@|$)/,
  /\/actions-runner-linux-[a-z0-9]+-(\d+\.\d+\.\d+)\.tar\.gz$/,
] as const;

/**
 * What is to be said about the age of a class's runner; a warning only, so the synthesized stack is the same on any day.
 *
 * GitHub gives no job to a runner that is 30 days behind a newer release. Synth asks nobody, so it knows of one newer release at
 * most: the pinned one. An image of the user's own has no version that could be read, and is not judged.
 * @param className whose runner it is
 * @param variables the driver's job variables; those that name a release are judged
 * @param today the day of the synth
 * @see https://docs.github.com/en/actions/reference/runners/self-hosted-runners (runner software updates)
 */
export function runnerReleaseWarnings(
  className: string,
  variables: Readonly<Record<string, unknown>>,
  today: Date,
): string[] {
  const versions = Object.values(variables).flatMap((value) =>
    NAMED.flatMap((pattern) => (typeof value === "string" ? (pattern.exec(value)?.[1] ?? []) : [])),
  );
  return [...new Set(versions)].flatMap((version) => {
    const warning = warningFor(version, today);
    return warning === undefined ? [] : [`Class "${className}" ${warning}`];
  });
}

function warningFor(version: string, today: Date): string | undefined {
  const { version: pinned, releasedOn } = RUNNER_RELEASE;
  if (isOlder(version, LOWEST)) {
    return `has the runner ${version}: GitHub registers none below ${LOWEST}. Take ${pinned} or a newer one.`;
  }
  const ageDays = (today.getTime() - Date.parse(releasedOn)) / DAY_MS;
  if (ageDays < WARN_AFTER_DAYS || isOlder(pinned, version)) return undefined;
  const days = String(WARN_AFTER_DAYS);
  if (version === pinned) {
    return (
      `has the runner ${version} of ${releasedOn}, ${days} days old or more. GitHub gives no job to a runner that is 30 days ` +
      "behind a newer release: look for one (https://github.com/actions/runner/releases) and renew it."
    );
  }
  return (
    `has the runner ${version}, which is behind ${pinned} of ${releasedOn}, ${days} days ago or more. GitHub gives no job to a ` +
    `runner that is 30 days behind: take ${pinned} or a newer one.`
  );
}

/** Whether `a` comes before `b`; both have three numbers. */
function isOlder(a: string, b: string): boolean {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  const at = left.findIndex((part, index) => part !== right[index]);
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0);
}
