import { readFileSync } from "node:fs";
import { join } from "node:path";
import { referencePages } from "../../scripts/support/reference";
import { ROOT } from "./support/markdown";

const generated = referencePages();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("the generated reference", () => {
  test.each([...generated])("%s is as fresh as contracts/; else run `npm run docs`", (path, text) => {
    expect(read(path)).toBe(text);
  });

  test("the threat model says of every pattern where it is used", () => {
    const names = [...(generated.get("docs/reference/fields.md") ?? "").matchAll(/^\| `(\w+)`/gm)].map(
      ([, name]) => name ?? "",
    );
    expect(names).toContain("JOB_NAME");
    const text = read("docs/threat-model.md");
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
