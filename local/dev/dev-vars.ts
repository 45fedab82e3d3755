/** A line of a `.dev.vars` file that is none. */
export class DevVarsError extends Error {
  override readonly name = "DevVarsError";
}

/**
 * Reads `.dev.vars`: lines `KEY=VALUE`, blank ones and `# …` apart. A value may stand in double quotes, where `\n` is a
 * line break (a PEM on one line), or in single quotes, where nothing is special; then it may go over several lines.
 * @throws DevVarsError naming the line, never its text, which may be a secret
 */
export function parseDevVars(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const start = index;
    const line = (lines[index] ?? "").trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, key, first] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined || first === undefined) {
      throw new DevVarsError(`.dev.vars line ${String(start + 1)}: must be KEY=VALUE`);
    }
    let value = first;
    const quote = /^["']/.exec(value)?.[0];
    while (quote !== undefined && !isClosed(value, quote)) {
      index += 1;
      const next = lines[index];
      if (next === undefined)
        throw new DevVarsError(`.dev.vars line ${String(start + 1)}: the quote is not closed`);
      value += `\n${next}`;
    }
    values[key] = unquote(value, quote);
  }
  return values;
}

function isClosed(value: string, quote: string): boolean {
  return value.length > 1 && value.trimEnd().endsWith(quote);
}

function unquote(value: string, quote: string | undefined): string {
  if (quote === undefined) return value;
  const inner = value.trimEnd().slice(1, -1);
  return quote === '"' ? inner.replaceAll("\\n", "\n").replaceAll('\\"', '"') : inner;
}
