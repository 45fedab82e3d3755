import { Token } from "cdktf";
import type { WordedPattern } from "../contracts/patterns";

/** Name of a namespace or of an ACL policy. In a policy's rules a `*` would stand for other namespaces too; it has no
 *  place in a name.
 *  @see https://developer.hashicorp.com/nomad/docs/commands/namespace/apply */
const NOMAD_NAME: WordedPattern = {
  pattern: /^[A-Za-z0-9-]{1,128}$/,
  words: "letters, digits and -, at most 128",
};

/** Most characters of the description of a namespace or a policy. */
const MAX_DESCRIPTION_LENGTH = 256;

/** What is wrong with the name in `prop`, one sentence; a name known only at apply is Nomad's to check. */
export function nomadNameProblems(prop: string, name: string): string[] {
  if (Token.isUnresolved(name) || NOMAD_NAME.pattern.test(name)) return [];
  return [`${prop}: must be ${NOMAD_NAME.words}, got "${name}"; give another name`];
}

/** What is wrong with the description in `prop`, one sentence. */
export function nomadDescriptionProblems(prop: string, description: string): string[] {
  if (Token.isUnresolved(description) || description.length <= MAX_DESCRIPTION_LENGTH) return [];
  return [
    `${prop}: must be at most ${String(MAX_DESCRIPTION_LENGTH)} characters, got ${String(description.length)}; shorten it`,
  ];
}
