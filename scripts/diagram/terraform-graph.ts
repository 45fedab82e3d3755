import { type Model, edgesOf, liftEdges, liftOf } from "./model";
import { compare } from "./stack";

/** An edge of `terraform graph`: `from` needs `to`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}

export interface Graph {
  readonly nodes: readonly string[];
  readonly edges: readonly GraphEdge[];
}

const NODE = /^\s*"([^"]+)" \[label=/;
const EDGE = /^\s*"([^"]+)" -> "([^"]+)";$/;

/**
 * Reads what `terraform graph` prints: resources and data sources by address, an edge for each dependency that no longer
 * way gives already.
 * @throws on a graph without resources, which is what an empty directory prints
 * @see https://developer.hashicorp.com/terraform/cli/commands/graph
 */
export function readGraph(dot: string): Graph {
  const lines = dot.split("\n");
  const nodes = lines.flatMap((line) => NODE.exec(line)?.[1] ?? []);
  if (nodes.length === 0) {
    throw new Error("The graph names no resource; run `terraform graph` in the directory of the stack.");
  }
  const edges = lines.flatMap((line) => {
    const [, from, to] = EDGE.exec(line) ?? [];
    return from === undefined || to === undefined ? [] : [{ from, to }];
  });
  return { nodes, edges };
}

/**
 * Holds a model against Terraform's own graph of the same stack.
 *
 * Terraform prints no edge that a longer way gives already, the model has them all; so both are brought to that form,
 * which a graph without cycles has exactly one of. Then the edges between elements are compared.
 * @returns what differs, each in a sentence; empty when nothing does
 */
export function graphDifferences(model: Model, dot: string): readonly string[] {
  const graph = readGraph(dot);
  const lift = liftOf(model);
  const missing = graph.nodes.filter((address) => !lift.has(address));
  const surplus = [...lift.keys()].filter((address) => !graph.nodes.includes(address));
  const resources = [
    ...missing.map((address) => `${address} is in Terraform's graph and in no element of the model`),
    ...surplus.map((address) => `${address} is in the model and not in Terraform's graph`),
  ];
  if (resources.length > 0) return resources.sort(compare);

  const [theirs, ours] = [reduced(graph.edges), reduced(model.references)];
  const lifted = new Set(edgesOf(model));
  return [
    ...without(theirs, ours).map((text) => `Terraform has ${text}, the model has not`),
    ...without(ours, theirs).map((text) => `the model has ${text}, Terraform has not`),
    ...liftEdges(model, graph.edges)
      .filter((one) => !lifted.has(one))
      .map((one) => `Terraform has an edge between elements, ${one}, the model has not`),
  ];
}

function without(edges: readonly GraphEdge[], others: readonly GraphEdge[]): readonly string[] {
  const known = new Set(others.map(({ from, to }) => `${from} → ${to}`));
  return edges.map(({ from, to }) => `${from} → ${to}`).filter((text) => !known.has(text));
}

/** The fewest edges that give the same order, sorted, each once. The graph must have no cycles. */
export function reduced(edges: readonly GraphEdge[]): readonly GraphEdge[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of edges) next.set(from, (next.get(from) ?? new Set()).add(to));
  const below = new Map<string, ReadonlySet<string>>();
  const reach = (address: string, above: readonly string[]): ReadonlySet<string> => {
    if (above.includes(address)) throw new Error(`A cycle: ${[...above, address].join(" → ")}.`);
    const known = below.get(address);
    if (known !== undefined) return known;
    const found = new Set<string>();
    for (const to of next.get(address) ?? []) {
      found.add(to);
      for (const one of reach(to, [...above, address])) found.add(one);
    }
    below.set(address, found);
    return found;
  };
  return [...next]
    .flatMap(([from, targets]) =>
      [...targets]
        .filter((to) => ![...targets].some((other) => other !== to && reach(other, [from]).has(to)))
        .map((to) => ({ from, to })),
    )
    .sort((left, right) => compare(left.from, right.from) || compare(left.to, right.to));
}
