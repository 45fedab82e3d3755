const ESC = String.fromCharCode(27);
const BELL = String.fromCharCode(7);

/** Escape sequences of terminals: colours and cursor movements, and titles and links. */
const SEQUENCES = new RegExp(
  `${ESC}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${BELL}${ESC}]*(?:${BELL}|${ESC}\\\\)|[@-Z\\\\-_])`,
  "g",
);

/** Terraform's own mark of a line is coloured; a `+` or `-` in the text of a value is not. */
const MARK = new RegExp(
  `^(?:\\s|${ESC}\\[[0-9;]*m)*${ESC}\\[3[1-6]m(<=|[-+~])${ESC}\\[0m(?:(/)${ESC}\\[3[1-6]m[-+])?`,
);

/** What would change how a page reads without being seen: controls other than tab and newline, directions of text,
 *  zero-width characters, halves of a pair. */
const UNSEEN = /[^\P{C}\t\n]/gu;

/**
 * The output of `cdktf diff` as plain text that is safe to show. Each line begins with a column of its own for what
 * Terraform marked it with: `+` created, `-` destroyed, `!` changed or replaced, else a space.
 *
 * `cdktf` puts the stack's name and two spaces before the first line of what Terraform wrote at once, and as many spaces
 * before the others; both are taken away.
 */
export function plainText(output: string): string {
  const lines = output.replaceAll("\r\n", "\n").split("\n");
  const prefix = stackPrefix(lines);
  const spaces = " ".repeat(prefix.length);
  return lines
    .map((line) => {
      if (line.startsWith(prefix)) return line.slice(prefix.length);
      return line.startsWith(spaces) ? line.slice(spaces.length) : line;
    })
    .map(readable)
    .join("\n");
}

/** The stack's name and two spaces, as they stand before the first thing Terraform says; empty when it said nothing. */
function stackPrefix(lines: readonly string[]): string {
  for (const line of lines) {
    const prefix = /^(\S+ {2})Initializing the backend\b/.exec(line.replace(SEQUENCES, ""))?.[1];
    if (prefix !== undefined) return prefix;
  }
  return "";
}

function readable(line: string): string {
  const [, symbol, replacement] = MARK.exec(line) ?? [];
  const text = line
    .replace(SEQUENCES, "")
    .replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .trimEnd();
  if (symbol === undefined || symbol === "<=") return text === "" ? "" : ` ${text}`;
  if (replacement !== undefined) return `!${text}`;
  return `${symbol === "~" ? "!" : symbol}${text.replace(/\S/, " ")}`;
}
