import type { Element } from "./model";

/** The software system that the stack is. */
export const SYSTEM_NAME = "Runners on demand";

/** What an element's kind is called in the views. */
export const KIND_NAMES: Readonly<Record<Element["kind"], string>> = {
  person: "Person",
  system: "External system",
  container: "Container",
  node: "Node",
};

/** An element's name in mermaid and Structurizr: no word of their grammars (`end`, `model`) and no hyphen, which can read
 *  as an arrow. */
export function viewKey(id: string): string {
  return `e_${id.replaceAll("-", "_")}`;
}
