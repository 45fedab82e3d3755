import { REPOSITORY_PATTERN, matches } from "../contracts/patterns";
import { patternExpression } from "./repository-pattern";
import type { RepositorySelection, WebhookTarget } from "./repository-selection";

/** As many names as a person reads in a warning. */
const SHOWN_NAMES = 5;

/**
 * Which selected repositories the policy's patterns leave out, one sentence: legal, since a policy narrows, and seldom
 * meant for a repository that is named, or for all of an owner's.
 * @param patterns the policy's `repositories`, where the settings give them
 * @param at the prop that holds them
 */
export function leftOutWarnings(
  patterns: readonly string[] | undefined,
  { targets }: RepositorySelection,
  at = "policy.repositories",
): string[] {
  if (patterns === undefined) return [];
  const usable = patterns.filter((pattern) => matches(REPOSITORY_PATTERN.pattern, pattern));
  const left = targets.flatMap((target) => leftOut(target, usable));
  if (left.length === 0) return [];
  const more = left.length - SHOWN_NAMES;
  const shown = `"${left.slice(0, SHOWN_NAMES).join('", "')}"${more > 0 ? ` and ${String(more)} more` : ""}`;
  return [
    `${at} leaves out ${shown}: GitHub delivers their jobs, and the Worker ignores them. Add them there, ` +
      "or take them out of the selection.",
  ];
}

/** Of a target that takes what GitHub finds, only the owner is known. */
function leftOut(target: WebhookTarget, patterns: readonly string[]): readonly string[] {
  const { owner } = target;
  if (target.kind === "names") {
    const fullNames = target.names.map((name) => `${owner}/${name}`);
    return fullNames.filter((name) => !patterns.some((pattern) => fits(pattern, name)));
  }
  return patterns.some((pattern) => fits(pattern.split("/", 1).join(""), owner)) ? [] : [`${owner}/*`];
}

/** Both in any case; `*` stands for anything within a segment. */
function fits(pattern: string, name: string): boolean {
  return new RegExp(`^${patternExpression(pattern)}$`).test(name.toLowerCase());
}
