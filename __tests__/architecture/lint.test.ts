import { runScript } from "./support";

interface Case {
  readonly file: string;
  readonly text: string;
}

const UNAWAITED = `
async function verify(): Promise<boolean> {
  return Promise.resolve(false);
}
/** Accepts whatever the answer is: a promise is always true. */
export function accept(): string {
  if (verify()) return "accepted";
  return "refused";
}
/** Forgets the answer. */
export function forget(): void {
  verify();
}
`;

const AWAITED = `
/** Waits for the answer. */
export async function accept(verify: () => Promise<boolean>): Promise<string> {
  return (await verify()) ? "accepted" : "refused";
}
`;

const UNWANTED = `
import { spawn } from "node:child_process";
import { Construct } from "constructs";
type Kind = "a" | "b";
/** Not exhaustive. */
export function name(kind: Kind): string {
  switch (kind) {
    case "a":
      return "A";
  }
  return "";
}
/** A construct of another shape. */
export class Odd extends Construct {
  constructor(parent: Construct, name: string) {
    super(parent, name);
  }
}
// eslint-disable-next-line eqeqeq
export const loose = (value: any): boolean => value == 1;
export { spawn };
`;

const SHAPES = {
  whole: "constructor(scope: Construct, id: string, props: object) { super(scope, id); void props; }",
  bare: "constructor(scope: Construct, id: string) { super(scope, id); }",
  optional: "constructor(scope: Construct, id: string, props: object = {}) { super(scope, id); void props; }",
  none: "",
  four: "constructor(scope: Construct, id: string, props: object, more: object) { super(scope, id); void props; void more; }",
  renamed: "constructor(stack: Construct, id: string) { super(stack, id); }",
};

function construct(body: string): string {
  return `import { Construct } from "constructs";\n/** One. */\nexport class One extends Construct { ${body} }\n`;
}

const SPAWN = 'import { spawnSync } from "node:child_process";\nspawnSync("true");\n';
const LONG_FUNCTION = `/** Long. */\nexport function long(): void {\n${"  console.log(1);\n".repeat(61)}}\n`;
const LONG_FILE = `${"\n".repeat(300)}console.log(1);\n`;
const TEST_FILE = "__tests__/architecture/support.ts";
const PROGRAMS = [
  "contracts/claim.ts",
  "worker/index.ts",
  "scripts/check.ts",
  "__tests__/worker/ledger/world.ts",
];

/** Every text is linted in one process, since starting the type checker is what takes time. */
const CASES: readonly Case[] = [
  ...PROGRAMS.map((file) => ({ file, text: UNAWAITED })),
  { file: "contracts/claim.ts", text: AWAITED },
  { file: "constructs/runner-job.ts", text: UNWANTED },
  ...Object.values(SHAPES).map((body) => ({ file: "constructs/runner-job.ts", text: construct(body) })),
  ...["contracts/claim.ts", "scripts/check.ts", TEST_FILE].flatMap((file) =>
    [SPAWN, LONG_FUNCTION, LONG_FILE].map((text) => ({ file, text })),
  ),
];

describe("the lint", () => {
  let found: readonly (readonly string[])[];

  beforeAll(() => {
    const { stdout, stderr } = runScript("lint-texts.mjs", JSON.stringify(CASES));
    if (stdout === "") throw new Error(stderr);
    found = JSON.parse(stdout) as readonly (readonly string[])[];
  }, 90_000);

  function rules(file: string, text: string): readonly string[] {
    const index = CASES.findIndex((candidate) => candidate.file === file && candidate.text === text);
    return found[index] ?? ["not linted"];
  }

  it.each(PROGRAMS)("finds a promise that is not awaited in %s", (file) => {
    expect(rules(file, UNAWAITED)).toEqual(
      expect.arrayContaining([
        "@typescript-eslint/no-misused-promises",
        "@typescript-eslint/no-floating-promises",
      ]),
    );
  });

  it("passes a promise that is awaited", () => {
    expect(rules("contracts/claim.ts", AWAITED)).toEqual([]);
  });

  it.each([
    "no-restricted-imports",
    "@typescript-eslint/switch-exhaustiveness-check",
    "project/construct-signature",
    "@typescript-eslint/no-explicit-any",
    "comments/require-description",
  ])("reports %s", (rule) => {
    expect(rules("constructs/runner-job.ts", UNWANTED)).toContain(rule);
  });

  it.each([
    ["whole", false],
    ["bare", false],
    ["optional", false],
    ["none", true],
    ["four", true],
    ["renamed", true],
  ] as const)("judges a construct's constructor: %s, refused: %s", (shape, refused) => {
    const messages = rules("constructs/runner-job.ts", construct(SHAPES[shape]));
    expect(messages.includes("project/construct-signature")).toBe(refused);
  });

  it("lets local programs, scripts and tests start other programs, and nobody else", () => {
    expect(rules("contracts/claim.ts", SPAWN)).toContain("no-restricted-imports");
    expect(rules("scripts/check.ts", SPAWN)).not.toContain("no-restricted-imports");
    expect(rules(TEST_FILE, SPAWN)).not.toContain("no-restricted-imports");
  });

  it("finds functions over 60 lines, but not in tests", () => {
    expect(rules("scripts/check.ts", LONG_FUNCTION)).toContain("max-lines-per-function");
    expect(rules(TEST_FILE, LONG_FUNCTION)).not.toContain("max-lines-per-function");
  });

  it("finds files over 300 lines anywhere", () => {
    for (const file of ["contracts/claim.ts", "scripts/check.ts", TEST_FILE]) {
      expect(rules(file, LONG_FILE)).toContain("max-lines");
    }
  });
});
