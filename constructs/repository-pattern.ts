import { REPOSITORY_PATTERN, matches } from "../contracts/patterns";
import { matchesRepository } from "../contracts/repository-pattern";

/** Whether a pattern names a repository, as in the Worker. One that is no pattern names none: it is told elsewhere. */
export function namesRepository(pattern: string, fullName: string): boolean {
  return matches(REPOSITORY_PATTERN.pattern, pattern) && matchesRepository(pattern, fullName);
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
