import { Report, aligned, check, notHere } from "./report";
import { hint } from "./stack/deployment";

describe("the live run's report", () => {
  let log: jest.SpyInstance;
  beforeEach(() => {
    log = jest.spyOn(console, "log").mockReturnValue();
  });
  afterEach(() => {
    log.mockRestore();
  });

  it("counts what held, stage by stage, and gives its verdict", async () => {
    const report = new Report();
    report.versions("Nomad 2.0.5", "Terraform 1.11.4");
    await report.stage("first", () => Promise.resolve([check("one", []), check("two", [])]));
    await report.stage("second", () => Promise.resolve([check("three", ["was four", "was five"])]));
    expect(report.failed()).toEqual([{ text: "three", ok: false, seen: "was four; was five" }]);
    const lines = report.lines(true);
    expect(lines.map((line) => line.replace(/ \d+\.\d {2}/g, " 0.0  "))).toEqual([
      "stage   seconds  held",
      "first       0.0   2/2",
      "second      0.0   0/1",
      "all         0.0   2/3",
      "",
      "With Nomad 2.0.5, Terraform 1.11.4",
      "",
      "1 not as it has to be, after 0 s.",
    ]);
    expect(log.mock.calls.flat()).toContain("  FAILED three: was four; was five");
  });

  it("is content only when everything held", async () => {
    const report = new Report();
    await report.stage("only", () => Promise.resolve([check("one", [])]));
    expect(report.failed()).toEqual([]);
    expect(report.lines(true).at(-1)).toBe("All as it has to be, after 0 s.");
    expect(report.lines(false).at(-1)).toBe("not played to its end, after 0 s.");
  });

  it("counts what this machine cannot show neither for nor against", async () => {
    const report = new Report();
    const checks = [check("one", []), notHere("two", "there is no docker")];
    await report.stage("first", () => Promise.resolve(checks));
    await report.stage("second", () => Promise.resolve([check("three", [])]));
    expect(report.failed()).toEqual([]);
    const lines = report.lines(true).map((line) => line.replace(/ \d+\.\d {2}/g, " 0.0  "));
    expect(lines.slice(0, 4)).toEqual([
      "stage   seconds  held  not run here",
      "first       0.0   1/1             1",
      "second      0.0   1/1              ",
      "all         0.0   2/2             1",
    ]);
    expect(log.mock.calls.flat()).toContain("  -      two: not run here: there is no docker");
  });

  it("does not count a stage that could not be played", async () => {
    const report = new Report();
    await expect(report.stage("broken", () => Promise.reject(new Error("no room")))).rejects.toThrow(
      "no room",
    );
  });

  it("aligns the first column to the left and the others to the right", () => {
    expect(
      aligned([
        ["a", "bb"],
        ["ccc", "d"],
      ]),
    ).toEqual(["a    bb", "ccc   d"]);
  });
});

describe("a failed cdktf command", () => {
  it("says how to name a mirror when a provider cannot be installed", () => {
    expect(hint("Error: Failed to query available provider packages\n\nCould not retrieve")).toMatch(
      /filesystem_mirror.*TF_CLI_CONFIG_FILE/,
    );
    expect(hint("stack  Error: Failed to install provider")).toMatch(/TF_CLI_CONFIG_FILE/);
  });

  it("adds nothing to other errors", () => {
    expect(hint("Error: Error acquiring the state lock")).toBe("");
  });
});
