import { report } from "../../bench/report";
import { benchSettings } from "../../bench/settings";

const floor = { name: "an empty app", milliseconds: [100, 110, 90] };

describe("the report", () => {
  test("gives the machine, and each size's median, spread and ratio to the empty app", () => {
    expect(report(["a machine"], floor, [{ name: "10 classes", milliseconds: [249.6, 300, 200] }])).toEqual([
      "- a machine",
      "",
      "| synthesis of | median | from   | to     | × the empty app |",
      "| ------------ | ------ | ------ | ------ | --------------- |",
      "| an empty app | 100 ms | 90 ms  | 110 ms | 1.00            |",
      "| 10 classes   | 250 ms | 200 ms | 300 ms | 2.50            |",
    ]);
  });

  test("marks what the checks refuse and says why", () => {
    const lines = report([], floor, [{ name: "100 classes", milliseconds: [1], refused: "too many bytes" }]);
    expect(lines).toContain("| 100 classes \\* | 1 ms   | 1 ms  | 1 ms   | 0.01            |");
    expect(lines.at(-1)).toBe("- 100 classes: too many bytes");
  });
});

describe("the settings", () => {
  test("are five runs of the sizes that the product promises, unless said otherwise", () => {
    expect(benchSettings([])).toEqual({
      runs: 5,
      repositories: [1, 167, 1_000, 10_000],
      classes: [1, 10, 100],
    });
    expect(benchSettings(["--runs", "3", "--repositories", "2, 4", "--classes=7"])).toEqual({
      runs: 3,
      repositories: [2, 4],
      classes: [7],
    });
  });

  test.each([
    [["--runs", "0"], "--runs: must be whole numbers from 1"],
    [["--runs", "1,2"], "--runs: must be one number"],
    [["--repositories", ""], "--repositories: must be whole numbers"],
    [["--classes", "1.5"], "--classes: must be whole numbers"],
    [["--classes", "9999999"], "--classes: must be whole numbers"],
    [["--sizes", "1"], "Unknown option"],
  ])("refuse %j", (argv, fault) => {
    expect(() => benchSettings(argv)).toThrow(fault);
  });
});
