import type { Plan, PlanCounts } from "./read-plan";

/** The first line of our comment, by which it is found again. GitHub shows nothing of it. */
export const MARKER = "<!-- nomad-github-runners: plan -->";

/**
 * Most bytes of a comment. GitHub takes 65,536 characters, and Linux 131,072 bytes in one environment variable, in which
 * the comment goes from one job to the other; a character has one byte or more.
 * @see https://github.com/orgs/community/discussions/27190
 */
export const MAX_BYTES = 60_000;

/** Most addresses that are named outside the collapsed block. */
const NAMED = 25;
/** Longest address named there. */
const ADDRESS_LENGTH = 200;

export interface CommentProps {
  readonly plan: Plan;
  /** The commit that was planned. */
  readonly commit?: string | undefined;
  /** The workflow run, where the whole output is. */
  readonly runUrl?: string | undefined;
}

/**
 * The comment of a pull request, as Markdown.
 *
 * What comes from the plan stands in a fenced block whose fence is longer than any in the text, or in a code span: there,
 * GitHub reads neither Markdown nor HTML, and nobody is mentioned.
 */
export function renderComment(props: CommentProps): string {
  const { plan } = props;
  const head = [MARKER, "### Terraform plan", "", `**${summary(plan)}**`, ""];
  for (const [title, addresses] of [
    ["Replaced", plan.replaced],
    ["Destroyed", plan.destroyed],
  ] as const) {
    if (addresses.length > 0) head.push(`${title}: ${named(addresses)}`, "");
  }
  const fence = "`".repeat(Math.max(3, longestRun(plan.lines) + 1));
  const opening = [
    `<details${plan.kind === "failed" ? " open" : ""}><summary>${TITLES[plan.kind]}</summary>`,
    "",
    `${fence}diff`,
  ];
  const closing = [fence, "", "</details>", "", footer(props)];
  const frame = bytes([...head, ...opening, ...closing, CUT(plan.lines.length), ""]);
  const shown = plan.kind === "none" ? [] : fitting(plan.lines, MAX_BYTES - frame);
  if (plan.kind === "none" || plan.lines.length === 0) return [...head, footer(props), ""].join("\n");
  const cut = plan.lines.length - shown.length;
  return [...head, ...opening, ...shown, ...(cut > 0 ? [CUT(cut)] : []), ...closing, ""].join("\n");
}

const TITLES: Readonly<Record<Plan["kind"], string>> = {
  changes: "Changes",
  none: "",
  failed: "What it said",
  unreadable: "What it said",
};

const CUT = (lines: number): string =>
  ` … cut here: ${String(lines)} more lines. The run's log has the whole of it.`;

function summary({ kind, counts }: Plan): string {
  switch (kind) {
    case "none":
      return "No changes.";
    case "failed":
      return "The plan failed.";
    case "unreadable":
      return "There is no plan in what `cdktf diff` printed. Read the run's log before you merge.";
    case "changes":
      return counted(counts);
  }
}

function counted({ imported, ...counts }: PlanCounts): string {
  const parts = [
    ...(imported > 0 ? [`${String(imported)} to import`] : []),
    `${String(counts.added)} to add`,
    `${String(counts.changed)} to change`,
    `${String(counts.replaced)} to replace`,
    `${String(counts.destroyed)} to destroy`,
  ];
  const isEmpty = Object.values(counts).every((count) => count === 0) && imported === 0;
  return isEmpty ? "Only outputs or the state change, no resource does." : parts.join(", ");
}

function named(addresses: readonly string[]): string {
  const spans = addresses.slice(0, NAMED).map((address) => {
    // A code span ends at a backtick, and may not hold a line's end.
    const text = address.replace(/[`\s]/g, "_");
    return `\`${text.length > ADDRESS_LENGTH ? `${text.slice(0, ADDRESS_LENGTH)}…` : text}\``;
  });
  const more = addresses.length - spans.length;
  return spans.join(", ") + (more > 0 ? ` and ${String(more)} more` : "");
}

function footer({ commit = "", runUrl = "" }: CommentProps): string {
  const of = /^[0-9a-f]{40}$/.test(commit) ? ` of ${commit.slice(0, 12)}` : "";
  const by = /^https?:\/\/[\w.:-]+\/[\w./-]+$/.test(runUrl) ? ` by [this run](${runUrl})` : "";
  return `<sub>Made${of}${by}. What is sensitive is not shown; values known only when applied may still change it.</sub>`;
}

function longestRun(lines: readonly string[]): number {
  return lines.reduce(
    (longest, line) => Math.max(longest, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)),
    0,
  );
}

/** As many lines from the first on as fit. */
function fitting(lines: readonly string[], limit: number): readonly string[] {
  let used = 0;
  const end = lines.findIndex((line) => {
    used += bytes([line, ""]);
    return used > limit;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

function bytes(lines: readonly string[]): number {
  return Buffer.byteLength(lines.join("\n"), "utf8");
}
