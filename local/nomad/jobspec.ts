import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parse } from "@cdktf/hcl2json";
import type { DispatchRules, NomadJob, NomadTask, NomadTemplate } from "./types";

export type Variables = Readonly<Record<string, string | number | boolean>>;
type Block = Readonly<Record<string, unknown>>;

/** Nomad's defaults. @see https://developer.hashicorp.com/nomad/docs/job-specification/task */
const KILL_TIMEOUT = "5s";
const KILL_SIGNAL = "SIGINT";
const TEMPLATE_PERMS = "0644";
/** The mark by which a template's text would be more than text. */
const TEMPLATE_DELIMITER = "{{";

/**
 * Reads a job specification as far as the stand-in runs it: rules of dispatch, and the tasks of its one group as plain
 * processes, whatever their driver. Values are literals, `var.<name>` (plus a number), or Nomad's own `${NOMAD_…}`, which stays.
 * @param variables as `nomad job run -var` would give them
 * @throws Error naming a variable that is missing or unknown, or a construct that it cannot run
 */
export async function readJobspec(file: string, variables: Variables): Promise<NomadJob> {
  const root = (await parse(basename(file), await readFile(file, "utf8"))) as Block;
  const scope = new Scope(file, root, variables);
  const [name, job] = named(scope, root["job"])[0] ?? [];
  if (name === undefined || job === undefined) throw new Error(`${file}: has no job`);
  const groups = named(scope, job["group"]);
  const group = groups[0]?.[1];
  if (group === undefined || groups.length > 1)
    throw new Error(`${file}: must have one group for the stand-in to run`);
  const tasks = named(scope, group["task"]).map(([taskName, task]) => readTask(scope, taskName, task));
  return {
    id: scope.text(job["id"] ?? name),
    parameterized: readRules(scope, first(job["parameterized"])),
    stopped: false,
    // The conversion sorts by name; the order of the run is by lifecycle.
    tasks: tasks.sort((a, b) => LIFECYCLES.indexOf(a.lifecycle) - LIFECYCLES.indexOf(b.lifecycle)),
  };
}

const LIFECYCLES: readonly NomadTask["lifecycle"][] = ["main", "poststop"];

function readRules(scope: Scope, block: Block | null): DispatchRules | null {
  if (block === null) return null;
  const payload = scope.text(block["payload"] ?? "optional");
  if (payload !== "optional" && payload !== "required" && payload !== "forbidden") {
    throw new Error(
      `${scope.file}: parameterized.payload must be optional, required or forbidden, got ${payload}`,
    );
  }
  return {
    payload,
    metaRequired: scope.texts(block["meta_required"] ?? []),
    metaOptional: scope.texts(block["meta_optional"] ?? []),
  };
}

function readTask(scope: Scope, name: string, task: Block): NomadTask {
  const config = first(task["config"]) ?? {};
  const hook = first(task["lifecycle"])?.["hook"];
  if (hook !== undefined && hook !== "poststop") {
    throw new Error(
      `${scope.file}: task ${name}: the stand-in runs main and poststop tasks, got ${JSON.stringify(hook)}`,
    );
  }
  const env = Object.entries(first(task["env"]) ?? {}).map(
    ([key, value]) => [key, scope.text(value)] as const,
  );
  const file = first(task["dispatch_payload"])?.["file"];
  return {
    name,
    lifecycle: hook === undefined ? "main" : "poststop",
    command: scope.text(config["command"]),
    args: scope.texts(config["args"] ?? []),
    env: Object.fromEntries(env),
    payloadFile: file === undefined ? null : scope.text(file),
    templates: list(task["template"]).map((template) => readTemplate(scope, name, template)),
    killSignal: scope.text(task["kill_signal"] ?? KILL_SIGNAL) as NodeJS.Signals,
    killTimeoutMs: milliseconds(scope.text(task["kill_timeout"] ?? KILL_TIMEOUT)),
  };
}

function readTemplate(scope: Scope, task: string, template: Block): NomadTemplate {
  const data = scope.text(template["data"]);
  const delimiter = scope.text(template["left_delimiter"] ?? TEMPLATE_DELIMITER);
  if (data.includes(delimiter)) {
    throw new Error(
      `${scope.file}: task ${task}: the stand-in renders no template actions, found ${delimiter}`,
    );
  }
  return {
    data,
    destination: scope.text(template["destination"]),
    mode: Number.parseInt(scope.text(template["perms"] ?? TEMPLATE_PERMS), 8),
  };
}

/** Variables and their values. */
class Scope {
  readonly file: string;
  readonly #values = new Map<string, unknown>();

  constructor(file: string, root: Block, given: Variables) {
    this.file = file;
    const declared = (root["variable"] ?? {}) as Readonly<Record<string, readonly Block[]>>;
    for (const [name, [block]] of Object.entries(declared)) {
      const value = name in given ? given[name] : block?.["default"];
      if (value === undefined) throw new Error(`${file}: variable ${name} has no default and was not given`);
      this.#values.set(name, value);
    }
    const unknown = Object.keys(given).filter((name) => !(name in declared));
    if (unknown.length > 0) throw new Error(`${file}: has no variable ${unknown.join(", ")}`);
  }

  /** A value as text, as it stands in a process's environment. */
  text(value: unknown): string {
    const found = this.#value(value);
    if (typeof found === "string") return found;
    if (typeof found === "number" || typeof found === "boolean") return String(found);
    throw new Error(`${this.file}: expected a text, got ${JSON.stringify(found)}`);
  }

  texts(value: unknown): string[] {
    const found = this.#value(value);
    if (!Array.isArray(found)) throw new Error(`${this.file}: expected a list, got ${JSON.stringify(found)}`);
    return found.map((item) => this.text(item));
  }

  #value(value: unknown): unknown {
    if (typeof value !== "string") return value;
    const whole = /^\$\{var\.([a-z_]+)\}$/.exec(value)?.[1];
    if (whole !== undefined) return this.#variable(whole);
    const text = value.replace(EXPRESSION, (_whole, name: string, sign?: string, number?: string) => {
      const found = this.#variable(name);
      if (sign === undefined) return this.text(found);
      return String(Number(found) + (sign === "-" ? -1 : 1) * Number(number));
    });
    if (!/\$\{(?!NOMAD_|attr\.|node\.|env\[)/.test(text)) return text;
    throw new Error(
      `${this.file}: the stand-in evaluates var.<name>, at most plus or minus a number, got ${value}`,
    );
  }

  #variable(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    throw new Error(`${this.file}: uses variable ${name}, which it has not`);
  }
}

/** `${var.name}`, `${var.name + 30}`. */
const EXPRESSION = /\$\{\s*var\.([a-z_]+)(?:\s*([+-])\s*(\d+))?\s*\}/g;

/** Labelled blocks, as the conversion gives them: `{ label: [block] }`. */
function named(scope: Scope, value: unknown): [string, Block][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) throw new Error(`${scope.file}: expected a block`);
  return Object.entries(value as Record<string, unknown>).map(([name, blocks]) => [
    name,
    first(blocks) ?? {},
  ]);
}

function list(value: unknown): readonly Block[] {
  return Array.isArray(value) ? (value as Block[]) : [];
}

function first(value: unknown): Block | null {
  return list(value)[0] ?? null;
}

function milliseconds(duration: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(duration);
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const factor = factors[match?.[2] ?? ""];
  if (factor === undefined) throw new Error(`a duration is a number with ms, s, m or h, got ${duration}`);
  return Number(match?.[1]) * factor;
}
