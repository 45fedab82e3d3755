import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_BUNDLE_BYTES, buildWorker, bundleProblems } from "../../constructs/worker-bundle";

const scratch = mkdtempSync(join(tmpdir(), "bundle-"));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function source(name: string, text: string): string {
  const file = join(scratch, name);
  writeFileSync(file, text);
  return file;
}

describe("the Worker's bundle", () => {
  it("is one module without imports, within its limit", () => {
    const bundle = buildWorker();
    expect(bundleProblems(bundle)).toEqual([]);
    expect(bundle.bytes).toBe(Buffer.byteLength(bundle.script));
    expect(bundle.script).not.toMatch(/(?:^|[;}\s])import\s*(?:[\w{*"'(])/);
    expect(bundle.script).not.toMatch(/\brequire\(/);
  });

  it("is made of worker/ and contracts/ alone", () => {
    const { sources } = buildWorker();
    expect(sources).toContain("worker/index.ts");
    expect(sources.filter((file) => !/^(worker|contracts)\/[\w/-]+\.ts$/.test(file))).toEqual([]);
  });

  it("has the same bytes whatever the working directory is, and no path of this machine", () => {
    const before = process.cwd();
    const here = buildWorker();
    try {
      process.chdir(scratch);
      expect(buildWorker()).toEqual(here);
    } finally {
      process.chdir(before);
    }
    expect(here.script).not.toContain(before);
  });

  it("carries the package's version, or the one that is given", () => {
    const entry = source(
      "version.ts",
      "declare const WORKER_VERSION: string; export default WORKER_VERSION;",
    );
    const { version } = jest.requireActual<{ version: string }>("../../package.json");
    expect(buildWorker({ entry }).script).toContain(`"${version}"`);
    expect(buildWorker({ entry, version: "9.9.9" }).script).toContain('"9.9.9"');
  });

  it.each([
    ["a Node builtin", 'import { createHmac } from "node:crypto"; export default createHmac;', "node:crypto"],
    ["an absent package", 'import x from "no-such-package"; export default x;', "no-such-package"],
    ["what does not parse", "export default (;", "Unexpected"],
  ])("refuses %s", (_what, text, named) => {
    expect(() => buildWorker({ entry: source("refused.ts", text) })).toThrow(named);
  });

  it("is refused above its limit, with the size it has", () => {
    expect(bundleProblems({ bytes: MAX_BUNDLE_BYTES })).toEqual([]);
    expect(bundleProblems({ bytes: MAX_BUNDLE_BYTES + 1 })).toEqual([
      expect.stringMatching(/at most 122880 bytes, got 122881\./),
    ]);
  });
});
