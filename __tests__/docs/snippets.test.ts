import { parse } from "@cdktf/hcl2json";
import * as yaml from "prettier/plugins/yaml";
import { pages } from "./support/markdown";

/** Blocks of a language, without the indentation that they have in a list. */
function snippets(language: string): readonly (readonly [string, string])[] {
  return pages().flatMap(({ path, fences }) =>
    fences
      .filter((fence) => fence.language === language)
      .map(({ lines }, index) => {
        const indent = Math.min(...lines.filter((line) => line !== "").map((line) => line.search(/\S|$/)));
        const text = lines.map((line) => line.slice(indent)).join("\n");
        return [`${path}, ${String(index + 1)}`, `${text}\n`] as const;
      }),
  );
}

describe("the documents' snippets", () => {
  test.each(snippets("hcl"))("HCL of %s is HCL", async (name, text) => {
    expect(Object.keys(await parse(`${name}.hcl`, text))).not.toEqual([]);
  });

  test.each(snippets("json"))("JSON of %s is JSON", (_, text) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  test.each(snippets("yaml"))("YAML of %s is YAML", (_, text) => {
    expect(() => yaml.parsers.yaml.parse(text, {} as never) as unknown).not.toThrow();
  });

  test("are there", () => {
    expect(snippets("hcl").length).toBeGreaterThan(3);
    expect(snippets("json").length).toBeGreaterThan(0);
  });

  test.each([
    ["hcl", 'a = "'],
    ["hcl", "job {"],
  ])("%s that is none is found (%j)", async (_, text) => {
    await expect(parse("x.hcl", text)).rejects.toBeDefined();
  });
});
