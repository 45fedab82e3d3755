import { Miniflare } from "miniflare";
import { BINDING_NAMES, type BindingName, WORKER_BINDINGS } from "../../contracts/bindings";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, SWEEP_CRON } from "../../contracts/runtime";
import { buildWorker } from "../../constructs/worker-bundle";
import { freePort } from "../http/free-port";
import { onLines } from "./lines";

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

type Ledger = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/** The Worker in workerd, on loopback. */
export interface LocalWorker {
  /** Its origin: `PUBLIC_URL`, unless another one was given. */
  readonly url: string;
  /** Runs the cron once, to its end. @throws Error when the Worker threw */
  sweep(): Promise<void>;
  /** The database itself, for tests to read and to age. */
  ledger(): Promise<Ledger>;
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
  const miniflare = withoutSignalHandlers(
    () =>
      new Miniflare({
        host: "127.0.0.1",
        port,
        compatibilityDate: COMPATIBILITY_DATE,
        compatibilityFlags: [...COMPATIBILITY_FLAGS],
        modules: [{ type: "ESModule", path: "worker.js", contents: options.script ?? buildWorker().script }],
        bindings: runtimeBindings({ PUBLIC_URL: url, ...options.bindings }),
        d1Databases: { LEDGER: "ledger" },
        d1Persist: options.ledgerDir ?? false,
        // Otherwise miniflare asks Cloudflare for a sample of request properties.
        cf: false,
        handleRuntimeStdio: (stdout, stderr) => {
          onLines(stdout, take);
          onLines(stderr, take);
        },
      }),
  );
  await miniflare.ready;

  const sweep = async (): Promise<void> => {
    const worker = await miniflare.getWorker();
    const { outcome } = await worker.scheduled({ cron: SWEEP_CRON });
    if (outcome !== "ok") throw new Error(`the sweep ended with ${outcome}; the Worker's log says why`);
  };
  let closed: Promise<void> | null = null;
  const cron = every(options.sweepSeconds ?? 0, sweep, take);
  return {
    url,
    sweep,
    ledger: () => miniflare.getD1Database("LEDGER"),
    logs: () => [...lines],
    close: () => (closed ??= cron.end().then(() => miniflare.dispose())),
  };
}

/** Miniflare ends the process on a signal, with 143; here the program that started it decides what a signal means. */
function withoutSignalHandlers<T>(make: () => T): T {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  const made = make();
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!before.has(listener)) process.removeListener(signal, listener);
    }
  }
  return made;
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

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

function parseJson(name: BindingName, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new BindingError(`${name} must be JSON, got ${String(text.length)} characters that are not`);
  }
}

/** Repeats, one at a time. */
function every(
  seconds: number,
  run: () => Promise<void>,
  complain: (line: string) => void,
): { end(): Promise<void> } {
  let running: Promise<void> | null = null;
  const fire = (): void => {
    running ??= run()
      .catch((error: unknown) => {
        complain(String(error));
      })
      .finally(() => {
        running = null;
      });
  };
  const timer = seconds > 0 ? setInterval(fire, seconds * 1000) : undefined;
  return {
    end: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
