/** A block of an HCL-to-JSON document. */
export type Block = Readonly<Record<string, unknown>>;

/** The one block at a path of an HCL-to-JSON document, where every block is a list of one. */
export function block(from: unknown, ...path: readonly string[]): Block {
  let at = from;
  for (const name of path) {
    at = (at as Block)[name];
    if (Array.isArray(at) && at.length === 1) at = at[0] as unknown;
  }
  if (typeof at !== "object" || at === null) throw new Error(`no block ${path.join(".")}`);
  return at as Block;
}
