import { RunnersStack, type RunnersStackProps } from "../../index";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { type Template, testApp } from "../support/template";
import { SETTINGS } from "./settings";

/** The whole stack with some settings changed. */
export function stackWith(overrides: Partial<RunnersStackProps> = {}): RunnersStack {
  return new RunnersStack(testApp(), "github-runners", { ...SETTINGS, ...overrides });
}

/** The Worker's bindings by their names. */
export function bindingsOf(template: Template): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const { bindings } = template.resource(WorkersScript) as {
    readonly bindings: readonly Readonly<Record<string, string>>[];
  };
  return new Map(bindings.map((binding) => [binding["name"] ?? "", binding]));
}

/** Hashes of what is bundled and copied change with every line of the Worker and the scripts; the stack does not. */
export function masked(json: unknown): unknown {
  const text = JSON.stringify(json)
    .replace(/[0-9a-f]{64}/g, "<sha256>")
    .replace(/\/[0-9A-F]{32}\//g, "/<hash>/");
  return JSON.parse(text) as unknown;
}
