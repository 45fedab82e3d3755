/** A value of Terraform's JSON syntax. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** A resource or data source of a synthesized stack. */
export interface StackResource {
  /** As Terraform writes it: `nomad_job.x`, `data.github_repositories.x`. */
  readonly address: string;
  readonly type: string;
  /** Construct path below the stack, such as `Worker/Ledger`. */
  readonly path: string;
  readonly body: JsonObject;
}

/** A synthesized stack: the file `cdk.tf.json`, taken apart. */
export interface SynthesizedStack {
  readonly name: string;
  /** By address, in the order of the addresses. */
  readonly resources: ReadonlyMap<string, StackResource>;
  /** Configuration of each provider, by local name, or `name.alias`. */
  readonly providers: ReadonlyMap<string, JsonObject>;
  readonly locals: JsonObject;
  /** Kind of the state's backend, such as `consul`. */
  readonly backend: string;
}

/**
 * @param text content of a `cdk.tf.json`
 * @throws when it is not one, or holds a module: nobody has said yet what a module stands for
 */
export function readStack(text: string): SynthesizedStack {
  const json = JSON.parse(text) as JsonObject;
  const name = textAt(json, "//", "metadata", "stackName");
  if (name === undefined) {
    throw new Error("The stack's JSON has no name under //.metadata; give what App.synth() writes.");
  }
  if ("module" in json) {
    throw new Error("The stack holds a module. Add what it stands for to scripts/diagram/stack.ts.");
  }
  const resources = [...resourcesOf(name, json["resource"], ""), ...resourcesOf(name, json["data"], "data.")];
  resources.sort((left, right) => compare(left.address, right.address));
  return {
    name,
    resources: new Map(resources.map((resource) => [resource.address, resource])),
    providers: new Map(providersOf(json["provider"])),
    locals: objectOf(json["locals"]),
    backend: Object.keys(objectOf(objectOf(json["terraform"])["backend"]))[0] ?? "local",
  };
}

function resourcesOf(stack: string, block: Json | undefined, prefix: string): readonly StackResource[] {
  return Object.entries(objectOf(block)).flatMap(([type, named]) =>
    Object.entries(objectOf(named)).map(([name, body]) => {
      const path = textAt(body, "//", "metadata", "path") ?? `${stack}/${name}`;
      return {
        address: `${prefix}${type}.${name}`,
        type,
        path: path.startsWith(`${stack}/`) ? path.slice(stack.length + 1) : path,
        body: objectOf(body),
      };
    }),
  );
}

function providersOf(block: Json | undefined): readonly (readonly [string, JsonObject])[] {
  return Object.entries(objectOf(block)).flatMap(([name, configurations]) =>
    listOf(configurations).map((configuration) => {
      const alias = textAt(configuration, "alias");
      return [alias === undefined ? name : `${name}.${alias}`, objectOf(configuration)] as const;
    }),
  );
}

/** The object, or an empty one for anything else. */
export function objectOf(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The list; a block that stands once may be written without one. */
export function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** The text under a path of keys; the first of a list stands for the list. */
export function textAt(value: Json | undefined, ...keys: readonly string[]): string | undefined {
  let found: Json | undefined = value;
  for (const key of keys) found = objectOf(listOf(found)[0])[key];
  return typeof found === "string" ? found : undefined;
}

/** Order by code units, the same on every machine. */
export function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
