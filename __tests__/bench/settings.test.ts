import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { benchSettings } from "../../bench/settings";

describe("the benchmark's settings", () => {
  it("are those of the published table unless given", () => {
    expect(benchSettings([])).toEqual({
      runs: 5,
      repositories: [1, 167, 1_000, 10_000],
      classes: [1, 10, 100],
    });
  });

  it("are lists of whole numbers", () => {
    const given = benchSettings(["--runs", "1", "--repositories", "1, 20", "--classes=3"]);
    expect(given).toEqual({ runs: 1, repositories: [1, 20], classes: [3] });
  });

  it.each([
    [["--runs", "0"], '--runs: must be whole numbers from 1 to 999999 with commas between them, got "0".'],
    [["--runs", "1,2"], '--runs: must be one number, got "1,2".'],
    [["--repositories", "1,"], "--repositories: must be whole numbers"],
    [["--classes", "1e3"], "--classes: must be whole numbers"],
    [["--rums", "1"], "Unknown option '--rums'"],
    [["5"], "Unexpected argument '5'"],
  ])("do not take %j", (argv, message) => {
    expect(() => benchSettings(argv)).toThrow(message);
  });

  it("are refused by the command in one line, before anything is measured", () => {
    const root = join(__dirname, "..", "..");
    const command = [require.resolve("tsx/cli"), "bench/synth.ts", "--runs", "none"];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      cwd: root,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^npm run bench:synth: --runs: must be whole numbers .*, got "none"\.\n$/);
  });
});
