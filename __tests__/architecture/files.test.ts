import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support";

/** The project's files, as git has them; tests run in a clone. */
function files(pattern: RegExp): readonly string[] {
  const git = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (git.status !== 0) throw new Error(`git ls-files failed: ${git.stderr}`);
  return git.stdout.split("\n").filter((file) => pattern.test(file) && existsSync(join(ROOT, file)));
}

function text(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function lineCount(file: string): number {
  return text(file).split("\n").length - 1;
}

describe("the files of the project", () => {
  it("have at most 300 lines each, in every language", () => {
    const sources = files(/\.(?:[cm]?[jt]s|sh|hcl|sql|feature)$/);
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter((file) => lineCount(file) > 300)).toEqual([]);
  });

  it("keep their snapshots smaller than what they hold still", () => {
    const total = (pattern: RegExp): number => files(pattern).reduce((sum, file) => sum + lineCount(file), 0);
    expect(total(/\.snap$/)).toBeLessThanOrEqual(total(/^(?:constructs|contracts)\/.*\.ts$/));
  });

  it("name no registry and no machine in the lockfile", () => {
    expect(text("package-lock.json")).not.toContain('"resolved"');
  });

  it("lock the builds of every platform, whatever the machine was that wrote the lockfile", () => {
    type Locked = Readonly<
      Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
    >;
    const { packages } = JSON.parse(text("package-lock.json")) as { readonly packages: Locked };
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    expect(wanted.length).toBeGreaterThan(0);
    const locked = new Set(
      Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)),
    );
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });

  it("pin every action to a commit, beside the version it is", () => {
    const uses = files(/^\.github\/workflows\/.*\.ya?ml$/).flatMap((file) =>
      text(file)
        .split("\n")
        .filter((line) => /\buses:/.test(line)),
    );
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("give a workflow no permission that it does not ask for", () => {
    for (const file of files(/^\.github\/workflows\/.*\.ya?ml$/))
      expect(text(file)).toMatch(/^permissions: \{\}$/m);
  });
});

describe("package.json", () => {
  const manifest = JSON.parse(text("package.json")) as Readonly<
    Record<string, Readonly<Record<string, string>>>
  >;

  it("ships the bundler alone, and takes Terraform's packages from its user", () => {
    expect(Object.keys(manifest["dependencies"] ?? {})).toEqual(["esbuild"]);
    expect(Object.keys(manifest["peerDependencies"] ?? {})).toEqual([
      "@cdktf/provider-cloudflare",
      "@cdktf/provider-github",
      "@cdktf/provider-nomad",
      "@cdktf/provider-random",
      "@cdktf/provider-vault",
      "cdktf",
      "constructs",
    ]);
  });

  it("pins what it builds and tests with", () => {
    for (const [name, version] of Object.entries({
      ...manifest["dependencies"],
      ...manifest["devDependencies"],
    })) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
    }
  });
});
