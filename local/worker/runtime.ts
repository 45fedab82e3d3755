import { Miniflare, type MiniflareOptions, Response as RuntimeResponse } from "miniflare";
import { headerPairs } from "../http/headers";
import type { Database } from "./database";
import { Door } from "./door";
import { onLines } from "./lines";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A request on its way through what stands in for Cloudflare, read to its end. */
export interface EdgeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** null when there is none. */
  readonly body: Uint8Array | null;
}

/** A secret of a Secrets Store and the binding that gives it. */
export interface StoreSecret {
  readonly storeId: string;
  readonly secretName: string;
  readonly value: string;
}

export interface RuntimeOptions {
  /** Text of one ES module. */
  readonly script: string;
  /** Its name, as errors show it. @default "worker.js" */
  readonly mainModule?: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Text and JSON bindings. */
  readonly bindings: Readonly<Record<string, Json>>;
  /** D1 databases: the binding's name to the database's id. */
  readonly databases: Readonly<Record<string, string>>;
  /** Keeps the databases in this directory. @default in memory */
  readonly databaseDir?: string | undefined;
  /** Secrets Store bindings by name. @default none */
  readonly secrets?: Readonly<Record<string, StoreSecret>>;
  /** Where the Worker itself listens on 127.0.0.1. @default a free port */
  readonly port?: number;
  /** Modules beside the script, by the name under which it imports them. @default none */
  readonly modules?: Readonly<Record<string, string>>;
  /** Takes miniflare's own Workers out of the way: a socket leads straight in, see {@link Runtime.directUrl}, and what is
   *  fetched goes straight out. @default false */
  readonly direct?: boolean;
  /** Answers what the Worker fetches. @default the network */
  readonly outbound?: (request: EdgeRequest) => Promise<Response>;
  /** Gets each line the Worker or the runtime writes. */
  readonly onLine: (line: string) => void;
}

const WORKER = "worker";

/** One version of a Worker in workerd. */
export interface Runtime {
  /** Sends a request in under its own URL. @throws Error when the Worker threw */
  dispatch(request: EdgeRequest): Promise<Response>;
  /** Runs the cron once, to its end. @throws Error when the Worker threw */
  schedule(cron: string): Promise<void>;
  database(binding: string): Database;
  /** Origin of the socket that leads straight into the Worker: before the usual one stands a Worker of miniflare's, which
   *  takes longer than most of ours. @throws TypeError when it was not asked for */
  directUrl(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts a Worker in workerd.
 * @throws Error when the runtime does not take the script; the lines written say why
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { onLine, secrets = {} } = options;
  const { databases, compatibilityDate } = options;
  const door = new Door({ databases, scheduled: WORKER, compatibilityDate });
  const miniflare = withoutSignalHandlers(
    () =>
      new Miniflare({
        host: "127.0.0.1",
        port: options.port ?? 0,
        workers: [workerOptions(options), door.worker],
        d1Persist: options.databaseDir ?? false,
        secretsStorePersist: false,
        // Otherwise miniflare asks Cloudflare for a sample of request properties.
        cf: false,
        handleRuntimeStdio: (stdout, stderr) => {
          onLines(stdout, onLine);
          onLines(stderr, onLine);
        },
      }),
  );
  try {
    await miniflare.ready;
    for (const [name, { value }] of Object.entries(secrets)) {
      const admin = await miniflare.getSecretsStoreSecretAPI(name);
      await admin().create(value);
    }
  } catch (error) {
    // Its own clearing up waits for the runtime that never came.
    await miniflare.dispose().catch(() => undefined);
    throw error;
  }
  return {
    dispatch: (request) => dispatch(miniflare, request),
    schedule: async (cron) => {
      const outcome = await door.schedule(miniflare, cron);
      if (outcome !== "ok") throw new Error(`the sweep ended with ${outcome}; the Worker's log says why`);
    },
    database: (binding) => door.database(miniflare, binding),
    directUrl: async () => (await miniflare.unsafeGetDirectURL(WORKER)).origin,
    close: () => miniflare.dispose(),
  };
}

/** Miniflare's options of the Worker itself. */
function workerOptions(
  options: RuntimeOptions,
): Extract<MiniflareOptions, { readonly workers: unknown }>["workers"][number] {
  const { outbound, secrets = {}, mainModule = "worker.js", modules = {} } = options;
  return {
    name: WORKER,
    compatibilityDate: options.compatibilityDate,
    compatibilityFlags: [...options.compatibilityFlags],
    modules: Object.entries({ [mainModule]: options.script, ...modules }).map(([path, contents]) => ({
      type: "ESModule",
      path,
      contents,
    })),
    ...(options.direct === true && {
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      // Else what the Worker fetches passes through one more Worker of miniflare's.
      stripCfConnectingIp: false,
    }),
    bindings: { ...options.bindings },
    d1Databases: { ...options.databases },
    secretsStoreSecrets: Object.fromEntries(
      Object.entries(secrets).map(([name, it]) => [
        name,
        { store_id: it.storeId, secret_name: it.secretName },
      ]),
    ),
    ...(outbound && { outboundService: outboundService(outbound) }),
  };
}

/** Headers of a connection, not of a request; those of the encoding, since bodies are handed on as they were meant. */
const CONNECTION_HEADERS = ["accept-encoding", "connection", "content-length", "host", "transfer-encoding"];

/** A Worker that threw is told from one that answered 500 by the stack that miniflare writes for it. */
const UNCAUGHT = /entry\.worker\.js:\d+:\d+\)?\s*$/;

async function dispatch(miniflare: Miniflare, request: EdgeRequest): Promise<Response> {
  const headers = headerPairs(request.headers).filter(([name]) => !CONNECTION_HEADERS.includes(name));
  const answer = await miniflare.dispatchFetch(request.url.href, {
    method: request.method,
    headers,
    body: request.body,
    redirect: "manual",
  });
  const body = await bodyOf(answer);
  if (answer.status === 500 && body !== null) {
    const text = Buffer.from(body).toString("utf8");
    if (UNCAUGHT.test(text)) throw new Error(text.split("\n", 1)[0]);
  }
  return new Response(body, { status: answer.status, headers: headerPairs(answer.headers) });
}

function outboundService(
  answer: (request: EdgeRequest) => Promise<Response>,
): (request: IncomingRequest) => Promise<RuntimeResponse> {
  return async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const answered = await answer({
      method: request.method,
      url: new URL(request.url),
      headers: new Headers(headerPairs(request.headers)),
      body: body.byteLength === 0 ? null : body,
    });
    return new RuntimeResponse(await bodyOf(answered), {
      status: answered.status,
      headers: headerPairs(answered.headers),
    });
  };
}

/** What is needed of miniflare's own Request, which is another class than Node's. */
interface IncomingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Parameters<typeof headerPairs>[0];
  arrayBuffer(): Promise<ArrayBuffer>;
}

const BODILESS = [101, 204, 205, 304];

async function bodyOf(answer: {
  status: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}): Promise<ArrayBuffer | null> {
  const bytes = await answer.arrayBuffer();
  return BODILESS.includes(answer.status) ? null : bytes;
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
