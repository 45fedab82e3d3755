import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

export const ROOT = join(__dirname, "..", "..", "..");

/** Directories that hold other people's Markdown, or none. */
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules", "dist", "coverage", "cdktf.out"]);

export interface Fence {
  /** What stands behind the opening backticks. */
  readonly language: string;
  readonly lines: readonly string[];
  /** Whether the closing backticks are there. */
  readonly closed: boolean;
}

/** A Markdown file of the project, apart into prose and fenced blocks. */
export interface Page {
  /** From the project's root. */
  readonly path: string;
  /** Lines outside fenced blocks. */
  readonly prose: readonly string[];
  readonly fences: readonly Fence[];
}

/** Every Markdown file of the project. */
export function pages(directory = ROOT): readonly Page[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith(".md") ? [readPage(relative(ROOT, path), readFileSync(path, "utf8"))] : [];
  });
}

export function readPage(path: string, text: string): Page {
  const prose: string[] = [];
  const fences: Fence[] = [];
  let open: { language: string; lines: string[] } | null = null;
  for (const line of text.split("\n")) {
    const mark = /^\s*```(\S*)/.exec(line);
    if (open === null && mark !== null) open = { language: mark[1] ?? "", lines: [] };
    else if (open !== null && mark !== null) {
      fences.push({ ...open, closed: true });
      open = null;
    } else (open === null ? prose : open.lines).push(line);
  }
  if (open !== null) fences.push({ ...open, closed: false });
  return { path, prose, fences };
}

/** Targets of the inline links and images of a page, as written. */
export function links(page: Page): readonly string[] {
  const text = page.prose.join("\n").replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(([, target]) => target ?? "");
}

/** The ids that GitHub gives to a page's headings.
 *  @see https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links */
export function anchors(page: Page): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const line of page.prose) {
    const title = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
    if (title === undefined) continue;
    const id = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let unique = id;
    for (let count = 1; ids.has(unique); count++) unique = `${id}-${String(count)}`;
    ids.add(unique);
  }
  return ids;
}
