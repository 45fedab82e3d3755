import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deriveModel } from "../../scripts/diagram/derive";
import { diagramFiles } from "../../scripts/diagram/files";
import { type Model, edge, edgesOf, liftEdges } from "../../scripts/diagram/model";
import { synthesizeApp } from "../../scripts/diagram/synthesized";
import { STYLES, THEME } from "../../scripts/diagram/theme";
import { ROOT, readPage } from "./support/markdown";
import { mermaidFaults } from "./support/mermaid";
import { dslFaults } from "./support/structurizr";

const stack = synthesizeApp();
const model: Model = deriveModel(stack);
const generated = diagramFiles(model);

describe("the diagrams", () => {
  test.each([...generated])("%s is as fresh as the stack; else run `npm run diagram`", (path, text) => {
    expect(readFileSync(join(ROOT, path), "utf8")).toBe(text);
  });

  test("are the same from two syntheses", () => {
    expect([...diagramFiles(deriveModel(synthesizeApp()))]).toEqual([...generated]);
  });

  test("show every resource of the stack in one element", () => {
    const shown = model.elements.flatMap(({ addresses }) => addresses);
    expect([...shown].sort()).toEqual([...stack.resources.keys()].sort());
    expect(shown.length).toBeGreaterThan(15);
  });

  test("have a relationship for every reference between elements, but for providers' credentials and nodes", () => {
    const nodes = new Set(model.elements.filter(({ kind }) => kind === "node").map(({ id }) => id));
    const related = new Set(model.relationships.map(({ from, to }) => edge(from, to)));
    const referred = liftEdges(
      model,
      model.references.filter(({ via }) => via !== "provider"),
    );
    const between = referred.filter((one) => !one.split(" → ").some((id) => nodes.has(id)));
    expect(between.length).toBeGreaterThan(3);
    expect(between.filter((one) => !related.has(one))).toEqual([]);
    expect(edgesOf(model)).toEqual(expect.arrayContaining([...between]));
  });

  test("show the loop: deliveries, ledger, dispatch through Access and tunnel, claim, job", () => {
    const related = model.relationships.map(({ from, to, at }) => `${at} ${edge(from, to)}`);
    for (const [from, to] of [
      ["github", "worker"],
      ["worker", "ledger"],
      ["worker", "access"],
      ["access", "tunnel"],
      ["connector", "tunnel"],
      ["connector", "nomad"],
      ["nomad", "github-runner-linux"],
      ["github-runner-linux", "worker"],
      ["github-runner-linux", "github"],
    ] as const) {
      expect(related).toContain(`run ${edge(from, to)}`);
    }
  });

  test("name only elements that are there, each with what says so", () => {
    const ids = new Set(model.elements.map(({ id }) => id));
    expect(model.relationships.filter(({ from, to }) => !ids.has(from) || !ids.has(to))).toEqual([]);
    expect(model.relationships.filter(({ because }) => because.length === 0)).toEqual([]);
    expect(model.elements.filter(({ node }) => node !== undefined && !ids.has(node))).toEqual([]);
  });

  test("are well-formed, and draw every element and relationship that they are to draw", () => {
    const views = readPage("x.md", generated.get("docs/diagrams.md") ?? "").fences;
    expect(views).toHaveLength(2);
    for (const { lines } of views) expect(mermaidFaults(lines)).toEqual([]);
    const [containers = [], deployment = []] = views.map(({ lines }) => lines);
    const arrows = (lines: readonly string[], arrow: string): number =>
      lines.filter((line) => line.includes(` ${arrow}|`)).length;
    const running = model.relationships.filter(({ at }) => at === "run").length;
    expect(arrows(containers, "-->")).toBe(running);
    expect(arrows(containers, "-.->")).toBe(0);
    expect(arrows(deployment, "-.->")).toBe(model.relationships.length - running);
  });

  test("are written in Structurizr's language with the same elements, relationships and colours", () => {
    const dsl = generated.get("docs/workspace.dsl") ?? "";
    expect(dslFaults(dsl)).toEqual([]);
    expect(dsl.match(/^ {4}e_\w+ -> e_\w+ /gm)).toHaveLength(model.relationships.length);
    const page = generated.get("docs/diagrams.md") ?? "";
    for (const style of STYLES) {
      expect(dsl).toContain(THEME.colors[style].fill);
      expect(page).toContain(THEME.colors[style].fill);
    }
  });

  test("hold no path of an asset and no value of a secret", () => {
    const all = [...generated.values()].join("\n");
    expect(all).not.toMatch(/assets\/|[0-9a-f]{32}/);
  });
});

describe("faults of a Structurizr text", () => {
  test.each([
    ["a brace that is not closed", "workspace {\n", "1 brace(s) not closed"],
    ["a brace too many", "workspace {\n}\n}\n", "a brace too many"],
    ["a quote that is not closed", 'workspace "x {\n}\n', "a quote that is not closed"],
    ["a name that nobody declared", 'workspace {\na = person "A"\na -> b "x"\n}\n', "b is not declared"],
    ["a name declared twice", 'workspace {\na = person "A"\na = person "B"\n}\n', "a is declared twice"],
    ["an instance of nothing", "workspace {\ncontainerInstance a\n}\n", "a is not declared"],
  ])("%s is found", (_, text, fault) => {
    expect(dslFaults(text).join()).toContain(fault);
  });
});
