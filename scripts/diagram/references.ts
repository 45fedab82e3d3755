import {
  type Json,
  type JsonObject,
  type StackResource,
  type SynthesizedStack,
  compare,
  listOf,
  objectOf,
} from "./stack";

/** That one resource needs another: Terraform makes `to` before `from`. */
export interface Reference {
  /** Addresses. */
  readonly from: string;
  readonly to: string;
  /** How it is said: by a value, by `depends_on`, or by the configuration of the resource's provider. */
  readonly via: "value" | "depends_on" | "provider";
}

/** Arguments that name addresses without `${…}` around them. */
const BARE = ["depends_on", "replace_triggered_by"];

/** Something that may be an address or a local, at the beginning of a reference. */
const NAME = /(?<![\w.-])(?:data\.)?[A-Za-z_][\w-]*\.[A-Za-z_][\w-]*/g;

/**
 * Every reference between resources of a stack, ordered, each pair and kind once. Locals and outputs between them are
 * followed; a reference to a resource that the stack does not hold is an error, since Terraform would refuse it too.
 */
export function referencesOf(stack: SynthesizedStack): readonly Reference[] {
  const found = new Map<string, Reference>();
  const add = (from: string, to: string, via: Reference["via"]): void => {
    if (from !== to) found.set(`${from} ${to} ${via}`, { from, to, via });
  };
  for (const resource of stack.resources.values()) {
    for (const to of targets(stack, resource.body)) add(resource.address, to, "value");
    for (const to of listOf(resource.body["depends_on"]))
      add(resource.address, known(stack, to), "depends_on");
    for (const to of targets(stack, stack.providers.get(providerOf(resource)) ?? {})) {
      add(resource.address, to, "provider");
    }
  }
  return [...found.values()].sort(
    (left, right) =>
      compare(left.from, right.from) || compare(left.to, right.to) || compare(left.via, right.via),
  );
}

/** Local name of a resource's provider: what it says, or the first word of its type. */
export function providerOf({ type, body }: StackResource): string {
  const said = body["provider"];
  return typeof said === "string" ? said : (type.split("_", 1)[0] ?? type);
}

function known(stack: SynthesizedStack, address: Json): string {
  if (typeof address === "string" && stack.resources.has(address)) return address;
  throw new Error(`depends_on must name a resource of the stack, got ${JSON.stringify(address)}.`);
}

/** Addresses that the values of a body refer to, `depends_on` left aside. */
export function targets(stack: SynthesizedStack, body: JsonObject): ReadonlySet<string> {
  const found = new Set<string>();
  const locals = new Set<string>();
  const visit = (value: Json, isBare: boolean): void => {
    if (typeof value === "string") {
      for (const name of namesIn(isBare ? `\${${value}}` : value)) {
        if (stack.resources.has(name)) found.add(name);
        else if (name.startsWith("local.") && !locals.has(name)) {
          locals.add(name);
          visit(stack.locals[name.slice("local.".length)] ?? "", false);
        }
      }
      return;
    }
    if (Array.isArray(value)) for (const item of value as readonly Json[]) visit(item, isBare);
    else
      for (const [key, item] of Object.entries(objectOf(value))) {
        if (key !== "//" && key !== "depends_on") visit(item, BARE.includes(key));
      }
  };
  visit(body, false);
  return found;
}

/** Names of two parts in the template sequences of a text; what is escaped (`$${`, `%%{`) is text. */
export function namesIn(text: string): readonly string[] {
  return [...expressionsIn(text).join("\n").matchAll(NAME)].map(([name]) => name);
}

/** The insides of a text's template sequences, strings within them left out but for their own sequences. */
function expressionsIn(text: string): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const pair = text.slice(at, at + 3);
    if (pair === "$${" || pair === "%%{") at += 2;
    else if (/^[$%]\{/.test(pair)) at = expressionEnd(text, at + 2, found);
  }
  return found;
}

/** Reads an expression up to its closing brace and puts its code into `found`. @returns where that brace is */
function expressionEnd(text: string, start: number, found: string[]): number {
  let code = "";
  let depth = 0;
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"') {
      at = stringEnd(text, at + 1, found);
      code += '""';
      continue;
    }
    if (character === "{") depth++;
    if (character === "}" && depth-- === 0) break;
    code += character;
  }
  found.push(code);
  return at;
}

/** Reads a quoted string, and the sequences in it. @returns where its closing quote is */
function stringEnd(text: string, start: number, found: string[]): number {
  let at = start;
  for (; at < text.length && text[at] !== '"'; at++) {
    const pair = text.slice(at, at + 3);
    if (text[at] === "\\") at++;
    else if (pair === "$${" || pair === "%%{") at += 2;
    else if (/^[$%]\{/.test(pair)) at = expressionEnd(text, at + 2, found);
  }
  return at;
}
