import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HOOK = join(__dirname, "..", "..", "examples", "tool-cache-hook.sh");

let directory: string;
let shared: string;
let own: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tool-cache-"));
  shared = join(directory, "shared");
  own = join(directory, "own");
  mkdirSync(own);
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Puts a tool into a cache, as packages/tool-cache of actions/toolkit does. */
function put(cache: string, tool: string, version: string, content: string): void {
  const at = join(cache, tool, version);
  mkdirSync(join(at, "x64"), { recursive: true });
  writeFileSync(join(at, "x64", "program"), content);
  writeFileSync(join(at, "x64.complete"), "");
}

function run(environment: Readonly<Record<string, string>> = {}): readonly [number | null, string] {
  const { status, stdout, stderr } = spawnSync("sh", [HOOK], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], TOOL_CACHE_SOURCE: shared, RUNNER_TOOL_CACHE: own, ...environment },
  });
  return [status, stdout + stderr];
}

const found = (tool: string, version: string): string =>
  readFileSync(join(own, tool, version, "x64", "program"), "utf8");

describe("the tool cache's hook", () => {
  it("shows every version where setup actions look, with the mark that it is complete", () => {
    put(shared, "node", "24.11.0", "node 24");
    put(shared, "node", "22.21.0", "node 22");
    put(shared, "Python", "3.14.0", "python");
    expect(run()).toEqual([0, ""]);
    expect([found("node", "24.11.0"), found("node", "22.21.0"), found("Python", "3.14.0")]).toEqual([
      "node 24",
      "node 22",
      "python",
    ]);
    expect(existsSync(join(own, "node", "24.11.0", "x64.complete"))).toBe(true);
  });

  it("leaves what the image has, and room for what a job installs", () => {
    put(shared, "node", "24.11.0", "of the node");
    put(own, "node", "24.11.0", "of the image");
    expect(run()).toEqual([0, ""]);
    expect(found("node", "24.11.0")).toBe("of the image");
    put(own, "node", "20.19.0", "of the job");
    expect(readdirSync(join(shared, "node"))).toEqual(["24.11.0"]);
  });

  it("shows no tool that is not complete, and lets one be installed in its place, read-only as the cache is", () => {
    put(shared, "node", "24.11.0", "of the node");
    mkdirSync(join(shared, "node", "24.11.0", "arm64"));
    expect(run()).toEqual([0, ""]);
    expect(readdirSync(join(own, "node", "24.11.0")).sort()).toEqual(["x64", "x64.complete"]);
    mkdirSync(join(own, "node", "24.11.0", "arm64"));
    expect(readdirSync(join(shared, "node", "24.11.0", "arm64"))).toEqual([]);
  });

  it("does not stand in the way where the cache is not mounted, as in a job's container", () => {
    put(shared, "node", "24.11.0", "of the node");
    expect(run()).toEqual([0, ""]);
    rmSync(shared, { recursive: true });
    expect(existsSync(join(own, "node", "24.11.0", "x64.complete"))).toBe(false);
    // As packages/tool-cache of actions/toolkit makes room for what it installs.
    for (const name of ["x64", "x64.complete"])
      rmSync(join(own, "node", "24.11.0", name), { recursive: true, force: true });
    put(own, "node", "24.11.0", "of the job");
    expect(found("node", "24.11.0")).toBe("of the job");
  });

  it("writes nothing into the shared cache", () => {
    put(shared, "node", "24.11.0", "node");
    for (const path of [join(shared, "node", "24.11.0"), join(shared, "node"), shared])
      chmodSync(path, 0o555);
    expect(run()).toEqual([0, ""]);
    expect(readdirSync(shared, { recursive: true, encoding: "utf8" }).sort()).toEqual([
      "node",
      "node/24.11.0",
      "node/24.11.0/x64",
      "node/24.11.0/x64.complete",
      "node/24.11.0/x64/program",
    ]);
    for (const path of [shared, join(shared, "node"), join(shared, "node", "24.11.0")])
      chmodSync(path, 0o755);
  });

  it.each(["is empty", "is not mounted"])("lets the job start when the cache %s", (which) => {
    if (which === "is empty") mkdirSync(shared);
    expect(run()).toEqual([0, ""]);
    expect(readdirSync(own)).toEqual([]);
  });

  it("says so when the runner has no tool cache", () => {
    const [status, output] = run({ RUNNER_TOOL_CACHE: "" });
    expect(status).not.toBe(0);
    expect(output).toContain("the runner has no tool cache");
  });

  it("finds names with spaces", () => {
    put(shared, "Java_Temurin-Hotspot_jdk", "21.0.12 8", "java");
    expect(run()).toEqual([0, ""]);
    expect(found("Java_Temurin-Hotspot_jdk", "21.0.12 8")).toBe("java");
  });
});
