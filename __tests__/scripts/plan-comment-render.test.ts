import * as markdown from "prettier/plugins/markdown";
import { plainText } from "../../scripts/plan-comment/plain-text";
import { type Plan, readPlan } from "../../scripts/plan-comment/read-plan";
import { MARKER, MAX_BYTES, renderComment } from "../../scripts/plan-comment/render";
import { recordedDiff } from "./support/recorded-diff";

const read = (output: string, exitCode = 0): Plan => readPlan(plainText(output), exitCode);
const render = (output: string, exitCode = 0): string =>
  renderComment({
    plan: read(output, exitCode),
    commit: "0123456789abcdef0123456789abcdef01234567",
    runUrl: "https://github.com/o/r/actions/runs/1",
  });

interface Node {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Node[];
}

/** Every node of a Markdown text, as Prettier's parser reads it. */
async function nodes(text: string): Promise<readonly Node[]> {
  const flat = (node: Node): readonly Node[] => [node, ...(node.children ?? []).flatMap(flat)];
  // The parser reads no option.
  return flat((await markdown.parsers.markdown.parse(text, {} as never)) as Node);
}

/** A plan that puts `value` into a description. */
const planWith = (value: string): string =>
  recordedDiff("changes").replace('"Runners of GitHub Actions <!-- hello --> @octocat"', value);

describe("the output of cdktf diff, read", () => {
  test("says how many resources are added, changed, replaced and destroyed, each counted once", () => {
    const plan = read(recordedDiff("changes"));
    expect(plan.kind).toBe("changes");
    expect(plan.counts).toEqual({ imported: 0, added: 1, changed: 3, replaced: 1, destroyed: 1 });
    expect(plan.replaced).toEqual(["random_password.WebhookSecret"]);
    expect(plan.destroyed).toEqual(["random_id.Old"]);
  });

  test("holds the plan alone: no init, no refresh, no colours, no stack's name, no hint to apply", () => {
    const text = read(recordedDiff("changes")).lines.join("\n");
    expect(text).toMatch(/^ Terraform used the selected providers/);
    expect(text).toMatch(/Plan: 2 to add, 3 to change, 2 to destroy\.$/);
    expect(text).not.toMatch(/Initializing|Refreshing|Saved the plan|\[0m|^github-runners {2}/m);
  });

  test("marks lines by Terraform's own mark, never by what a value's text begins with", () => {
    const { lines } = read(
      planWith("<<-EOT\n                          - entry\n                          + entry"),
    );
    expect(lines).toContain("-                    cpu = 100");
    expect(lines).toContain("+                    cpu = 200");
    expect(lines).toContain('!-/+ resource "random_password" "WebhookSecret" {');
    expect(lines.filter((line) => /^[-+!].*entry/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.includes("entry"))).toHaveLength(2);
  });

  test("no change is no change", () => {
    expect(read(recordedDiff("no-changes"))).toMatchObject({ kind: "none", replaced: [], destroyed: [] });
  });

  test("a failure is its error, once, although it is printed twice", () => {
    const plan = read(recordedDiff("failed"), 1);
    expect(plan.kind).toBe("failed");
    expect(plan.lines.filter((line) => line.includes("Error acquiring the state lock"))).toHaveLength(1);
    expect(plan.lines[0]).toBe(" Error: Error acquiring the state lock");
  });

  test("a failure without Terraform's error shows everything", () => {
    expect(read("ERROR: cdktf encountered an error while synthesizing", 1)).toMatchObject({
      kind: "failed",
      lines: [" ERROR: cdktf encountered an error while synthesizing"],
    });
  });

  test.each(["", "Synthesizing\n", recordedDiff("failed")])(
    "an output without a plan is not taken for one without changes (%#)",
    (output) => {
      expect(read(output).kind).toBe("unreadable");
      expect(render(output)).toContain("There is no plan");
    },
  );

  test.each([
    ["# a.B will be destroyed", { destroyed: ["a.B"], replaced: [] }],
    ["# a.B[0] (deposed object 1234) will be destroyed", { destroyed: ["a.B[0]"], replaced: [] }],
    ["# a.B is tainted, so must be replaced", { destroyed: [], replaced: ["a.B"] }],
    ["# a.B will be replaced, as requested", { destroyed: [], replaced: ["a.B"] }],
    [
      "# a.B will no longer be managed by Terraform, but will not be destroyed",
      { destroyed: [], replaced: [] },
    ],
  ])("%s", (heading, expected) => {
    expect(read(`Terraform will perform the following actions:\n\n  ${heading}\n`)).toMatchObject(expected);
  });

  test("a heading inside the text of a value is none", () => {
    expect(read(planWith("<<-EOT\n                            # a.B must be replaced")).counts.replaced).toBe(
      1,
    );
  });

  test("imports are counted", () => {
    const plan = read(
      "Terraform will perform the following actions:\nPlan: 1 to import, 2 to add, 0 to change, 0 to destroy.",
    );
    expect(renderComment({ plan })).toContain(
      "**1 to import, 2 to add, 0 to change, 0 to replace, 0 to destroy**",
    );
  });

  test("a change of outputs alone is a change", () => {
    expect(
      render('Changes to Outputs:\n  + webhook_url = "https://runners.example.com/webhook"\n'),
    ).toContain("Only outputs");
  });
});

describe("the comment", () => {
  test("begins with its marker, sums up, names what goes away, and collapses the rest", () => {
    const [first, ...rest] = render(recordedDiff("changes")).split("\n");
    expect(first).toBe(MARKER);
    expect(rest).toEqual(
      expect.arrayContaining([
        "**1 to add, 3 to change, 1 to replace, 1 to destroy**",
        "Replaced: `random_password.WebhookSecret`",
        "Destroyed: `random_id.Old`",
        "<details><summary>Changes</summary>",
        "```diff",
      ]),
    );
    expect(rest.join("\n")).toContain(
      "Made of 0123456789ab by [this run](https://github.com/o/r/actions/runs/1)",
    );
  });

  test("says that nothing changes in one line", () => {
    const text = render(recordedDiff("no-changes"));
    expect(text).toContain("**No changes.**");
    expect(text).not.toContain("<details");
  });

  test("shows a failure opened", () => {
    expect(render(recordedDiff("failed"), 1)).toMatch(
      /The plan failed[\s\S]*<details open>[\s\S]*state lock/,
    );
  });

  test("leaves out a commit and an address of a run that are none", () => {
    const text = renderComment({ plan: read(""), commit: "main`", runUrl: "javascript:alert(1)" });
    expect(text).not.toMatch(/main`|javascript/);
  });

  test.each([
    ["a fence", "```\n</details>\n# Approved"],
    ["a long fence", `${"`".repeat(40)}\n# Approved`],
    ["a fence of tildes", "~~~\n# Approved"],
    ["HTML", '<img src="https://example.com/x.png"><script>alert(1)</script></details>'],
    ["the marker", `${MARKER}\n@octocat`],
    ["a mention", "@octocat @octo-org/everyone"],
    ["a link", "[safe](https://example.com)"],
  ])("shows %s of a plan as text", async (_, value) => {
    const text = render(planWith(value));
    const all = await nodes(text);
    const code = all.filter(({ type }) => type === "code");
    expect(code).toHaveLength(1);
    for (const line of value.split("\n")) expect(code[0]?.value).toContain(line);
    const outside = all.filter(({ type }) => type === "html" || type === "text" || type === "link");
    expect(outside.map((node) => node.value ?? "").join("\n")).not.toMatch(
      /Approved|octo|example\.com|alert/,
    );
    expect(all.filter(({ type }) => type === "html").map((node) => node.value)).toEqual([
      MARKER,
      "<details><summary>Changes</summary>",
      "</details>",
      "<sub>",
      "</sub>",
    ]);
  });

  test("names an address with a backtick, or a very long one, without leaving its code span", async () => {
    const heading = `  # a.B["\`x @octocat ${"y".repeat(500)}"] will be destroyed`;
    const text = render(
      `Terraform will perform the following actions:\n\n  # a["\`<b>@octocat"] will be destroyed\n${heading}\n`,
    );
    const spans = (await nodes(text)).filter(({ type }) => type === "inlineCode");
    expect(spans[0]?.value).toBe('a["_<b>@octocat"]');
    expect(Math.max(...spans.map(({ value }) => value?.length ?? 0))).toBeLessThan(210);
  });

  test("makes controls, directions of text and zero-width characters visible", () => {
    const text = render(planWith('"a\u202eb\u200bc\u0007d\u001b[2Ke"'));
    expect(text).toContain('"a\\u{202e}b\\u{200b}c\\u{7}de"');
    expect(text).not.toMatch(/[^\P{C}\n]/u);
  });

  test.each([
    ["ASCII", "x"],
    ["characters of four bytes", "🏃"],
  ])("is cut at a line, and says so, when it is too long: %s", (_, character) => {
    const long = Array.from({ length: 3_000 }, (__, n) => `            ${String(n)} ${character.repeat(30)}`);
    const text = render(planWith(`<<-EOT\n${long.join("\n")}`));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_BYTES - 500);
    expect(text).toMatch(/ … cut here: \d+ more lines\..*\n```\n\n<\/details>/);
    const whole = read(planWith(`<<-EOT\n${long.join("\n")}`)).lines;
    const shown = text.split("\n").filter((line) => whole.includes(line) && line !== "");
    const cut = Number(/cut here: (\d+)/.exec(text)?.[1]);
    expect(cut).toBe(
      whole.length - text.slice(text.indexOf("```diff\n") + 8, text.indexOf(" … cut")).split("\n").length + 1,
    );
    expect(shown.length).toBeGreaterThan(100);
  });

  test("is cut, too, when its first line alone is too long", () => {
    const text = render(`Terraform will perform the following actions: ${"x".repeat(70_000)}`);
    expect(Buffer.byteLength(text)).toBeLessThan(1_000);
    expect(text).toContain("cut here: 1 more");
  });
});
