import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support/markdown";

const ROW = /^\| (.+?) +\| \[[^\]]+\]\(\.\.\/\.\.\/(__tests__\/[^)]+)\) +\| (.+?) +\|$/;

const rows = readFileSync(join(ROOT, "docs/reference/requirements.md"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, rule = "", file = "", title = ""] = ROW.exec(line) ?? [];
    return rule === "" ? [] : [{ rule, file, title }];
  });

describe("the table of rules and their tests", () => {
  test("has rows", () => {
    expect(rows.length).toBeGreaterThan(30);
  });

  test.each(rows)("$rule", ({ file, title }) => {
    expect(readFileSync(join(ROOT, file), "utf8")).toContain(`"${title}"`);
  });
});
