import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Below it, concurrent duplicates of one idempotency token race.
 *  @see https://github.com/hashicorp/nomad/blob/main/CHANGELOG.md (1.11.2) */
const OLDEST = [1, 11, 2] as const;
const OLDEST_TEXT = OLDEST.join(".");
const HOW =
  `Get Nomad ${OLDEST_TEXT} or newer from https://developer.hashicorp.com/nomad/install ` +
  "(macOS: brew install hashicorp/tap/nomad), put it on the PATH or name it in NOMAD_BIN.";

/** A Nomad that can be started. */
export interface NomadProgram {
  readonly file: string;
  /** Such as `2.0.5`. */
  readonly version: string;
}

/**
 * `$NOMAD_BIN`, or `nomad` on the PATH.
 * @throws Error saying that it is lacking, does not start or is too old, and what to do
 */
export function findNomad(): NomadProgram {
  const given = process.env["NOMAD_BIN"] ?? "";
  const directories = (process.env["PATH"] ?? "").split(delimiter).filter((it) => it !== "");
  const candidates = given === "" ? directories.map((directory) => join(directory, "nomad")) : [given];
  const file = candidates.find(isProgram);
  if (file === undefined) {
    const where = given === "" ? "there is none on the PATH" : `NOMAD_BIN is ${given}, which is no program`;
    throw new Error(`This needs the program nomad: ${where}. ${HOW}`);
  }
  const { stdout } = spawnSync(file, ["version"], { encoding: "utf8", timeout: 20_000 });
  const [, version = "", ...parts] = /Nomad v((\d+)\.(\d+)\.(\d+)\S*)/.exec(stdout) ?? [];
  if (version === "") throw new Error(`"${file} version" does not say which Nomad it is. ${HOW}`);
  if (isOlder(parts.map(Number))) throw new Error(`${file} is Nomad ${version}, which is too old. ${HOW}`);
  return { file, version };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOlder(parts: readonly number[]): boolean {
  for (const [index, least] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
