import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, pages } from "./support/markdown";

const readme = pages().find(({ path }) => path === "README.md");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

describe("the README", () => {
  test("gives exactly two commands to start with", () => {
    const shell = readme?.fences.filter(({ language }) => language === "sh") ?? [];
    expect(shell.flatMap(({ lines }) => lines)).toEqual(["npm ci && npm run demo", "npm ci && npm test"]);
  });

  test("all scripts that the documents name are there", () => {
    const named = pages().flatMap(({ prose, fences }) =>
      [...prose, ...fences.flatMap(({ lines }) => lines)].flatMap((line) =>
        [...line.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, name]) => name ?? ""),
      ),
    );
    expect(named).toContain("demo");
    expect([...new Set(named)].filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});
