import { REPOSITORY_PATTERN, matches } from "../contracts/patterns";

/** Whether a pattern names a repository, as in the Worker. One that is no pattern names none: it is told elsewhere. */
export function namesRepository(pattern: string, fullName: string): boolean {
  if (!matches(REPOSITORY_PATTERN.pattern, pattern)) return false;
  return new RegExp(`^${patternExpression(pattern)}$`).test(fullName.toLowerCase());
}

/**
 * An `owner/name` pattern, or one of its segments, as a regular expression without anchors, in lower case: `*` stands for
 * anything within a segment. It reads the same here and in Terraform: dots are in brackets, since a backslash would have
 * to be doubled in Terraform's strings.
 * @param pattern fits `REPOSITORY_PATTERN`
 */
export function patternExpression(pattern: string): string {
  return pattern.toLowerCase().replaceAll(".", "[.]").replaceAll(/\*+/g, "[^/]*");
}
