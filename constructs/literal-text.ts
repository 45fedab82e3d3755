import { Token } from "cdktf";

/**
 * Makes a literal text arrive as it is written. Every string in Terraform's JSON is a template, so `${` and `%{` in it
 * would be evaluated; doubled, they stand for themselves. A text that holds a token is a template on purpose and is
 * left alone.
 * @see https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
 */
export function literalText(text: string): string {
  if (Token.isUnresolved(text)) return text;
  return doubled(text);
}

/**
 * A value as an HCL2 expression, for job variables that are lists, objects or neither: their text is parsed by Nomad's HCL,
 * where `${` opens a template once more.
 * @see https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/variables#complex-typed-values
 */
export function hclExpression(value: readonly unknown[] | object | null): string {
  return literalText(doubled(JSON.stringify(value)));
}

function doubled(text: string): string {
  return text.replace(/[$%]\{/g, (opening) => `${opening.charAt(0)}${opening}`);
}
