import type { Element, Model, Relationship } from "./model";
import { STYLES, THEME } from "./theme";
import { KIND_NAMES, SYSTEM_NAME, viewKey as key } from "./view-names";

/** The container view: people, systems and the containers in the system's boundary, while it runs. */
export function containerView(model: Model): readonly string[] {
  const relationships = model.relationships.filter(({ at }) => at === "run");
  const used = new Set(relationships.flatMap(({ from, to }) => [from, to]));
  const isShown = ({ id, kind }: Element): boolean => kind === "container" || used.has(id);
  const shown = model.elements.filter((element) => element.kind !== "node" && isShown(element));
  const inside = shown.filter(({ kind }) => kind === "container");
  return [
    "flowchart TB",
    ...shown.filter(({ kind }) => kind !== "container").map((element) => `  ${box(element)}`),
    `  subgraph boundary["${SYSTEM_NAME}<br/>[Software system]"]`,
    ...inside.map((element) => `    ${box(element)}`),
    "  end",
    ...relationships.map((one) => `  ${arrow(one)}`),
    ...theme(shown, ["boundary"]),
  ];
}

/** The deployment view: the same where it runs, and what Terraform takes from where (dotted). */
export function deploymentView(model: Model): readonly string[] {
  const shown = model.elements.filter(({ kind }) => kind !== "person");
  const ids = new Set(shown.map(({ id }) => id));
  const relationships = model.relationships.filter(({ from, to }) => ids.has(from) && ids.has(to));
  const nodes = shown.filter(({ kind }) => kind === "node");
  return [
    "flowchart TB",
    ...inNode(shown, undefined, "  "),
    ...relationships.map((one) => `  ${arrow(one)}`),
    ...theme(
      shown.filter(({ kind }) => kind !== "node"),
      nodes.map(({ id }) => key(id)),
    ),
  ];
}

function inNode(elements: readonly Element[], node: string | undefined, indent: string): readonly string[] {
  return elements
    .filter((element) => element.node === node)
    .flatMap((element) => {
      if (element.kind !== "node") return [indent + box(element)];
      const content = inNode(elements, element.id, `${indent}  `);
      const { name, technology } = element;
      return [
        `${indent}subgraph ${key(element.id)}["${label(name, `[${technology}]`)}"]`,
        ...content,
        `${indent}end`,
      ];
    });
}

function box({ id, kind, name, technology, description, isStore }: Element): string {
  const what = `[${KIND_NAMES[kind]}${technology === "" ? "" : `: ${technology}`}]`;
  const text = `"${label(name, what, description)}"`;
  return `${key(id)}${isStore === true ? `[(${text})]` : `[${text}]`}`;
}

function arrow({ from, to, at, label: said, technology }: Relationship): string {
  const text = label(said, technology === undefined ? "" : `[${technology}]`);
  return `${key(from)} ${at === "run" ? "-->" : "-.->"}|"${text}"| ${key(to)}`;
}

function theme(shown: readonly Element[], boundaries: readonly string[]): readonly string[] {
  const members = (kind: string): readonly string[] =>
    kind === "node" ? boundaries : shown.filter((one) => one.kind === kind).map(({ id }) => key(id));
  return STYLES.flatMap((style) => {
    const { fill, stroke, text } = THEME.colors[style];
    const ids = members(style);
    if (ids.length === 0) return [];
    return [
      `  classDef ${style} fill:${fill},stroke:${stroke},color:${text}`,
      `  class ${ids.join(",")} ${style}`,
    ];
  });
}

/** Lines of a label; a quote would end it. */
function label(...lines: readonly string[]): string {
  return lines
    .filter((line) => line !== "")
    .join("<br/>")
    .replaceAll('"', "#quot;");
}
