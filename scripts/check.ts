import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const ROOT = join(__dirname, "..");

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What to do when the command is not there; npm installs the others. */
  readonly install?: string;
}

interface Result {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly note: string;
}

/** A program of an installed package, run by this Node: no shell, no `npx`. */
function packageProgram(name: string, program: string, ...args: readonly string[]): Check {
  return { name, command: process.execPath, args: [join(ROOT, "node_modules", program), ...args] };
}

const CHECKS: readonly Check[] = [
  packageProgram("format (prettier)", "prettier/bin/prettier.cjs", "--check", "."),
  packageProgram("types: Node programs", "typescript/bin/tsc", "-p", "."),
  packageProgram("types: Worker", "typescript/bin/tsc", "-p", "worker"),
  packageProgram("types: Worker tests", "typescript/bin/tsc", "-p", "__tests__/worker"),
  packageProgram("lint (eslint)", "eslint/bin/eslint.js", ".", "--max-warnings", "0"),
  packageProgram("architecture (dependency-cruiser)", "dependency-cruiser/bin/dependency-cruise.mjs", "."),
  packageProgram("unused code (knip)", "knip/bin/knip.js"),
  {
    name: "shell scripts (shellcheck)",
    command: "shellcheck",
    args: ["--severity=style", "--external-sources", ...shellScripts()],
    install: "install it: `apt-get install shellcheck` or `brew install shellcheck`",
  },
];

/** Every shell script of the project. */
function shellScripts(): readonly string[] {
  const found = ["jobs", "examples"].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".sh"))
      .sort()
      .map((name) => join(room, name)),
  );
  return [...found, join(".ci", "run")];
}

function run(check: Check): Result {
  console.log(`\n--- ${check.name}`);
  const started = performance.now();
  const found = check.command.includes("/") || isOnPath(check.command);
  const ok =
    found &&
    spawnSync(check.command, check.args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status === 0;
  const note = found ? "" : `${check.command} is not on the PATH; ${check.install ?? "install it"}`;
  if (note !== "") console.log(note);
  return { name: check.name, ok, seconds: (performance.now() - started) / 1_000, note };
}

function isOnPath(command: string): boolean {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .some((directory) => existsSync(join(directory, command)));
}

/** Runs every check, or with words as arguments those whose names hold one of them: `npm run check -- types lint`. */
function main(words: readonly string[]): number {
  const chosen = CHECKS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0) {
    console.log(
      `No check is named so: ${words.join(", ")}. There are: ${CHECKS.map(({ name }) => name).join("; ")}`,
    );
    return 1;
  }
  const results = chosen.map(run);
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log("\n--- summary");
  for (const { name, ok, seconds, note } of results) {
    const line = `${ok ? "ok    " : "FAILED"}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(5)} s  ${note}`;
    console.log(line.trimEnd());
  }
  return results.every(({ ok }) => ok) ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
