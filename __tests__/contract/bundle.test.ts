import { MAX_BUNDLE_BYTES, buildWorker } from "../../constructs/worker-bundle";
import { bundle } from "../support/harness/runtimes";

describe("the bundle that is shipped", () => {
  const shipped = buildWorker();

  test("is the one that these tests run in workerd", async () => {
    expect((await bundle()).script).toBe(shipped.script);
  });

  test("is at most 120 KB minified", () => {
    expect(MAX_BUNDLE_BYTES).toBe(120 * 1024);
    expect(Buffer.byteLength(shipped.script, "utf8")).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  });

  test("is made of the Worker's and the contracts' sources alone: no package, nothing of Node", () => {
    expect(shipped.sources.length).toBeGreaterThan(30);
    expect(shipped.sources.filter((file) => !/^(?:worker|contracts)\/[a-z/-]+\.ts$/.test(file))).toEqual([]);
  });

  test("imports nothing when it runs", () => {
    expect(shipped.script).not.toMatch(/\bimport\s*[("'{*]|\bimport\s+[\w$]+\s+from\b|\bfrom\s*["']/);
    expect(shipped.script).not.toMatch(/\brequire\s*\(/);
    expect(shipped.script).not.toMatch(/["'`]node:/);
  });
});
