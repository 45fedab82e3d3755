import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CLASS_BOUNDS } from "../../contracts/policy";
import { type DrainPlan, type RunnersStackProps, drainPlan } from "../../index";
import { DrainError } from "./drain-error";

export interface DrainSettings {
  readonly plan: DrainPlan;
  /** Most seconds that a runner which has started goes on by itself. */
  readonly longestRunSeconds: number;
}

/**
 * Reads a stack's settings as `main.ts` does: the default export of a TypeScript or JavaScript module.
 * @param file relative to the working directory
 * @throws DrainError
 */
export async function readSettings(file: string): Promise<DrainSettings> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new DrainError(
      `there are no settings at ${path}; give their file: npm run drain -- path/to/settings.ts`,
    );
  }
  try {
    const settings = defaultExport(await import(pathToFileURL(path).href));
    const plan = drainPlan(settings);
    check(plan);
    return { plan, longestRunSeconds: longestRun(settings) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new DrainError(
      `the settings in ${path} cannot be used: ${text}; \`npx cdktf synth\` says what is wrong`,
    );
  }
}

/** A module compiled to CommonJS has its own default export inside the one that Node makes of it. */
function defaultExport(module: unknown): RunnersStackProps {
  let found: unknown = module;
  while (typeof found === "object" && found !== null && "default" in found) found = found.default;
  if (typeof found !== "object" || found === null || found === module)
    throw new Error("there is no default export of RunnersStackProps");
  // What else is wrong with it shows when the plan is made of it.
  return found as RunnersStackProps;
}

/** An empty id would take in jobs of others. */
function check({ jobs, prePulls, namespace, connector }: DrainPlan): void {
  const names = {
    "a class's job": jobs,
    "a class's pre-pull job": prePulls,
    namespace: [namespace],
    connector: connector && Object.values(connector),
  };
  for (const [what, values] of Object.entries(names)) {
    for (const value of (values ?? []) as readonly unknown[]) {
      if (typeof value !== "string" || !/^[^\s/]+$/.test(value))
        throw new Error(`${what}: must be a name without spaces and slashes, got ${JSON.stringify(value)}`);
    }
  }
}

function longestRun({ classes }: RunnersStackProps): number {
  const lives = classes.map(
    ({
      maxDurationSeconds = CLASS_BOUNDS.maxDurationSeconds.default,
      idleTimeoutSeconds = CLASS_BOUNDS.idleTimeoutSeconds.default,
    }) => maxDurationSeconds + idleTimeoutSeconds,
  );
  return Math.max(0, ...lives);
}
