/**
 * What is wrong with a text in Structurizr's language as far as its form goes: braces, quotes, names. It is no parser,
 * but a block left open or a name that nobody declared does not pass.
 * @see https://docs.structurizr.com/dsl/language
 */
export function dslFaults(text: string): readonly string[] {
  const faults: string[] = [];
  const declared = new Set<string>();
  let depth = 0;
  for (const line of text.split("\n")) {
    const code = line.replace(/"(?:[^"\\]|\\.)*"/g, '""');
    if ((code.split('"').length - 1) % 2 === 1) faults.push(`a quote that is not closed: ${line}`);
    const [, name] = /^\s*(\w+) = /.exec(code) ?? [];
    if (name !== undefined && declared.has(name)) faults.push(`${name} is declared twice`);
    if (name !== undefined) declared.add(name);
    const [, from, to] = /^\s*(\w+) -> (\w+)/.exec(code) ?? [];
    const [, instance] = /^\s*(?:container|softwareSystem)Instance (\w+)/.exec(code) ?? [];
    const [, view] = /^\s*(?:container|deployment) (\w+) "/.exec(code) ?? [];
    for (const used of [from, to, instance, view]) {
      if (used !== undefined && !declared.has(used)) faults.push(`${used} is not declared`);
    }
    if (/\{\s*$/.test(code)) depth++;
    if (code.trim() === "}" && --depth < 0) faults.push("a brace too many");
  }
  if (depth > 0) faults.push(`${String(depth)} brace(s) not closed`);
  return faults;
}
