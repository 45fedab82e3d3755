import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildResult, type Metafile, type OutputFile, buildSync } from "esbuild";

/** Directory of this package: what relative source paths below are resolved from. */
export const PACKAGE_ROOT = join(__dirname, "..");

/** Most bytes the minified Worker may have. The limit is ours, far below Cloudflare's: what is larger than this has
 *  pulled in a dependency, and start-up time grows with every byte.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#worker-size */
export const MAX_BUNDLE_BYTES = 122_880;

/** What is bundled, and under which version. */
export interface BuildWorkerProps {
  /**
   * The Worker's entry module; a path relative to this package or an absolute one.
   * @default - "worker/index.ts"
   */
  readonly entry?: string;
  /**
   * Text that the Worker reports as its version in `/healthz`.
   * @default - the version of this package
   */
  readonly version?: string;
}

/** One ES module without imports, ready for workerd. */
export interface WorkerBundle {
  /** The module's text; minified. */
  readonly script: string;
  /** Length of `script` in UTF-8. */
  readonly bytes: number;
  /** Hex SHA-256 of `script` in UTF-8: what `content_sha256` of a Worker script has to be. */
  readonly sha256: string;
  /** The source files that went in, relative to this package, sorted. */
  readonly sources: readonly string[];
}

/**
 * Bundles the Worker. The same sources give the same bytes wherever the package lies and whatever the working
 * directory is. Writes nothing.
 * @throws Error when a source does not compile or imports what a Worker does not have (a Node builtin, an absent
 *   package)
 */
export function buildWorker(props: BuildWorkerProps = {}): WorkerBundle {
  const result: BuildResult<{ write: false; metafile: true }> = buildSync({
    entryPoints: [props.entry ?? "worker/index.ts"],
    absWorkingDir: PACKAGE_ROOT,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    // Neither Node nor a browser: `node:` imports do not resolve, so the build fails instead of the deployed Worker.
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker"],
    charset: "utf8",
    legalComments: "none",
    sourcemap: false,
    // The root tsconfig is written for Node programs and would be picked up by location.
    tsconfigRaw: { compilerOptions: { target: "ES2022", useDefineForClassFields: true } },
    define: { WORKER_VERSION: JSON.stringify(props.version ?? packageVersion()) },
    logLevel: "silent",
  });
  return describe(onlyFile(result.outputFiles), result.metafile);
}

function describe(file: OutputFile, metafile: Metafile): WorkerBundle {
  const script = tightenSql(file.text);
  const contents = Buffer.from(script, "utf8");
  return {
    script,
    bytes: contents.byteLength,
    sha256: createHash("sha256").update(contents).digest("hex"),
    sources: Object.keys(metafile.inputs).sort(),
  };
}

/**
 * Takes the white space out of the ledger's SQL, which is laid out for reading and makes up a quarter of the bundle.
 * Minified code has no line break followed by blanks, and no blanks around an operator or before a bound parameter,
 * outside of a literal; that the only literals that have them are SQL is held by a test on every literal of the sources.
 */
export function tightenSql(script: string): string {
  return script
    .replace(/\n {2,}/g, " ")
    .replace(/ (=|<=|>=|<>|<|>|\|\||->>) /g, "$1")
    .replace(/, (?=:\w|[a-z]\.|[a-z]+_[a-z_]+\b)/g, ",");
}

/** Says what is wrong with a bundle's size; an empty list when nothing is. Synth and the build refuse what is named. */
export function bundleProblems({ bytes }: Pick<WorkerBundle, "bytes">): string[] {
  if (bytes <= MAX_BUNDLE_BYTES) return [];
  return [
    `The Worker bundle must be at most ${String(MAX_BUNDLE_BYTES)} bytes, got ${String(bytes)}. ` +
      "Look for an import that brings in more than it should, or move work out of the Worker.",
  ];
}

function onlyFile(files: readonly OutputFile[]): OutputFile {
  const [file] = files;
  if (file === undefined || files.length > 1) {
    throw new Error(`esbuild must answer with one file, got ${String(files.length)}.`);
  }
  return file;
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
