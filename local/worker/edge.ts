import { BINDING_NAMES, type BindingName, WORKER_BINDINGS } from "../../contracts/bindings";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, SWEEP_CRON } from "../../contracts/runtime";
import { buildWorker } from "../../constructs/worker-bundle";
import { freePort } from "../http/free-port";
import type { Database } from "./database";
import { every } from "./every";
import { type Json, startRuntime } from "./runtime";

/** Every binding but the ledger, as text; JSON ones as their JSON. */
export type LocalBindings = { readonly [K in Exclude<BindingName, "LEDGER">]?: string | undefined };

export interface WorkerOptions {
  readonly bindings: LocalBindings;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** Keeps the ledger in this directory. @default in memory */
  readonly ledgerDir?: string | undefined;
  /** The cron fires so often; 0 is never. @default 0 */
  readonly sweepSeconds?: number;
  /** Gets each line the Worker or the runtime writes. */
  readonly onLog?: (line: string) => void;
  /** Text of the Worker. @default the bundle that would be deployed */
  readonly script?: string;
}

/** The Worker in workerd, on loopback. */
export interface LocalWorker {
  /** Its origin: `PUBLIC_URL`, unless another one was given. */
  readonly url: string;
  /** Runs the cron once, to its end. @throws Error when the Worker threw */
  sweep(): Promise<void>;
  /** The database itself, for tests to read and to age. */
  ledger(): Database;
  /** Lines written so far. */
  logs(): readonly string[];
  /** Waits for a sweep that runs; safe to call twice. */
  close(): Promise<void>;
}

/** A binding's text that cannot be uploaded as it is. */
export class BindingError extends Error {
  override readonly name = "BindingError";
}

/**
 * Serves the Worker's bundle on 127.0.0.1 with the bindings it would have when deployed.
 * @throws BindingError when a JSON binding is not JSON
 */
export async function startWorker(options: WorkerOptions): Promise<LocalWorker> {
  const port = options.port !== undefined && options.port !== 0 ? options.port : await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const lines: string[] = [];
  const take = (line: string): void => {
    lines.push(line);
    options.onLog?.(line);
  };
  const runtime = await startRuntime({
    script: options.script ?? buildWorker().script,
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: COMPATIBILITY_FLAGS,
    bindings: runtimeBindings({ PUBLIC_URL: url, ...options.bindings }),
    databases: { LEDGER: "ledger" },
    databaseDir: options.ledgerDir,
    port,
    onLine: take,
  });

  const sweep = (): Promise<void> => runtime.schedule(SWEEP_CRON);
  let closed: Promise<void> | null = null;
  const cron = every(options.sweepSeconds ?? 0, sweep, take);
  return {
    url,
    sweep,
    ledger: () => runtime.database("LEDGER"),
    logs: () => [...lines],
    close: () => (closed ??= cron.end().then(() => runtime.close())),
  };
}

function runtimeBindings(given: LocalBindings): Record<string, Json> {
  const bindings: Record<string, Json> = {};
  for (const name of BINDING_NAMES) {
    if (name === "LEDGER") continue;
    const text = given[name];
    if (text === undefined) continue;
    bindings[name] = WORKER_BINDINGS[name].kind === "json" ? parseJson(name, text) : text;
  }
  return bindings;
}

function parseJson(name: BindingName, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new BindingError(`${name} must be JSON, got ${String(text.length)} characters that are not`);
  }
}
