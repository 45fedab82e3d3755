import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, type TerraformStack, Testing } from "cdktf";
import type { IConstruct } from "constructs";

type Json = Readonly<Record<string, unknown>>;
type Blocks = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** The synthesized form of a stack, asked by resource class instead of by string. */
export class Template {
  readonly json: Json;

  /** Synthesizes without running the constructs' validations: {@link problemsOf} asks for those. */
  constructor(stack: TerraformStack) {
    this.json = JSON.parse(Testing.synth(stack)) as Json;
  }

  /** Every resource of a type, in the order of its address. */
  resources(type: { readonly tfResourceType: string }): readonly Json[] {
    return Object.values((this.json["resource"] as Blocks)[type.tfResourceType] ?? {});
  }

  /** The one resource of a type. */
  resource(type: { readonly tfResourceType: string }): Json {
    const [found, ...more] = this.resources(type);
    if (found === undefined || more.length > 0) {
      const count = String(found === undefined ? 0 : more.length + 1);
      throw new Error(`Expected one ${type.tfResourceType}, found ${count}.`);
    }
    return found;
  }

  /** A block that has names of its own: `variable`, `output`, `provider`, `terraform`. */
  block(name: string): Readonly<Record<string, Json>> {
    return (this.json[name] ?? {}) as Readonly<Record<string, Json>>;
  }
}

/** What the validations of a construct and of all in it say, each with its path; empty when synth goes through. */
export function problemsOf(root: IConstruct): readonly string[] {
  return root.node
    .findAll()
    .flatMap((construct) =>
      construct.node.validate().map((problem) => `[${construct.node.path}] ${problem}`),
    );
}

/** The warnings that synth prints. */
export function warningsOf(root: IConstruct): readonly string[] {
  return root.node
    .findAll()
    .flatMap((construct) => construct.node.metadata)
    .filter(({ type }) => type === "@cdktf/warn")
    .map(({ data }) => String(data));
}

const outputs: string[] = [];

/** An app that writes into a directory of its own; {@link removeOutputs} removes it. */
export function testApp(): App {
  const outdir = mkdtempSync(join(tmpdir(), "synth-"));
  outputs.push(outdir);
  return Testing.app({ outdir });
}

export function removeOutputs(): void {
  for (const directory of outputs.splice(0)) rmSync(directory, { recursive: true, force: true });
}
