import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { PACKAGE_ROOT, buildWorker, tightenSql } from "../../constructs/worker-bundle";

interface Literal {
  readonly file: string;
  readonly text: string;
  /** The whole template of which it is a piece; of a string, itself. */
  readonly whole: string;
}

/** Every text of a source that the minifier keeps as it is: strings, pieces of templates, regular expressions. */
function literals(file: string): readonly Literal[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(PACKAGE_ROOT, file), "utf8"),
    ts.ScriptTarget.ES2022,
    true,
  );
  const found: Literal[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node) || ts.isRegularExpressionLiteral(node)) {
      found.push({ file, text: node.text, whole: wholeOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A template may stand in another's expression: the outermost counts. */
function wholeOf(node: ts.Node): string {
  let whole = node.getText();
  for (let at: ts.Node = node; !ts.isStatement(at); at = at.parent) {
    if (ts.isTemplateExpression(at)) whole = at.getText();
  }
  return whole;
}

/** What a word of SQL in capitals, or the middle of an expression with bound parameters, looks like. */
const SQL =
  /\b(?:SELECT|FROM|WHERE|AND|OR|SET|VALUES|INSERT|UPDATE|CASE|THEN|ELSE|TABLE|INDEX|JOIN|ORDER BY|IS NULL)\b|:[a-z]|->>/;

describe("the white space taken out of the bundle", () => {
  const all = buildWorker().sources.flatMap(literals);

  it("is taken out of SQL alone: no other text of the Worker is changed", () => {
    const changed = all.filter(({ text }) => tightenSql(text) !== text);
    expect(changed.length).toBeGreaterThan(10);
    expect(
      changed.filter(({ file, whole }) => !file.startsWith("worker/ledger/") || !SQL.test(whole)),
    ).toEqual([]);
  });

  it("is not taken out of a text within SQL", () => {
    const quoted = all
      .filter(({ file }) => file.startsWith("worker/ledger/"))
      .flatMap(({ text }) => text.match(/'[^'\n]*'/g) ?? []);
    expect(quoted.length).toBeGreaterThan(10);
    expect(quoted.filter((text) => tightenSql(text) !== text)).toEqual([]);
  });

  it("leaves the meaning of a statement", () => {
    const laidOut = "SELECT a, b.c FROM t\n  WHERE a = :x AND b <> 'p - q'\n    AND c->>'$.d' <= 1";
    expect(tightenSql(laidOut)).toBe("SELECT a,b.c FROM t WHERE a=:x AND b<>'p - q' AND c->>'$.d'<=1");
  });
});
