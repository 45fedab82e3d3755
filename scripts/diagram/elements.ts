import type { Element } from "./model";
import { type Draft, type NodeId, type SystemId, ruleOf } from "./resource-rules";
import { type StackResource, type SynthesizedStack, compare, textAt } from "./stack";
import { targets } from "./references";

type Outside = Omit<Element, "id" | "addresses">;

/** What the stack does not make: systems, nodes, people. Which of them a model holds, the stack says. */
const OUTSIDE: Readonly<Record<SystemId | NodeId | "operator" | "developer" | "secrets-store", Outside>> = {
  github: {
    kind: "system",
    name: "GitHub",
    technology: "Actions, webhooks, REST API",
    description: "has the jobs",
  },
  nomad: {
    kind: "system",
    name: "Nomad API",
    technology: "Nomad",
    description: "no inbound port",
    node: "nomad-cluster",
  },
  vault: {
    kind: "system",
    name: "Vault",
    technology: "Vault or OpenBao",
    description: "what jobs may read",
    isStore: true,
  },
  state: {
    kind: "system",
    name: "Terraform state",
    technology: "",
    description: "generated secrets",
    isStore: true,
  },
  cloudflare: { kind: "node", name: "Cloudflare account", technology: "Cloudflare", description: "" },
  "nomad-cluster": {
    kind: "node",
    name: "Nomad cluster",
    technology: "Nomad",
    description: "no inbound port",
  },
  "secrets-store": {
    kind: "system",
    name: "Secrets Store",
    technology: "Cloudflare Secrets Store",
    description: "what is never in the state",
    node: "cloudflare",
    isStore: true,
  },
  operator: { kind: "person", name: "Operator", technology: "", description: "owns cluster and policy" },
  developer: {
    kind: "person",
    name: "Developer",
    technology: "",
    description: "pushes, opens pull requests",
  },
};

type OutsideId = keyof typeof OUTSIDE;

/** The elements of a model while it grows. */
export class Elements {
  readonly #stack: SynthesizedStack;
  readonly #found = new Map<string, Omit<Element, "addresses">>();
  readonly #lift = new Map<string, string>();

  /** @throws on a resource that no rule knows, or a part of something that is not there */
  constructor(stack: SynthesizedStack) {
    this.#stack = stack;
    const all = [...stack.resources.values()];
    // Containers and namespaces first: the parts look for them.
    for (const resource of all) this.#own(resource);
    for (const resource of all) this.#place(resource);
    for (const resource of all) this.#accompany(resource);
  }

  /** Id of the element that an address belongs to. */
  of(address: string): string {
    const id = this.#lift.get(address);
    if (id === undefined) throw new Error(`${address} belongs to no element.`);
    return id;
  }

  /** Makes sure that something outside is in the model. @returns its id */
  outside(id: OutsideId): string {
    const { node } = OUTSIDE[id];
    const technology = id === "state" ? `${this.#stack.backend} backend` : OUTSIDE[id].technology;
    if (!this.#found.has(id)) this.#found.set(id, { id, ...OUTSIDE[id], technology });
    if (node !== undefined) this.outside(node as NodeId);
    return id;
  }

  isNode(id: string): boolean {
    return this.#found.get(id)?.kind === "node";
  }

  /** All of them, ordered by id, with their addresses. */
  list(): readonly Element[] {
    return [...this.#found.values()]
      .sort((left, right) => compare(left.id, right.id))
      .map((element) => ({
        ...element,
        addresses: [...this.#lift]
          .filter(([, id]) => id === element.id)
          .map(([address]) => address)
          .sort(compare),
      }));
  }

  #own(resource: StackResource): void {
    const rule = ruleOf(resource);
    if (rule.kind === "container") {
      const { base, ...draft } = rule.draft(resource);
      const node = resource.type === "nomad_job" ? this.#namespaceOf(resource) : this.outside(rule.node);
      const id = this.#fresh(base, resource);
      this.#found.set(id, { id, kind: "container", ...draft, node });
      this.#lift.set(resource.address, id);
    }
    if (rule.kind === "namespace") {
      this.#lift.set(resource.address, this.#namespace(textAt(resource.body, "name") ?? resource.path));
    }
  }

  #place(resource: StackResource): void {
    const rule = ruleOf(resource);
    if (rule.kind === "system") this.#lift.set(resource.address, this.outside(rule.system));
    if (rule.kind === "node") this.#lift.set(resource.address, this.outside(rule.node));
    if (rule.kind === "part") this.#lift.set(resource.address, this.#nearest(resource, rule.of));
  }

  #accompany(resource: StackResource): void {
    if (ruleOf(resource).kind !== "companion") return;
    const others = new Set([...this.#stack.resources.values()].map(({ type }) => type));
    others.delete(resource.type);
    this.#lift.set(resource.address, this.#nearest(resource, [...others]));
  }

  /** An id that no other element has: two of a kind are told apart by where they are in the tree. */
  #fresh(base: Draft["base"], resource: StackResource): string {
    const id = slug(base);
    return this.#found.has(id) ? slug(`${base}-${resource.path.replace(/\/Resource$/, "")}`) : id;
  }

  #namespace(name: string): string {
    const id = slug(`namespace-${name}`);
    const node = this.outside("nomad-cluster");
    if (!this.#found.has(id)) {
      const technology = "Nomad namespace";
      this.#found.set(id, { id, kind: "node", name: `Namespace ${name}`, technology, description: "", node });
    }
    return id;
  }

  /** The node of a job: the namespace it names, by value or by reference. */
  #namespaceOf(job: StackResource): string {
    const said = textAt(job.body, "hcl2", "vars", "namespace") ?? "default";
    const [address] = targets(this.#stack, { said });
    const namespace = this.#stack.resources.get(address ?? "");
    return this.#namespace(textAt(namespace?.body, "name") ?? said);
  }

  /** Element of the resource of these types that is nearest in the constructs' tree. */
  #nearest(resource: StackResource, types: readonly string[]): string {
    const candidates = [...this.#stack.resources.values()].filter(({ type }) => types.includes(type));
    candidates.sort(
      (left, right) => closeness(right.path, resource.path) - closeness(left.path, resource.path),
    );
    const [nearest] = candidates;
    if (nearest !== undefined) return this.of(nearest.address);
    throw new Error(
      `${resource.address} belongs to a ${types.join(" or a ")}, and the stack has none; ` +
        "say what it stands for in RULES of scripts/diagram/resource-rules.ts.",
    );
  }
}

/** How many constructs two paths have in common. */
function closeness(left: string, right: string): number {
  const [ours, theirs] = [left.split("/"), right.split("/")];
  const differs = ours.findIndex((part, index) => part !== theirs[index]);
  return differs === -1 ? ours.length : differs;
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
