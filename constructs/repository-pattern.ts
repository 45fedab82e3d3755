/**
 * An `owner/name` pattern, or one of its segments, as a regular expression without anchors, in lower case: `*` stands for
 * anything within a segment. It reads the same here and in Terraform: dots are in brackets, since a backslash would have
 * to be doubled in Terraform's strings.
 * @param pattern fits `REPOSITORY_PATTERN`
 */
export function patternExpression(pattern: string): string {
  return pattern.toLowerCase().replaceAll(".", "[.]").replaceAll(/\*+/g, "[^/]*");
}
