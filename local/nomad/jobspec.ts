import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { type Block, Scope, type Variables } from "./jobspec-scope";
import type { DispatchRules, NomadJob, NomadTask, NomadTemplate } from "./types";

export type { Variables };

/** Nomad's defaults. @see https://developer.hashicorp.com/nomad/docs/job-specification/task */
const KILL_TIMEOUT = "5s";
const KILL_SIGNAL = "SIGINT";
const TEMPLATE_PERMS = "0644";
/** The mark by which a template's text would be more than text. */
const TEMPLATE_DELIMITER = "{{";

/**
 * Reads a job specification as far as the stand-in runs it: rules of dispatch, and the tasks of its one group as plain
 * processes, whatever their driver. What values may be, {@link Scope} says. Of dynamic blocks it takes templates; tasks and
 * artifacts it refuses where there would be any, and the rest (networks, volumes, constraints) is nothing to a process.
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
  refuseDynamic(scope, group, "task");
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
  refuseDynamic(scope, task, "artifact");
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
    templates: [
      ...list(task["template"]).map((block) =>
        readTemplate(scope, name, block, scope.text(block["data"]), scope.text(block["destination"])),
      ),
      ...dynamicTemplates(scope, name, task),
    ],
    killSignal: scope.text(task["kill_signal"] ?? KILL_SIGNAL) as NodeJS.Signals,
    killTimeoutMs: milliseconds(scope.text(task["kill_timeout"] ?? KILL_TIMEOUT)),
  };
}

/** A dynamic block over texts by their names: what Nomad would make of it. A text is not evaluated once more. */
function dynamicTemplates(scope: Scope, task: string, block: Block): NomadTemplate[] {
  return dynamicBlocks(block, "template").flatMap(({ for_each, content }) => {
    const template = first(content) ?? {};
    return Object.entries(scope.textsByName(for_each)).map(([key, text]) =>
      readTemplate(
        scope,
        task,
        template,
        text,
        String(template["destination"]).replace("${template.key}", key),
      ),
    );
  });
}

/** What a process cannot stand for must not be left out in silence. */
function refuseDynamic(scope: Scope, parent: Block, type: string): void {
  for (const { for_each } of dynamicBlocks(parent, type)) {
    if (scope.list(for_each).length > 0) {
      throw new Error(
        `${scope.file}: the stand-in has no ${type} of a dynamic block; leave out what asks for one`,
      );
    }
  }
}

function dynamicBlocks(parent: Block, type: string): readonly Block[] {
  const dynamic = parent["dynamic"] as Block | undefined;
  return list(dynamic?.[type]);
}

function readTemplate(
  scope: Scope,
  task: string,
  block: Block,
  data: string,
  destination: string,
): NomadTemplate {
  const delimiter = scope.text(block["left_delimiter"] ?? TEMPLATE_DELIMITER);
  if (data.includes(delimiter)) {
    throw new Error(
      `${scope.file}: task ${task}: the stand-in renders no template actions, found ${delimiter}`,
    );
  }
  return { data, destination, mode: Number.parseInt(scope.text(block["perms"] ?? TEMPLATE_PERMS), 8) };
}

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
