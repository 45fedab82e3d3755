import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT, anchors, links, pages, readPage } from "./support/markdown";
import { mermaidFaults } from "./support/mermaid";

const all = pages();
const byPath = new Map(all.map((page) => [page.path, page]));

/** @returns what is wrong with one link, or null */
function linkFault(from: string, target: string): string | null {
  if (/^(https:|mailto:)/.test(target)) return null;
  if (/^[a-z]+:/.test(target)) return `${from}: ${target} is neither https nor relative`;
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), file));
  if (path.startsWith("..")) return `${from}: ${target} leaves the project`;
  if (!existsSync(join(ROOT, path))) return `${from}: ${target} leads nowhere`;
  const page = byPath.get(path);
  const isFound = anchor === undefined || page === undefined || anchors(page).has(anchor);
  return isFound ? null : `${from}: ${target} names a heading that is not there`;
}

describe("the project's Markdown", () => {
  test("every relative link leads to a file and a heading that are there", () => {
    const faults = all.flatMap((page) => links(page).map((target) => linkFault(page.path, target)));
    expect(faults.length).toBeGreaterThan(20);
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  test("a link to a missing file, a missing heading or another scheme is found", () => {
    expect(linkFault("README.md", "docs/nothing.md")).toContain("leads nowhere");
    expect(linkFault("README.md", "docs/architecture.md#no-such-heading")).toContain("heading");
    expect(linkFault("README.md", "http://example.com")).toContain("neither https");
    expect(linkFault("README.md", "../elsewhere.md")).toContain("leaves the project");
  });

  test("every fenced block is closed and every diagram is well-formed", () => {
    const faults = all.flatMap((page) =>
      page.fences.flatMap((fence) => [
        ...(fence.closed ? [] : [`${page.path}: a fenced block without an end`]),
        ...(fence.language === "mermaid" ? mermaidFaults(fence.lines) : []).map(
          (fault) => `${page.path}: ${fault}`,
        ),
      ]),
    );
    expect(faults).toEqual([]);
    const diagrams = all.flatMap((page) => page.fences).filter(({ language }) => language === "mermaid");
    expect(diagrams.length).toBeGreaterThanOrEqual(6);
  });

  test.each([
    ["an unclosed label", ["flowchart LR", 'a["one', "b"]],
    ["an unclosed bracket", ["flowchart LR", "a[one"]],
    ["an unclosed subgraph", ["flowchart LR", "subgraph x", "a --> b"]],
    ["an end too many", ["sequenceDiagram", "A->>B: x", "end"]],
    ["an unclosed alt", ["sequenceDiagram", "alt x", "A->>B: x"]],
    ["an unknown kind", ["flowchrt LR", "a --> b"]],
    ["nothing but a kind", ["flowchart LR"]],
  ])("%s is found", (_, lines) => {
    expect(mermaidFaults(lines)).not.toEqual([]);
  });

  test("a fence without its end is found", () => {
    expect(readPage("x.md", "a\n```sh\nb\n").fences).toEqual([
      { language: "sh", lines: ["b", ""], closed: false },
    ]);
  });

  test("every decision is in the list of decisions", () => {
    const listed = links(byPath.get("docs/adr/README.md") ?? readPage("", ""));
    const records = all
      .filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path))
      .map(({ path }) => path.slice("docs/adr/".length));
    expect(records.length).toBeGreaterThanOrEqual(15);
    expect([...listed].sort()).toEqual(records.sort());
  });

  test("every decision has the headings of a decision", () => {
    for (const { path, prose } of all.filter((page) => /^docs\/adr\/\d{4}-/.test(page.path))) {
      const headings = prose.filter((line) => line.startsWith("## "));
      expect([path, ...headings]).toEqual([
        path,
        "## Context",
        "## Positions",
        "## Decision",
        "## Consequences",
      ]);
      expect(prose.some((line) => /^Status: (accepted|proposed|superseded)/.test(line))).toBe(true);
    }
  });
});
