import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { MEASURES, benchOptions } from "../../bench/bench-options";

describe("the options of a benchmark", () => {
  it("are a whole run that writes the document, unless given", () => {
    expect(benchOptions([])).toEqual({ only: MEASURES, quick: false, write: true, render: false });
  });

  it.each([
    [["--quick"], { only: MEASURES, quick: true, write: false }],
    [["--quick", "--write"], { only: MEASURES, quick: true, write: true }],
    [["--only", "matrix, storm"], { only: ["matrix", "storm"], quick: false, write: false }],
    [["--render"], { render: true, write: true }],
  ])("%j writes only what it measured whole or was asked to write", (argv, options) => {
    expect(benchOptions(argv)).toMatchObject(options);
  });

  it.each([
    [
      ["--only", "speed"],
      `--only: must be of ${MEASURES.join(", ")}, with commas between them, got "speed".`,
    ],
    [["--only", ""], "--only: must be of"],
    [["--only", "matrix", "--write"], "--write: the document needs all measures"],
    [["--render", "--quick"], "--render: measures nothing"],
    [["--fast"], "Unknown option '--fast'"],
    [["matrix"], "Unexpected argument 'matrix'"],
  ])("do not take %j", (argv, message) => {
    expect(() => benchOptions(argv)).toThrow(message);
  });

  it("are refused by the command in one line, before anything is measured", () => {
    const command = [require.resolve("tsx/cli"), "bench/main.ts", "--only", "speed"];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      cwd: join(__dirname, "..", ".."),
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^--only: must be of .*, got "speed"\.\n$/);
  });
});
