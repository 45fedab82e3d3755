/** How many resources of each kind; a replaced one counts as replaced only. */
export interface PlanCounts {
  readonly imported: number;
  readonly added: number;
  readonly changed: number;
  readonly replaced: number;
  readonly destroyed: number;
}

/** What `cdktf diff` said. */
export interface Plan {
  /**
   * - `changes` there is something to do
   * - `none` nothing is to be done
   * - `failed` it ended with an error
   * - `unreadable` it ended well, and said neither
   */
  readonly kind: "changes" | "none" | "failed" | "unreadable";
  readonly counts: PlanCounts;
  /** Addresses of what is taken away, so that nobody overlooks it. */
  readonly replaced: readonly string[];
  readonly destroyed: readonly string[];
  /** What to show, each line behind its column for the mark. */
  readonly lines: readonly string[];
}

/** What the plan itself begins with; before it stands what `terraform init` and the refresh said. */
const BEGINNING =
  /^ (?:Note: Objects have changed outside|Terraform used the selected providers|Terraform will perform|No changes\.|Changes to Outputs:)/;

/** What follows a plan and is of no use to a reader. */
const END = /^ (?:─{10,}|Saved the plan to: |To perform exactly these actions)/;

const COUNTS =
  /^ Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy(?:, \d+ to forget)?\.$/;

/** The line over a resource: two spaces deep, or none where the first line of a piece was trimmed. What stands in the
 *  text of a value is deeper. */
const HEADING = /^ {1,3}# (\S+)(?: \(.*\))? (.*)$/;

/**
 * Reads what `cdktf diff` printed.
 *
 * It reads the text and not the plan's JSON, since Terraform strikes sensitive values out of the text alone: the JSON
 * has them readable, beside a mark that they are sensitive.
 * @param text from `plainText`
 * @see https://developer.hashicorp.com/terraform/internals/json-format#values-representation
 */
export function readPlan(text: string, exitCode: number): Plan {
  const all = text.split("\n");
  if (exitCode !== 0) return { ...NOTHING, kind: "failed", lines: trimmed(errors(all) ?? all) };
  const first = all.findIndex((line) => BEGINNING.test(line));
  if (first < 0) return { ...NOTHING, kind: "unreadable", lines: trimmed(all) };

  const rest = all.slice(first);
  const end = rest.findIndex((line) => END.test(line));
  const lines = trimmed(end < 0 ? rest : rest.slice(0, end));
  if (lines.some((line) => line.startsWith(" No changes."))) return { ...NOTHING, kind: "none", lines };

  const headings = lines.flatMap((line) => {
    const [, address, what] = HEADING.exec(line) ?? [];
    return address === undefined || what === undefined ? [] : [{ address, what }];
  });
  const replaced = headings
    .filter(({ what }) => /^(?:.* )?(?:must|will) be replaced\b/.test(what))
    .map(({ address }) => address);
  const destroyed = headings
    .filter(({ what }) => what.startsWith("will be destroyed"))
    .map(({ address }) => address);
  return { kind: "changes", counts: counts(lines, replaced.length), replaced, destroyed, lines };
}

const NONE: PlanCounts = { imported: 0, added: 0, changed: 0, replaced: 0, destroyed: 0 };
const NOTHING = { counts: NONE, replaced: [], destroyed: [] };

/** Terraform counts a replacement as one to add and one to destroy. Without its line only outputs change. */
function counts(lines: readonly string[], replaced: number): PlanCounts {
  const found = lines.map((line) => COUNTS.exec(line)).find((match) => match !== null);
  if (found === undefined) return NONE;
  const [imported = 0, added = 0, changed = 0, destroyed = 0] = found
    .slice(1)
    .map((digits) => Number(digits || 0));
  return {
    imported,
    added: Math.max(0, added - replaced),
    changed,
    replaced,
    destroyed: Math.max(0, destroyed - replaced),
  };
}

/** The boxes in which Terraform draws its errors, each once: `cdktf` logs and prints them. Null when there is none. */
function errors(lines: readonly string[]): readonly string[] | null {
  const boxes = new Set<string>();
  let box: string[] | null = null;
  for (const line of lines) {
    if (line.endsWith("╷")) box = [];
    else if (line.trim() === "╵" && box !== null) {
      const text = box.map((it) => it.replace(/^[ !+-]*│ ?/, " ").trimEnd()).join("\n");
      if (/^ Error: /m.test(text)) boxes.add(text);
      box = null;
    } else box?.push(line);
  }
  return boxes.size === 0 ? null : [...boxes].flatMap((text) => [...text.split("\n"), ""]);
}

function trimmed(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line !== "");
  const last = lines.findLastIndex((line) => line !== "");
  return first < 0 ? [] : lines.slice(first, last + 1);
}
