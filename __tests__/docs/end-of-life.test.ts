import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support/markdown";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Where the tests of a letter are; what they are called is a text in that file. */
const FILES: Readonly<Record<string, string>> = {
  E: "__tests__/acceptance/ends-of-life.test.ts",
  C: "__tests__/acceptance/ends-on-the-cluster.test.ts",
  L: "__tests__/live/lifecycle/ends-scenes.ts",
};

interface Row {
  readonly how: string;
  readonly exit: string;
  readonly shownBy: string;
}

function rows(page: string): readonly Row[] {
  const lines = page.split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    return { how: cells[1] ?? "", exit: cells[2] ?? "", shownBy: cells[7] ?? "" };
  });
}

/** @returns what is wrong with a row's last cell */
function faults({ how, shownBy }: Row): readonly string[] {
  const named = [...shownBy.matchAll(/`([^`:]+): ([^`]+)`/g)];
  const unread = shownBy.replace(/`([^`:]+): ([^`]+)`/g, "").replace(/[,\s]/g, "");
  return [
    ...(named.length === 0 || unread !== "" ? [`${how}: "${shownBy}" does not name tests`] : []),
    ...named.flatMap(([, where = "", name = ""]) => {
      const file = FILES[where] ?? where;
      if (!existsSync(join(ROOT, file))) return [`${how}: there is no ${file}`];
      return read(file).includes(name) ? [] : [`${how}: ${file} has no test "${name}"`];
    }),
  ];
}

const all = rows(read("docs/end-of-life.md"));

describe("how a runner ends, as documented", () => {
  test("every row names tests that are there", () => {
    expect(all.length).toBeGreaterThanOrEqual(20);
    expect(all.flatMap(faults)).toEqual([]);
  });

  test.each([
    ["no test", ""],
    ["words", "somewhere"],
    ["a test that is not there", "`E: job forgotten`"],
    ["a file that is not there", "`__tests__/nowhere.test.ts: job done`"],
    ["a test and words", "`E: job done` and more"],
  ])("a row that names %s is found", (_, shownBy) => {
    expect(faults({ how: "job done", exit: "0", shownBy })).toHaveLength(1);
  });

  test("every exit code of start-runner.sh has its row, and no row has another", () => {
    const head = read("jobs/start-runner.sh").split("\nset -u\n", 1).join("");
    const listed = [...head.matchAll(/^# {3,6}(\d{1,3})(?:, (\d{1,3}))? {2}/gm)].flatMap(([, one, two]) => [
      one,
      two,
    ]);
    const base = listed.filter((code) => code !== undefined).map(Number);
    // 30 + n, as the listener ended with n; SIGKILL leaves no word.
    const expected = [...base, 31, 32, 33, 34, 35, 37, 39, 137].filter((code) => code !== 130);
    const documented = all.flatMap(({ exit }) =>
      exit.split(", ").flatMap((part) => {
        const [first, last = first] = part.split("–").map(Number);
        if (first === undefined || last === undefined || Number.isNaN(first)) return [];
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
      }),
    );
    expect(base).toEqual(expect.arrayContaining([0, 10, 16, 23, 143]));
    expect([...new Set(documented)].sort((a, b) => a - b)).toEqual(
      [...new Set(expected)].sort((a, b) => a - b),
    );
  });
});
