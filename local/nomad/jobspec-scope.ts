/** Values of a job specification's variables, where they are not its defaults. */
export type Variables = Readonly<Record<string, string | number | boolean>>;
/** A block or an object, as the conversion to JSON has it. */
export type Block = Readonly<Record<string, unknown>>;

/** `${var.name}`, `${local.name}`. */
const REFERENCE = /^(var|local)\.([a-z_]+)$/;
/** `${var.name}`, `${var.name + 30}` within a text. */
const EXPRESSION = /\$\{\s*var\.([a-z_]+)(?:\s*([+-])\s*(\d+))?\s*\}/g;
/** One of two, by whether a variable is empty: `${var.name == "" ? "a" : [var.name]}`. */
const CHOICE = /^\$\{var\.([a-z_]+) == (null|"") \? ("(?:[^"\\]|\\.)*"|\[[a-z_.]*\]|[a-z_.]+) : (.+)\}$/s;
/** The texts of a local by their names, but the empty ones. */
const NOT_EMPTY = /^\$\{\{ for name, text in local\.([a-z_]+) : name => text if text != "" \}\}$/;

/**
 * Variables and locals of a job specification, and what little of HCL's expressions the stand-in evaluates: `var.<name>`,
 * `local.<name>`, a number added to a variable, a choice by whether a variable is empty, and Nomad's own `${NOMAD_…}`, which
 * stays.
 */
export class Scope {
  readonly file: string;
  readonly #values = new Map<string, unknown>();
  readonly #locals = new Map<string, unknown>();

  /** @throws Error naming a variable that is missing or unknown */
  constructor(file: string, root: Block, given: Variables) {
    this.file = file;
    const declared = (root["variable"] ?? {}) as Readonly<Record<string, readonly Block[]>>;
    for (const [name, [block]] of Object.entries(declared)) {
      const value = name in given ? given[name] : block?.["default"];
      if (value === undefined) throw new Error(`${file}: variable ${name} has no default and was not given`);
      this.#values.set(name, value);
    }
    const unknown = Object.keys(given).filter((name) => !(name in declared));
    if (unknown.length > 0) throw new Error(`${file}: has no variable ${unknown.join(", ")}`);
    for (const block of (root["locals"] ?? []) as readonly Block[]) {
      for (const [name, value] of Object.entries(block)) this.#locals.set(name, value);
    }
  }

  /** A value as text, as it stands in a process's environment. */
  text(value: unknown): string {
    const found = this.#value(value);
    if (typeof found === "string") return found;
    if (typeof found === "number" || typeof found === "boolean") return String(found);
    throw new Error(`${this.file}: expected a text, got ${JSON.stringify(found)}`);
  }

  texts(value: unknown): string[] {
    return this.list(value).map((item) => this.text(item));
  }

  list(value: unknown): readonly unknown[] {
    const found = this.#value(value);
    if (!Array.isArray(found)) throw new Error(`${this.file}: expected a list, got ${JSON.stringify(found)}`);
    return found;
  }

  /** An object's values as texts, or those of a local that are not empty. */
  textsByName(value: unknown): Readonly<Record<string, string>> {
    const local = typeof value === "string" ? NOT_EMPTY.exec(value)?.[1] : undefined;
    const found = local === undefined ? this.#value(value) : this.#local(local);
    if (typeof found !== "object" || found === null || Array.isArray(found)) {
      throw new Error(`${this.file}: expected an object of texts, got ${JSON.stringify(found)}`);
    }
    const texts = Object.entries(found).map(([name, text]) => [name, this.text(text)] as const);
    return Object.fromEntries(texts.filter(([, text]) => local === undefined || text !== ""));
  }

  #value(value: unknown): unknown {
    if (typeof value !== "string") return value;
    const whole = /^\$\{([a-z_.]+)\}$/.exec(value)?.[1];
    if (whole !== undefined && REFERENCE.test(whole)) return this.#reference(whole);
    const [choice, name = "", empty, then = "", otherwise = ""] = CHOICE.exec(value) ?? [];
    if (choice !== undefined) {
      const isEmpty = this.#variable(name) === (empty === "null" ? null : "");
      return this.#branch(isEmpty ? then : otherwise);
    }
    const text = value.replace(EXPRESSION, (_whole, variable: string, sign?: string, number?: string) => {
      const found = this.#variable(variable);
      if (sign === undefined) return this.text(found);
      return String(Number(found) + (sign === "-" ? -1 : 1) * Number(number));
    });
    if (!/\$\{(?!NOMAD_|attr\.|node\.|env\[)/.test(text)) return text;
    throw new Error(
      `${this.file}: the stand-in evaluates var.<name>, at most plus or minus a number, a local, or a choice by whether a ` +
        `variable is empty, got ${value}`,
    );
  }

  /** One side of a choice: a text, a reference, or a list of none or one. */
  #branch(branch: string): unknown {
    if (branch.startsWith('"')) return this.#value(JSON.parse(branch));
    if (branch === "[]") return [];
    const inList = /^\[([a-z_.]+)\]$/.exec(branch)?.[1];
    return inList === undefined ? this.#value(`\${${branch}}`) : [this.#value(`\${${inList}}`)];
  }

  #reference(text: string): unknown {
    const [, kind, name = ""] = REFERENCE.exec(text) ?? [];
    return kind === "local" ? this.#value(this.#local(name)) : this.#variable(name);
  }

  #variable(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    throw new Error(`${this.file}: uses variable ${name}, which it has not`);
  }

  #local(name: string): unknown {
    if (this.#locals.has(name)) return this.#locals.get(name);
    throw new Error(`${this.file}: uses local ${name}, which it has not`);
  }
}
