import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCUMENT = "docs/deploy.md";
const LANGUAGE = "hcl";

/**
 * The policies that docs/deploy.md tells an operator to give whoever deploys, so that a deploy with no more than them is
 * what is tried.
 * @param title of the section, such as `Vault`
 * @throws Error when it has none
 */
export function documentedPolicy(project: string, title: string): string {
  const text = readFileSync(join(project, DOCUMENT), "utf8");
  const policy = policiesIn(text, title);
  if (policy === "") throw new Error(`${DOCUMENT} has no ${LANGUAGE} block in a section "### ${title}"`);
  return policy;
}

/** The blocks of the first section of that title, one after the other; empty where there is none. */
export function policiesIn(markdown: string, title: string): string {
  // A comment of HCL looks like a heading of the first level.
  const sections = markdown.split(/^(?=#{2,3} )/m);
  const section = sections.find((it) => it.startsWith(`### ${title}\n`)) ?? "";
  const blocks = section.matchAll(new RegExp(`^\`\`\`${LANGUAGE}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...blocks].map(([, block = ""]) => block).join("");
}
