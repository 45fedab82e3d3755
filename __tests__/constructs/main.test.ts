import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..", "..");
const SETTINGS = join(ROOT, "runners.config.ts");
const TYPES = join(ROOT, "tsconfig.settings.json");
/** A type check takes some seconds, on a busy machine many. */
const LONGEST_MS = 120_000;

/** What main.ts says and how it ends, in an environment with nothing but these variables. */
function synthesized(environment: Readonly<Record<string, string>> = {}): {
  readonly status: number | null;
  readonly said: string;
} {
  const outdir = mkdtempSync(join(tmpdir(), "main-"));
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [require.resolve("tsx/cli"), "main.ts"], {
      cwd: ROOT,
      env: { ...environment, CDKTF_OUTDIR: outdir },
      encoding: "utf8",
      timeout: LONGEST_MS,
    });
    return { status, said: stdout + stderr };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** What the type check before main.ts says when runners.config.ts is another one. */
function typeProblems(change: (settings: string) => string): readonly string[] {
  const parsed = ts.parseJsonConfigFileContent(
    ts.readConfigFile(TYPES, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const host = ts.createCompilerHost(parsed.options);
  const sourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === SETTINGS
      ? ts.createSourceFile(
          name,
          change(readFileSync(SETTINGS, "utf8")),
          ...(rest.slice(0, 1) as [ts.ScriptTarget]),
        )
      : sourceFile(name, ...rest);
  const program = ts.createProgram({ rootNames: parsed.fileNames, options: parsed.options, host });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("main.ts", () => {
  it(
    "synthesizes the sample settings in an empty environment: without a credential, without a program on the PATH",
    () => {
      expect(synthesized()).toEqual({ status: 0, said: "" });
    },
    LONGEST_MS,
  );

  it(
    "says what is wrong and fails, without a trace and without advice to skip the checks",
    () => {
      const { status, said } = synthesized({ GITHUB_OWNER: "somebody" });
      expect(status).toBe(1);
      expect(said.trim().split("\n")).toEqual([
        "Validation failed with the following errors:",
        expect.stringMatching(
          /^ {2}\[github-runners\] GITHUB_OWNER: must be unset or "your-name", got "somebody"/,
        ),
      ]);
    },
    LONGEST_MS,
  );
});

describe("the type check before it", () => {
  it("is part of what `cdktf` runs, since main.ts runs without one", () => {
    const { app } = JSON.parse(readFileSync(join(ROOT, "cdktf.json"), "utf8")) as { readonly app: string };
    expect(app).toBe("npx tsc -p tsconfig.settings.json && npx tsx main.ts");
  });

  it(
    "takes the sample settings, and names a setting that nobody reads",
    () => {
      expect(typeProblems((settings) => settings)).toEqual([]);
      const problems = typeProblems((settings) => settings.replace("labels:", "maxRunner: 2, labels:"));
      expect(problems).toEqual([
        expect.stringContaining("'maxRunner' does not exist in type 'RunnerClassProps'"),
      ]);
    },
    LONGEST_MS,
  );
});
