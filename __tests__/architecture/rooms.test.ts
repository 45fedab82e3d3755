import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, runProgram, writeTree } from "./support";

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

const CRUISE = "dependency-cruiser/bin/dependency-cruise.mjs";

/** One small project whose every forbidden import is named by the rule that must catch it. */
const FORBIDDEN: readonly (readonly [rule: string, from: string, imports: string])[] = [
  ["contracts-is-a-leaf", "contracts/to-worker.ts", "../worker/good"],
  ["contracts-is-a-leaf", "contracts/to-package.ts", "hono"],
  ["contracts-is-a-leaf", "contracts/to-node.ts", "node:path"],
  ["worker-is-standalone", "worker/to-node.ts", "node:crypto"],
  ["worker-is-standalone", "worker/to-package.ts", "hono"],
  ["worker-is-standalone", "worker/to-constructs.ts", "../constructs/good"],
  ["worker-is-standalone", "worker/to-local.ts", "../local/good"],
  ["only-constructs-knows-terraform", "local/to-cdktf.ts", "cdktf"],
  ["only-constructs-knows-terraform", "index.ts", "constructs"],
  ["only-constructs-knows-terraform", "scripts/to-provider.ts", "@cdktf/provider-nomad/lib/job"],
  ["main-only-starts-the-app", "main.ts", "hono"],
  ["main-only-starts-the-app", "bench/apps/to-provider.ts", "@cdktf/provider-nomad/lib/job"],
  ["one-bundler", "scripts/to-esbuild.ts", "esbuild"],
  ["one-bundler", "constructs/to-esbuild.ts", "esbuild"],
  ["constructs-imports-contracts-only", "constructs/to-worker.ts", "../worker/good"],
  ["constructs-imports-contracts-only", "constructs/to-package.ts", "hono"],
  ["provider-by-resource", "constructs/to-index.ts", "@cdktf/provider-nomad"],
  ["public-api-is-the-constructs", "index.ts", "./local/good"],
  ["stack-imports-the-public-api", "runners.config.ts", "./constructs/good"],
  ["stack-imports-the-public-api", "bench/apps/to-constructs.ts", "../../constructs/good"],
  ["stand-ins-stay-local", "constructs/to-local.ts", "../local/good"],
  ["local-does-not-look-inside", "local/to-worker.ts", "../worker/good"],
  ["local-does-not-look-inside", "local/to-constructs.ts", "../constructs/good"],
  ["scripts-run-programs", "scripts/to-worker.ts", "../worker/good"],
  ["drain-reads-the-public-api", "scripts/drain/to-constructs.ts", "../../constructs/good"],
  ["only-constructs-knows-terraform", "bench/to-cdktf.ts", "cdktf"],
  ["bench-measures-from-outside", "bench/to-constructs.ts", "../constructs/good"],
  ["bench-measures-from-outside", "bench/to-app.ts", "./apps/good"],
  ["bench-is-not-shipped", "scripts/to-bench.ts", "../bench/good"],
  ["nothing-imports-tests", "local/to-tests.ts", "../__tests__/good"],
  ["no-cycles", "local/one.ts", "./two"],
  ["everything-resolves", "local/to-nowhere.ts", "./nowhere"],
  ["only-declared-packages", "local/to-undeclared.ts", "semver"],
  ["shipped-code-ships-its-packages", "index.ts", "typescript"],
];

/** The other half of the cycle, which is reported once. */
const BACK = ["local/two.ts", "./one"] as const;

const ALLOWED: readonly (readonly [from: string, imports: string])[] = [
  ["contracts/allowed.ts", "./good"],
  ["worker/allowed.ts", "../contracts/good"],
  ["constructs/allowed.ts", "../contracts/good"],
  ["constructs/allowed.ts", "node:path"],
  ["constructs/allowed.ts", "constructs"],
  ["constructs/allowed.ts", "@cdktf/provider-nomad/lib/job"],
  ["constructs/worker-bundle.ts", "esbuild"],
  ["local/allowed.ts", "../constructs/worker-bundle"],
  ["local/allowed.ts", "../contracts/good"],
  ["local/allowed.ts", "hono"],
  ["scripts/allowed.ts", "../constructs/worker-bundle"],
  ["bench/apps/allowed.ts", "cdktf"],
  ["bench/allowed.ts", "../scripts/good"],
  ["__tests__/allowed.ts", "../worker/good"],
  ["__tests__/allowed.ts", "../constructs/good"],
  ["__tests__/allowed.ts", "../local/good"],
];

function cruise(directory: string): readonly Violation[] {
  const { stdout, stderr } = runProgram(CRUISE, [".", "--output-type", "json"], directory);
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as { summary: { violations: readonly Violation[] } }).summary.violations;
}

/** Lays a project out: each file imports what the pairs say, beside a module of each room to import. */
function project(pairs: readonly (readonly [from: string, imports: string])[]): string {
  const directory = mkdtempSync(join(tmpdir(), "rooms-"));
  const files: Record<string, string> = {};
  for (const room of [
    "contracts",
    "worker",
    "constructs",
    "local",
    "scripts",
    "bench",
    "bench/apps",
    "__tests__",
  ]) {
    files[`${room}/good.ts`] = 'import { self } from "./self";\nexport const good = self;\n';
    files[`${room}/self.ts`] = "export const self = 1;\n";
  }
  for (const [from, imports] of pairs) {
    files[from] = `${files[from] ?? ""}import ${JSON.stringify(imports)};\n`;
  }
  writeTree(directory, files);
  for (const file of ["package.json", "tsconfig.json", "tsconfig.base.json", ".dependency-cruiser.cjs"]) {
    cpSync(join(ROOT, file), join(directory, file));
  }
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  return directory;
}

describe("the arrows between the rooms", () => {
  let found: readonly Violation[];
  let clean: readonly Violation[];

  beforeAll(() => {
    const directories = [
      project([...FORBIDDEN.map(([, from, imports]) => [from, imports] as const), BACK]),
      project(ALLOWED),
    ];
    try {
      [found, clean] = directories.map(cruise) as [readonly Violation[], readonly Violation[]];
    } finally {
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    }
  });

  it.each(FORBIDDEN)("%s: %s must not import %s", (rule, from) => {
    expect(
      found.filter((violation) => violation.rule.name === rule).map((violation) => violation.from),
    ).toContain(from);
  });

  it("lets through what the rooms may import", () => {
    const allowed = new Set(ALLOWED.map(([from]) => from));
    expect(clean.filter(({ from }) => allowed.has(from))).toEqual([]);
  });

  it("finds a module that nothing imports and that imports nothing", () => {
    const directory = project([]);
    try {
      writeTree(directory, { "local/alone.ts": "export const alone = 1;\n" });
      expect(cruise(directory).map(({ rule, from }) => [rule.name, from])).toContainEqual([
        "no-orphans",
        "local/alone.ts",
      ]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("says of every rule what to do instead", () => {
    const { forbidden } = jest.requireActual<{
      forbidden: readonly { name: string; comment: string; severity: string }[];
    }>("../../.dependency-cruiser.cjs");
    for (const { name, comment, severity } of forbidden) {
      expect([name, comment.length > 40, severity]).toEqual([name, true, "error"]);
    }
    const tried = new Set([...FORBIDDEN.map(([rule]) => rule), "no-orphans"]);
    expect(forbidden.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });

  it("are kept by this project", () => {
    expect(cruise(ROOT)).toEqual([]);
  });
});
