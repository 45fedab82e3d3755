import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as yaml from "prettier/plugins/yaml";

const DIRECTORY = join(__dirname, "..", "..", "..", ".github", "workflows");

export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly if?: string;
  readonly environment?: string;
  readonly "runs-on": string | readonly string[];
  readonly "timeout-minutes"?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

/** A workflow file. Numbers and booleans are texts. */
export interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency: { readonly group: string; readonly "cancel-in-progress": string };
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Names of all workflow files. */
export function workflowFiles(): readonly string[] {
  return readdirSync(DIRECTORY).sort();
}

export function workflowText(file: string): string {
  return readFileSync(join(DIRECTORY, file), "utf8");
}

/** Parses a workflow with Prettier's YAML parser, the one that is installed anyway. */
export function workflow(file: string): Workflow {
  return valueOf(yaml.parsers.yaml.parse(workflowText(file), {} as never) as Node) as Workflow;
}

interface Node {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly (Node | null)[];
}

/** The value of a node of the syntax tree.
 *  @throws Error for what a workflow needs not: aliases, tags, several documents */
function valueOf(node: Node | null | undefined): unknown {
  if (node === null || node === undefined) return null;
  const children = (node.children ?? []).filter((child) => child?.type !== "comment");
  switch (node.type) {
    case "plain":
    case "quoteDouble":
    case "quoteSingle":
    case "blockLiteral":
      return node.value ?? "";
    case "mapping":
    case "flowMapping":
      return Object.fromEntries(
        children.map((item) => [String(valueOf(item?.children?.[0])), valueOf(item?.children?.[1])]),
      );
    case "sequence":
    case "flowSequence":
      return children.map(valueOf);
    case "root":
    case "document":
    case "documentBody":
    case "mappingKey":
    case "mappingValue":
    case "sequenceItem":
    case "flowSequenceItem": {
      const inner = children.filter((child) => child?.type !== "documentHead");
      if (inner.length > 1) throw new Error(`${node.type} holds ${String(inner.length)} nodes`);
      return valueOf(inner[0]);
    }
    default:
      throw new Error(`a workflow needs no ${node.type}`);
  }
}
