import { Fn, TerraformVariable, Op, Token } from "cdktf";
import type { Construct } from "constructs";

/** What the variable is called, and what is asked of its value. */
export interface SensitiveVariableProps {
  /** Name of the Terraform variable; its value comes from the environment as `TF_VAR_<name>`. */
  readonly name: string;
  /** What it is, for the person whom Terraform asks for it. */
  readonly description: string;
  /**
   * Fewest characters that are accepted.
   * @default 1
   */
  readonly minLength?: number;
}

/**
 * Declares a secret that whoever deploys must give: no default, never shown in a plan. The synthesized JSON holds its
 * name only; Terraform's state holds its value.
 * @returns the reference to hand to a resource
 */
export function sensitiveVariable(scope: Construct, props: SensitiveVariableProps): string {
  const minLength = props.minLength ?? 1;
  const variable = new TerraformVariable(scope, props.name, {
    type: "string",
    description: props.description,
    sensitive: true,
    nullable: false,
  });
  // The name is an interface (TF_VAR_…), so it stays the same wherever in the tree the variable is declared.
  variable.overrideLogicalId(props.name);
  variable.addValidation({
    condition: Token.asString(Op.gte(Fn.lengthOf(variable.value), minLength)),
    errorMessage: `The value of ${props.name} must have at least ${String(minLength)} characters.`,
  });
  return variable.stringValue;
}
