import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chart, panelsOf } from "../../bench/document/chart";
import { dataText } from "../../bench/document/data";
import { HEADER, performanceDocument } from "../../bench/document/document";
import { fitsOf, lifeOf, restPerDay } from "../../bench/document/limits";
import { targetsOf } from "../../bench/document/targets";
import { shuffled } from "../../bench/measures/dispatch";
import type { LifeResults, Results } from "../../bench/results";

const ROOT = join(__dirname, "..", "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const results = JSON.parse(read("bench/results.json")) as Results;

describe("docs/performance.md", () => {
  test("is what npm run bench makes of its data, byte for byte, and so is its chart", () => {
    expect(read("docs/performance.md")).toBe(performanceDocument(results));
    expect(read("docs/performance.md").startsWith(`${HEADER}\n`)).toBe(true);
    expect(read("docs/performance.svg")).toBe(chart(panelsOf(results)));
    expect(read("bench/results.json")).toBe(dataText(results));
  });

  test("is of a whole run, with the machine and the versions", () => {
    expect(results.command).toBe("npm run bench");
    expect(results.machine.join()).toMatch(/^\d+ × .+ GiB of memory/);
    expect(Object.keys(results.versions)).toEqual([
      "nomad-github-runners",
      "Node",
      "workerd",
      "miniflare",
      "cdktf",
    ]);
    expect(results.history.map(({ jobs }) => jobs)).toEqual([10, 10_000, 1_000_000]);
    expect(results.storm).toMatchObject({ deliveries: 10_000, jobs: 1_000 });
    expect(results.matrix.jobs).toBe(256);
  });
});

describe("a target", () => {
  const flat = (median: number) => ({ median, min: median, max: median });
  const withMatrix = (median: number): Results => ({
    ...results,
    matrix: { ...results.matrix, wallMs: flat(median) },
  });
  const matrixOf = (given: Results) => targetsOf(given).find(({ what }) => what.includes("matrix"));

  test("is reached at its limit, and not above it", () => {
    expect(matrixOf(withMatrix(3_000))).toMatchObject({ limit: 3_000, value: 3_000, reached: true });
    expect(matrixOf(withMatrix(3_001))).toMatchObject({ reached: false });
    expect(performanceDocument(withMatrix(3_001))).toMatch(/matrix of 256 jobs[^\n]*\*\*no\*\*/);
  });

  test("of the storm is one dispatch for each job, none less and none twice", () => {
    const of = (dispatches: number, tokens: number) =>
      targetsOf({ ...results, storm: { ...results.storm, jobs: 1_000, dispatches, tokens } }).find(
        ({ unit }) => unit === "dispatches",
      )?.reached;
    expect([of(1_000, 1_000), of(999, 999), of(1_001, 1_000), of(1_000, 999)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("the jobs that fit into a plan", () => {
  const cost = (requests: number, rowsRead: number, rowsWritten: number) => ({
    requests,
    fetches: 0,
    statements: 0,
    rowsRead,
    rowsWritten,
  });
  const life: LifeResults = {
    jobs: 1,
    steps: { one: cost(2, 10, 3), other: cost(3, 20, 5) },
    matrix: { jobs: 256, cost: cost(1, 1, 1) },
    idle: { repositories: 1, sweeps: 1, cost: cost(1, 100, 10) },
  };

  test("are what the sweeps of a day leave, by a job's whole life", () => {
    expect(lifeOf(life)).toMatchObject({ requests: 5, rowsRead: 30, rowsWritten: 8 });
    expect(restPerDay(life)).toEqual({ requests: 1_440, rowsRead: 144_000, rowsWritten: 14_400 });
    expect(fitsOf(life)[0]).toEqual({
      plan: "free",
      jobs: { requests: 19_712, rowsRead: 161_866, rowsWritten: 10_700 },
      binds: "rowsWritten",
    });
  });

  test("are none where the sweeps use an allowance up", () => {
    const greedy = { ...life, idle: { ...life.idle, cost: cost(1, 1e6, 10) } };
    expect(fitsOf(greedy)[0]).toMatchObject({ jobs: { rowsRead: 0 }, binds: "rowsRead" });
  });
});

describe("the chart", () => {
  const bar = (label: string, median: number, floor: boolean) => ({
    label,
    floor,
    spread: { median, min: median / 2, max: median * 2 },
  });

  test("draws bars as long as their values, floors paler, and holds texts that are no markup", () => {
    const drawn = chart([{ title: "a < b & c", bars: [bar("<one>", 10, true), bar("two", 20, false)] }]);
    expect(drawn).toContain("a &lt; b &amp; c");
    expect(drawn).toContain("&lt;one&gt;");
    const widths = [...drawn.matchAll(/<rect class="(.)" [^>]*? width="([\d.]+)"/g)].map(
      ([, kind, width]) => [kind, Number(width)],
    );
    expect(widths).toEqual([
      ["f", 135.7],
      ["p", 271.4],
    ]);
  });

  test("is readable on white and on dark", () => {
    expect(chart([])).toContain("@media(prefers-color-scheme:dark)");
  });
});

test("a storm's order holds every delivery and is the same in every run", () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  const order = shuffled(items);
  expect([...order].sort((left, right) => left - right)).toEqual(items);
  expect(order).not.toEqual(items);
  expect(shuffled(items)).toEqual(order);
});
