/** Whether one of `owner/name` patterns names a repository. */
export function isListed(patterns: readonly string[], fullName: string): boolean {
  return patterns.some((pattern) => matchesRepository(pattern, fullName));
}

/** Whether `owner/name` fits an `owner/name` pattern: case-insensitive, `*` is any run of characters within its
 *  segment. */
export function matchesRepository(pattern: string, fullName: string): boolean {
  const wanted = pattern.toLowerCase().split("/");
  const given = fullName.toLowerCase().split("/");
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) => matchesSegment(segment, given[index] ?? ""))
  );
}

/** No RegExp is built from the pattern, so there is nothing to inject and nothing to backtrack: each literal between two
 *  `*` is taken at its first place, which leaves the most for the rest. */
function matchesSegment(pattern: string, text: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return pattern === text;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let at = head.length;
  for (const literal of rest) {
    const found = text.indexOf(literal, at);
    if (found === -1 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return true;
}
