import { readdirSync } from "node:fs";
import { join } from "node:path";
import { RunnersStack, type RunnersStackProps } from "../../../index";
import { deriveModel } from "../../../scripts/diagram/derive";
import { diagramFiles } from "../../../scripts/diagram/files";
import { readPage } from "../../docs/support/markdown";
import { mermaidFaults } from "../../docs/support/mermaid";
import { dslFaults } from "../../docs/support/structurizr";
import { lines, written } from "./support";

const EXAMPLES = join(__dirname, "..", "..", "..", "examples");
const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));

test("there are examples", () => {
  expect(names.length).toBeGreaterThanOrEqual(3);
});

describe.each(names)("the diagrams of %s", (name) => {
  const { default: settings } = jest.requireActual<{ default: RunnersStackProps }>(join(EXAMPLES, name));
  const stack = written((app) => new RunnersStack(app, "github-runners", settings));
  const model = deriveModel(stack);

  test("show every resource and the loop", () => {
    const shown = model.elements.flatMap(({ addresses }) => addresses);
    expect([...shown].sort()).toEqual([...stack.resources.keys()].sort());
    const said = lines(model).join("\n");
    expect(said).toContain("github → worker, run: POST /webhook");
    expect(said).toMatch(
      /^worker → (access|nomad), run: POST \/v1\/job\/ID\/dispatch, with the service token$/m,
    );
    expect(said).toContain("worker → github, run: ");
    expect(said).toMatch(/^[\w-]+ → worker, run: POST and DELETE \/runners\/claim$/m);
  });

  test("are well-formed", () => {
    const files = diagramFiles(model);
    const { fences } = readPage("x.md", files.get("docs/diagrams.md") ?? "");
    expect(fences.flatMap((fence) => mermaidFaults(fence.lines))).toEqual([]);
    expect(dslFaults(files.get("docs/workspace.dsl") ?? "")).toEqual([]);
  });
});
