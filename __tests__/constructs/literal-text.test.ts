import { Fn } from "cdktf";
import { hclExpression, literalText } from "../../constructs/literal-text";

describe("literalText", () => {
  it.each([
    ["plain", "plain"],
    ["${attr.cpu.arch}", "$${attr.cpu.arch}"],
    ["%{ if true }", "%%{ if true }"],
    ["$${x}", "$$${x}"],
    ["$ {x} % {y} $1 $$", "$ {x} % {y} $1 $$"],
    ['quotes " and \\ and\nlines', 'quotes " and \\ and\nlines'],
  ])("writes %j so that Terraform reads it back as it was", (text, written) => {
    expect(literalText(text)).toBe(written);
  });

  it("leaves a text with a token alone, since that is a template on purpose", () => {
    const token = Fn.file("x");
    expect(literalText(`before ${token} after`)).toBe(`before ${token} after`);
  });
});

describe("hclExpression", () => {
  it("escapes once for Terraform and once for Nomad, which parses the expression", () => {
    expect(hclExpression([{ attribute: "${attr.cpu.arch}" }])).toBe('[{"attribute":"$$${attr.cpu.arch}"}]');
  });

  it("writes lists as both read them", () => {
    expect(hclExpression(["dc1", "*"])).toBe('["dc1","*"]');
    expect(hclExpression([])).toBe("[]");
  });
});
