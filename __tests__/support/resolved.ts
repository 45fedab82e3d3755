import { TerraformOutput, type TerraformStack } from "cdktf";
import { Template } from "./template";

/** What a value of a stack, which may be a token, is in the synthesized JSON. */
export function resolved(stack: TerraformStack, value: string | undefined): unknown {
  if (value === undefined) return undefined;
  const { friendlyUniqueId } = new TerraformOutput(stack, `Resolved${String(stack.node.children.length)}`, {
    value,
  });
  return new Template(stack).block("output")[friendlyUniqueId]?.["value"];
}
