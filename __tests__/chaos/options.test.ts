import { parseOptions } from "./options";
import { FAULT_NAMES, faultSet } from "./plan/faults";

describe("the command line of the chaos suite", () => {
  test("plays twenty seeds of 250 jobs with everything broken when nothing is said", () => {
    const { seeds, jobs, faults, sabotages } = parseOptions([]);
    expect([seeds.length, jobs, faults.size, sabotages.length]).toEqual([20, 250, FAULT_NAMES.length, 0]);
    expect(seeds[0]).toBe(1);
  });

  test("plays one seed again, with some faults, and deliberate bugs", () => {
    expect(parseOptions(["--seed", "17", "--jobs", "9", "--faults", "clocks"])).toMatchObject({
      seeds: [17],
      jobs: 9,
      faults: new Set(["clocks"]),
    });
    expect(parseOptions(["--sabotage", "grants-all"]).sabotages.map(({ name }) => name)).toEqual([
      "grants-all",
    ]);
    expect(parseOptions(["--sabotage", "all"]).sabotages.length).toBeGreaterThanOrEqual(7);
  });

  test("takes the first word of a group for all of it", () => {
    expect([...faultSet("github")]).toEqual(FAULT_NAMES.filter((name) => name.startsWith("github-")));
    expect([faultSet("all").size, faultSet("none").size]).toEqual([FAULT_NAMES.length, 0]);
  });

  test.each<[string, readonly string[], RegExp]>([
    ["an unknown option", ["--sede", "1"], /unknown option "--sede"; allowed are --seeds/],
    ["an option without its value", ["--jobs"], /--jobs needs a value/],
    ["no number", ["--jobs", "many"], /--jobs must be a whole number from 1 to 5000, got "many"/],
    ["a number that is too large", ["--lanes", "99"], /from 1 to 8, got "99"/],
    [
      "a fault that is none",
      ["--faults", "nomad-429,rain"],
      /--faults takes all, none, or a list of delivery-duplicate.*got "rain"/,
    ],
    ["a bug that is none", ["--sabotage", "x"], /--sabotage takes all or one of no-replacement.*got "x"/],
    ["a seed and a number of seeds", ["--seed", "1", "--seeds", "2"], /give one of them/],
  ])("refuses %s and says what is allowed", (_, args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
