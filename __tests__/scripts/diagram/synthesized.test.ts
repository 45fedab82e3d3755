import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesizeApp } from "../../../scripts/diagram/synthesized";

const scratch = mkdtempSync(join(tmpdir(), "synthesized-"));
const outer = process.env["TMPDIR"];
beforeAll(() => {
  process.env["TMPDIR"] = scratch;
});
afterAll(() => {
  if (outer === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = outer;
  rmSync(scratch, { recursive: true, force: true });
});

test("an app's stack is read, and nothing is left behind", () => {
  const { name, resources, backend } = synthesizeApp("bench/apps/floor.ts");
  expect([name, resources.size, backend]).toEqual(["empty", 0, "local"]);
  expect(readdirSync(scratch).filter((entry) => entry.startsWith("diagram-"))).toEqual([]);
});

test("an app that fails is an error with what it said", () => {
  expect(() => synthesizeApp("no-such-app.ts")).toThrow(
    /^no-such-app\.ts does not synthesize:[^]*no-such-app/,
  );
  expect(readdirSync(scratch).filter((entry) => entry.startsWith("diagram-"))).toEqual([]);
});
