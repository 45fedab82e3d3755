import { TaskDriver } from "../../index";
import { RUNNER_RELEASE } from "../../constructs/runner-release";
import { runnerReleaseWarnings } from "../../constructs/runner-release-warnings";
import { Template, removeOutputs, warningsOf } from "../support/template";
import { LARGE, LINUX } from "./settings";
import { stackWith } from "./support";

afterAll(removeOutputs);

const { version, releasedOn, archives, image } = RUNNER_RELEASE;
const afterDays = (days: number): Date => new Date(Date.parse(releasedOn) + days * 86_400_000);
const official = (tag: string): Record<string, string> => ({
  image: `ghcr.io/actions/actions-runner:${tag}`,
});
/** A version that is so many minor releases away from the pinned one. */
const minor = (by: number): string => {
  const [major, now] = version.split(".");
  return `${major ?? ""}.${String(Number(now) + by)}.0`;
};

describe("RUNNER_RELEASE", () => {
  it("names one version in its archives, its image and by itself", () => {
    expect(version).toMatch(/^2\.\d+\.\d+$/);
    expect(archives.x64.url).toBe(
      `https://github.com/actions/runner/releases/download/v${version}/actions-runner-linux-x64-${version}.tar.gz`,
    );
    expect(archives.arm64.url).toBe(
      `https://github.com/actions/runner/releases/download/v${version}/actions-runner-linux-arm64-${version}.tar.gz`,
    );
    expect(image).toMatch(/^ghcr\.io\/actions\/actions-runner:(\d+\.\d+\.\d+)@sha256:[0-9a-f]{64}$/);
    expect(image).toContain(`:${version}@`);
  });

  it("has a checksum of its own for each archive, and a day", () => {
    const sums = [archives.x64.sha256, archives.arm64.sha256];
    for (const sum of sums) expect(sum).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(sums).size).toBe(2);
    expect(new Date(releasedOn).toISOString().slice(0, 10)).toBe(releasedOn);
  });

  it("is one that GitHub registers", () => {
    expect(runnerReleaseWarnings("linux", { image }, afterDays(0))).toEqual([]);
  });
});

describe("runnerReleaseWarnings", () => {
  it("speaks of the pinned release from 20 days of age on, and not before", () => {
    expect(runnerReleaseWarnings("linux", { image }, afterDays(19.9))).toEqual([]);
    expect(runnerReleaseWarnings("linux", { image }, afterDays(20))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Class "linux" has the runner ${version} of ${releasedOn}, 20 days old or more\\. .*30 days`,
        ),
      ),
    ]);
  });

  it("says the same on any later day, so that output that holds it does not change daily", () => {
    expect(runnerReleaseWarnings("linux", { image }, afterDays(21))).toEqual(
      runnerReleaseWarnings("linux", { image }, afterDays(400)),
    );
  });

  it("speaks of an older release once the pinned one has been out for 20 days", () => {
    const older = official(minor(-1));
    expect(runnerReleaseWarnings("linux", older, afterDays(19))).toEqual([]);
    expect(runnerReleaseWarnings("linux", older, afterDays(20))).toEqual([
      expect.stringContaining(`has the runner ${minor(-1)}, which is behind ${version} of ${releasedOn}`),
    ]);
  });

  it("knows nothing of a release that is newer than the pinned one", () => {
    expect(runnerReleaseWarnings("linux", official(minor(1)), afterDays(400))).toEqual([]);
  });

  it("speaks of one that GitHub would not register on any day", () => {
    const warned = [expect.stringContaining("GitHub registers none below 2.329.0")];
    expect(runnerReleaseWarnings("linux", official("2.328.9"), afterDays(0))).toEqual(warned);
    expect(runnerReleaseWarnings("linux", official("2.99.0@sha256:0"), afterDays(0))).toEqual(warned);
    expect(runnerReleaseWarnings("linux", official("2.329.0"), afterDays(0))).toEqual([]);
  });

  it("reads the version of an archive, and says it once", () => {
    const variables = { x64: archives.x64.url, arm64: archives.arm64.url, image, copy: true };
    expect(runnerReleaseWarnings("large", variables, afterDays(20))).toHaveLength(1);
  });

  it.each([
    "example.com/runner:2.300.0",
    "ghcr.io/actions/actions-runner:latest",
    "x/actions-runner:2.300.0",
    "",
  ])("does not judge the image %j, whose runner it does not know", (own) => {
    expect(runnerReleaseWarnings("linux", { image: own }, afterDays(400))).toEqual([]);
  });
});

describe("a stack whose release has aged", () => {
  const classes = [{ ...LINUX, driver: TaskDriver.docker({ image }) }, LARGE];
  const ofRelease = (today: Date): readonly string[] =>
    warningsOf(stackWith({ classes, today })).filter((text) => text.includes("has the runner"));

  it("is warned of by the class that has it", () => {
    expect(ofRelease(afterDays(19))).toEqual([]);
    expect(ofRelease(afterDays(20))).toEqual([expect.stringContaining('Class "linux" has the runner')]);
  });

  it("is synthesized as on the first day", () => {
    expect(new Template(stackWith({ classes, today: afterDays(400) })).json).toEqual(
      new Template(stackWith({ classes, today: afterDays(0) })).json,
    );
  });
});
