import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type PinnedRelease, readPinned } from "../../scripts/runner-release/pinned";
import { workflow } from "./support/workflow";

const ROOT = join(__dirname, "..", "..");
const FILE = "constructs/runner-release.ts";
const SOURCE = readFileSync(join(ROOT, FILE), "utf8");

interface Manager {
  readonly managerFilePatterns: readonly string[];
  readonly matchStrings: readonly string[];
  readonly packageNameTemplate?: string;
  readonly datasourceTemplate: string;
  readonly autoReplaceStringTemplate?: string;
}

const { customManagers } = JSON.parse(readFileSync(join(ROOT, "renovate.json"), "utf8")) as {
  readonly customManagers: readonly Manager[];
};

const NEXT: PinnedRelease = {
  version: "2.400.0",
  releasedOn: "2031-02-03",
  sha256: { x64: "a".repeat(64), arm64: "b".repeat(64) },
  imageDigest: `sha256:${"c".repeat(64)}`,
};

/** What Renovate knows of an update of the dependency. */
function update(depName: string): Readonly<Record<string, string>> {
  const isImage = depName.startsWith("ghcr.io/");
  return {
    depName,
    newValue: isImage ? NEXT.version : `v${NEXT.version}`,
    newDigest: isImage ? NEXT.imageDigest : depName === "X64" ? NEXT.sha256.x64 : NEXT.sha256.arm64,
    releaseTimestamp: "2031-02-03T04:05:06.000Z",
  };
}

/** The template with its values; of Handlebars what is used here: `{{{name}}}` and Renovate's `replace`. */
function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(
    /\{\{\{(?:replace '([^']*)' '([^']*)' )?(\w+)\}\}\}/g,
    (_all, pattern: string | undefined, by: string | undefined, name: string) => {
      const value = values[name] ?? `<${name}>`;
      return pattern === undefined ? value : value.replace(new RegExp(pattern, "g"), by ?? "");
    },
  );
}

/** One manager's updates of the text, as Renovate makes them: the whole match by the template, or value and digest. */
function updated(text: string, { matchStrings, autoReplaceStringTemplate }: Manager): string {
  return matchStrings.reduce(
    (from, pattern) =>
      from.replace(new RegExp(pattern, "g"), (...found: unknown[]) => {
        const match = found[0] as string;
        const groups = found.at(-1) as Readonly<Record<string, string>>;
        const values = update(groups["depName"] ?? "");
        if (autoReplaceStringTemplate !== undefined) return filled(autoReplaceStringTemplate, values);
        return match
          .replace(groups["currentValue"] ?? "", values["newValue"] ?? "")
          .replace(groups["currentDigest"] ?? "", values["newDigest"] ?? "");
      }),
    text,
  );
}

describe("Renovate", () => {
  it("looks for the runner's release where it stands", () => {
    for (const { managerFilePatterns } of customManagers) {
      const patterns = managerFilePatterns.map((it) => new RegExp(it.slice(1, -1)));
      expect(patterns.some((pattern) => pattern.test(FILE))).toBe(true);
    }
  });

  it("finds both archives and the image, each with its version and checksum", () => {
    const found = customManagers.flatMap(({ matchStrings, datasourceTemplate, packageNameTemplate }) =>
      matchStrings.flatMap((pattern) =>
        [...SOURCE.matchAll(new RegExp(pattern, "g"))].map(({ groups = {} }) => ({
          datasource: datasourceTemplate,
          package: packageNameTemplate ?? groups["depName"],
          value: groups["currentValue"],
          digest: groups["currentDigest"],
        })),
      ),
    );
    const { version, sha256, imageDigest } = readPinned(SOURCE);
    const attachment = {
      datasource: "github-release-attachments",
      package: "actions/runner",
      value: `v${version}`,
    };
    expect(found).toEqual([
      { ...attachment, digest: sha256.x64 },
      { ...attachment, digest: sha256.arm64 },
      {
        datasource: "docker",
        package: "ghcr.io/actions/actions-runner",
        value: version,
        digest: imageDigest,
      },
    ]);
  });

  it("writes another release as it is read, the day included", () => {
    expect(readPinned(customManagers.reduce(updated, SOURCE))).toEqual(NEXT);
  });

  it("opens pull requests that a workflow holds to what GitHub publishes", () => {
    const { on, jobs } = workflow("runner-release.yml");
    expect(on).toEqual({ pull_request: { paths: [FILE] } });
    expect(jobs["check"]?.permissions).toEqual({ contents: "read" });
    expect(jobs["check"]?.steps.at(-1)?.run).toBe("npm run runner-release -- check");
  });
});
