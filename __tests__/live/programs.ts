import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** What the live run starts, by the names under which this file knows them. */
export type ProgramName = "nomad" | "consul" | "vault" | "terraform";

/** A program that can be started. */
export interface Program {
  readonly file: string;
  /** What it calls itself, such as `OpenBao`. */
  readonly title: string;
  /** Such as `2.0.5`. */
  readonly version: string;
}

/** One that a program may be, by what `<file> version` says. */
interface Make {
  readonly title: string;
  /** Oldest version that will do. */
  readonly least: string;
}

export type Programs = Readonly<Record<ProgramName, Program>>;

interface Wanted {
  /** Environment variable that names it: a file, or a name that is looked for on the PATH. */
  readonly variable: string;
  /** Names on the PATH, the first that is there. */
  readonly names: readonly string[];
  readonly makes: readonly Make[];
  readonly how: string;
}

const WANTED: Readonly<Record<ProgramName, Wanted>> = {
  nomad: {
    variable: "NOMAD_BIN",
    names: ["nomad"],
    // Below it, concurrent duplicates of one idempotency token race.
    // See https://github.com/hashicorp/nomad/blob/main/CHANGELOG.md (1.11.2)
    makes: [{ title: "Nomad", least: "1.11.2" }],
    how: "https://developer.hashicorp.com/nomad/install (macOS: brew install hashicorp/tap/nomad)",
  },
  consul: {
    variable: "CONSUL_BIN",
    names: ["consul"],
    // The oldest that this was tried with; what is asked of it, KV and sessions behind ACLs, is much older.
    makes: [{ title: "Consul", least: "1.16.0" }],
    how: "https://developer.hashicorp.com/consul/install (macOS: brew install hashicorp/tap/consul)",
  },
  vault: {
    variable: "VAULT_BIN",
    names: ["vault", "bao"],
    makes: [
      // See https://github.com/hashicorp/terraform-provider-vault/blob/v5.6.0/CHANGELOG.md (5.0.0): from 1.15.
      { title: "Vault", least: "1.15.0" },
      { title: "OpenBao", least: "2.0.0" },
    ],
    how:
      "https://developer.hashicorp.com/vault/install (macOS: brew install hashicorp/tap/vault), " +
      "or OpenBao from https://openbao.org/docs/install",
  },
  terraform: {
    variable: "TERRAFORM_BINARY_NAME",
    names: ["terraform"],
    // Write-only attributes. See https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only
    makes: [{ title: "Terraform", least: "1.11.0" }],
    how: "https://developer.hashicorp.com/terraform/install (macOS: brew install hashicorp/tap/terraform)",
  },
};

/** Runs `<file> version` and gives what it printed, or nothing when it does not start. */
export type AskVersion = (file: string) => string;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every one of them. */
export const ALL_PROGRAMS = ["nomad", "consul", "vault", "terraform"] as const;

/**
 * Finds programs of the live run, in the environment's variables or on its PATH.
 * @throws Error naming all that are lacking, do not start or are too old, and how to get each
 */
export function findPrograms<N extends ProgramName>(
  environment: Environment,
  ask: AskVersion,
  names: readonly N[],
): Readonly<Record<N, Program>> {
  const wrong: string[] = [];
  const found = names.flatMap((name) => {
    const program = look(WANTED[name], environment, ask);
    if (typeof program !== "string") return [[name, program] as const];
    wrong.push(`  ${name}: ${program}. ${advice(WANTED[name])}`);
    return [];
  });
  if (wrong.length > 0) throw new Error(`This needs programs that are not there:\n${wrong.join("\n")}`);
  return Object.fromEntries(found) as Record<N, Program>;
}

/** One that a run can do without. @returns null where it is not there, does not start or is too old */
export function findProgram(environment: Environment, ask: AskVersion, name: ProgramName): Program | null {
  const found = look(WANTED[name], environment, ask);
  return typeof found === "string" ? null : found;
}

/** @returns the program, or what is wrong with it */
function look(wanted: Wanted, environment: Environment, ask: AskVersion): Program | string {
  const given = environment[wanted.variable] ?? "";
  const names = given === "" ? wanted.names : [given];
  const directories = (environment["PATH"] ?? "").split(delimiter).filter((it) => it !== "");
  const file = names
    .flatMap((name) => (name.includes("/") ? [name] : directories.map((directory) => join(directory, name))))
    .find(isProgram);
  if (file === undefined) {
    return given === ""
      ? `there is no ${names.join(" and no ")} on the PATH`
      : `${wanted.variable} is ${given}, which is no program`;
  }
  const said = ask(file);
  for (const { title, least } of wanted.makes) {
    const version = new RegExp(`${title} v(\\d+\\.\\d+\\.\\d+\\S*)`).exec(said)?.[1];
    if (version === undefined) continue;
    return isOlder(version, least)
      ? `${file} is ${title} ${version}, which is older than ${least}`
      : { file, title, version };
  }
  const titles = wanted.makes.map(({ title }) => title).join(" or ");
  return `"${file} version" does not say that it is ${titles}`;
}

function advice({ variable, makes, names, how }: Wanted): string {
  const versions = makes.map(({ title, least }) => `${title} ${least}`).join(" or ");
  return `Get ${versions} or newer: ${how}; put ${names.join(" or ")} on the PATH or name it in ${variable}`;
}

/** Whether a file can be run. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Compares the three numbers; what follows them, such as `-dev`, does not count. */
function isOlder(version: string, least: string): boolean {
  const numbers = (text: string): number[] => text.split(/[^\d]/, 3).map(Number);
  const parts = numbers(version);
  for (const [index, number] of numbers(least).entries()) {
    const part = parts[index] ?? 0;
    if (part !== number) return part < number;
  }
  return false;
}
