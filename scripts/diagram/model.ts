import { compare } from "./stack";
import type { Reference } from "./references";

/** What an element of the model is. */
export type ElementKind = "person" | "system" | "container" | "node";

/** An element of the C4 model, and what it stands for. */
export interface Element {
  /** Unique, kebab-case. */
  readonly id: string;
  readonly kind: ElementKind;
  readonly name: string;
  /** What it is made with. */
  readonly technology: string;
  readonly description: string;
  /** Id of the node it stands in. */
  readonly node?: string;
  /** Whether it keeps data: it is drawn as a cylinder. */
  readonly isStore?: boolean;
  /** Addresses of the resources it stands for; empty for what the stack only speaks of. */
  readonly addresses: readonly string[];
}

/** That one element uses another. */
export interface Relationship {
  /** Ids of elements. */
  readonly from: string;
  readonly to: string;
  /** Whether it is so while the system runs, or when Terraform makes it. */
  readonly at: "run" | "deploy";
  readonly label: string;
  readonly technology?: string;
  /** What in the stack says so. */
  readonly because: readonly string[];
}

/** The whole of it. `docs/model.json` is this. */
export interface Model {
  readonly name: string;
  readonly elements: readonly Element[];
  readonly relationships: readonly Relationship[];
  /** Between resources, as in the synthesized stack. */
  readonly references: readonly Reference[];
}

/** Which element each address belongs to. */
export function liftOf(model: Pick<Model, "elements">): ReadonlyMap<string, string> {
  return new Map(model.elements.flatMap(({ id, addresses }) => addresses.map((one) => [one, id] as const)));
}

/** An edge between two elements: `from → to`. */
export function edge(from: string, to: string): string {
  return `${from} → ${to}`;
}

/** The edges between elements that references between their resources make, ordered. */
export function edgesOf(model: Pick<Model, "elements" | "references">): readonly string[] {
  return liftEdges(model, model.references);
}

/** Lifts edges between addresses to edges between elements; those within one element vanish. Ordered, each once.
 *  @throws when an address belongs to no element */
export function liftEdges(
  model: Pick<Model, "elements">,
  edges: readonly Pick<Reference, "from" | "to">[],
): readonly string[] {
  const lift = liftOf(model);
  const found = new Set<string>();
  for (const { from, to } of edges) {
    const [source, target] = [from, to].map((address) => {
      const id = lift.get(address);
      if (id !== undefined) return id;
      throw new Error(`${address} belongs to no element of the model; run \`npm run diagram\`.`);
    });
    if (source !== target) found.add(edge(source ?? "", target ?? ""));
  }
  return [...found].sort(compare);
}
