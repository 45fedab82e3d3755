import { join } from "node:path";
import { documentedPolicy, policiesIn } from "./stack/documented-policies";

const PROJECT = join(__dirname, "..", "..");
const TEXT =
  '# Deploy\n\n### Vault\n\n```hcl\n# one\npath "a" {\n}\n```\n\nthen\n\n```hcl\npath "b" {\n}\n```\n\n## Next\n\n```hcl\npath "c" {\n}\n```\n';

describe("the policies that the documentation gives whoever deploys", () => {
  it("are all blocks of the section, and none of another", () => {
    expect(policiesIn(TEXT, "Vault")).toBe('# one\npath "a" {\n}\npath "b" {\n}\n');
  });

  it("are none where there is no such section", () => {
    expect(policiesIn(TEXT, "Consul")).toBe("");
    expect(() => documentedPolicy(PROJECT, "Elsewhere")).toThrow(
      'docs/deploy.md has no hcl block in a section "### Elsewhere"',
    );
  });

  it("are found in the document, for Consul and for Vault", () => {
    expect(documentedPolicy(PROJECT, "Consul")).toMatch(/^key_prefix "\S+" \{[\s\S]*session_prefix "" \{/m);
    expect(documentedPolicy(PROJECT, "Vault")).toMatch(
      /^path "auth\/token\/create"[\s\S]*^path "sys\/auth\//m,
    );
  });
});
