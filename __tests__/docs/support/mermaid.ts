/** The kinds of diagram these documents use, by their first word. */
const KINDS: ReadonlySet<string> = new Set(["flowchart", "sequenceDiagram", "stateDiagram-v2"]);

/** What opens a block that `end` must close, by kind of diagram. */
const OPENERS: Readonly<Record<string, RegExp>> = {
  flowchart: /^subgraph\b/,
  sequenceDiagram: /^(alt|loop|opt|par|critical|break|rect|box)\b/,
};

const PAIRS: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/**
 * What is wrong with a diagram's text as far as its form goes: kind, quotes, brackets, blocks. It is no parser of
 * mermaid, but an unclosed label or block, the common mistake, does not pass.
 */
export function mermaidFaults(lines: readonly string[]): readonly string[] {
  const code = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("%%"));
  const kind = (code[0] ?? "").split(/\s/, 1)[0] ?? "";
  if (!KINDS.has(kind)) return [`unknown kind of diagram: ${kind}`];
  const faults: string[] = [];
  let depth = 0;
  for (const line of code.slice(1)) {
    if (OPENERS[kind]?.test(line) === true) depth++;
    if (line === "end" && --depth < 0) faults.push("an `end` too many");
    // Only flowcharts have brackets and quotes in their grammar; elsewhere they are text.
    if (kind === "flowchart") faults.push(...unbalanced(line));
  }
  if (depth > 0) faults.push(`${String(depth)} block(s) without \`end\``);
  if (code.length < 2) faults.push("an empty diagram");
  return faults;
}

function unbalanced(line: string): readonly string[] {
  if ((line.split('"').length - 1) % 2 === 1) return [`a quote that is not closed: ${line}`];
  const open: string[] = [];
  for (const character of line.replace(/"[^"]*"/g, "").replace(/-->|<-->|-\.->/g, "")) {
    if (Object.values(PAIRS).includes(character)) open.push(character);
    else if (character in PAIRS && open.pop() !== PAIRS[character]) return [`a bracket too many: ${line}`];
  }
  return open.length === 0 ? [] : [`a bracket that is not closed: ${line}`];
}
