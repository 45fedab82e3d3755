import { APP_BINDINGS, BINDING_NAMES, WORKER_BINDINGS } from "../../contracts/bindings";
import type { LocalBindings } from "../worker/edge";

/** What `npm run dev` was told. */
export interface DevSettings {
  readonly bindings: LocalBindings;
  readonly port: number;
  readonly sweepSeconds: number;
  readonly ledgerDir: string | undefined;
  /** Names of bindings without which the Worker answers 503. */
  readonly missing: readonly string[];
}

/** A number in the environment that is none, or out of range. */
export class SettingError extends Error {
  override readonly name = "SettingError";
}

const DEFAULT_PORT = 8787;
const DEFAULT_SWEEP_SECONDS = 60;
const MAX_PORT = 65_535;
const MAX_SWEEP_SECONDS = 86_400;

/**
 * Takes the settings from an environment; every binding has the variable of its name, and an empty one counts as absent.
 * @param env already merged with `.dev.vars`
 * @throws SettingError
 */
export function devSettings(env: Readonly<Record<string, string | undefined>>): DevSettings {
  const given = new Map<string, string>();
  for (const name of BINDING_NAMES) {
    const value = env[name];
    if (name !== "LEDGER" && value !== undefined && value !== "") given.set(name, value);
  }
  const ledgerDir = env["LEDGER_DIR"];
  return {
    bindings: Object.fromEntries(given),
    port: whole(env, "PORT", DEFAULT_PORT, 0, MAX_PORT),
    sweepSeconds: whole(env, "SWEEP_SECONDS", DEFAULT_SWEEP_SECONDS, 1, MAX_SWEEP_SECONDS),
    ledgerDir: ledgerDir === "" ? undefined : ledgerDir,
    missing: missing(given),
  };
}

function missing(given: ReadonlyMap<string, string>): string[] {
  // The ledger and the public URL come from here.
  const own = new Set<string>(["LEDGER", "PUBLIC_URL"]);
  const names: string[] = BINDING_NAMES.filter(
    (name) => WORKER_BINDINGS[name].required && !own.has(name) && !given.has(name),
  );
  const hasApp = APP_BINDINGS.every((name) => given.has(name));
  if (!hasApp && !given.has("GITHUB_TOKEN")) names.push(`GITHUB_TOKEN (or ${APP_BINDINGS.join(" and ")})`);
  return names;
}

function whole(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new SettingError(
    `${name} must be a whole number from ${String(min)} to ${String(max)}, got "${text}"`,
  );
}
