import { Miniflare } from "miniflare";
import { buildWorker } from "../../../constructs/worker-bundle";
import type { Database } from "../../../local/worker/database";
import { Door } from "../../../local/worker/door";
import { startLocalD1 } from "./local-d1";

/** One of the two ways the Worker runs in tests: its sources in Node, where coverage is measured, and the bundle that
 *  is shipped, in workerd. The same cases run on both. */
export interface Runtime {
  fetch(path: string, init: RequestInit): Promise<Response>;
  sweep(): Promise<void>;
  /** Waits for what the Worker does after its answers, as far as this runtime can tell. */
  idle(): Promise<void>;
  db(): Database;
  readonly lines: string[];
  /** Puts bindings in place of the usual ones, until the next call; one of `undefined` is left out. Where that starts
   *  workerd anew, the ledger is empty afterwards. */
  rebind(changes: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

export const RUNTIMES = ["node", "workerd"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export const PUBLIC_URL = "https://hooks.example.test";

const COMPATIBILITY = {
  compatibilityDate: "2026-04-01",
  compatibilityFlags: ["global_fetch_strictly_public"],
};

export async function startRuntime(
  name: RuntimeName,
  bindings: Readonly<Record<string, unknown>>,
): Promise<Runtime> {
  return name === "node" ? startNode(bindings) : startWorkerd(bindings);
}

interface WorkerModule {
  readonly default: {
    fetch(
      request: Request,
      env: unknown,
      context: { waitUntil(work: Promise<unknown>): void },
    ): Promise<Response>;
    scheduled(event: unknown, env: unknown): Promise<void>;
  };
}

async function startNode(bindings: Readonly<Record<string, unknown>>): Promise<Runtime> {
  const db = await startLocalD1();
  // The Worker's sources belong to the other TypeScript program, so their module is described here.
  const path = "../../../worker/index";
  const { default: worker } = (await import(path)) as WorkerModule;
  let env: Record<string, unknown> = { ...bindings, LEDGER: db };
  const working = new Set<Promise<unknown>>();
  const context = {
    waitUntil: (work: Promise<unknown>) => {
      const tracked: Promise<unknown> = work.finally(() => working.delete(tracked));
      working.add(tracked);
    },
  };
  const lines: string[] = [];
  const spy = jest.spyOn(console, "log").mockImplementation((line: unknown) => void lines.push(String(line)));
  return {
    db: () => db,
    lines,
    fetch: async (at, init) => worker.fetch(new Request(`${PUBLIC_URL}${at}`, init), env, context),
    sweep: async () => worker.scheduled({}, env),
    idle: async () => {
      while (working.size > 0) await Promise.allSettled(working);
    },
    rebind: async (changes) => {
      env = { ...bindings, LEDGER: db, ...changes };
      return Promise.resolve();
    },
    close: async () => {
      spy.mockRestore();
      await db.close();
    },
  };
}

async function startWorkerd(bindings: Readonly<Record<string, unknown>>): Promise<Runtime> {
  const { script } = await bundle();
  const lines: string[] = [];
  const { compatibilityDate } = COMPATIBILITY;
  const door = new Door({ databases: { LEDGER: "ledger" }, scheduled: "worker", compatibilityDate });
  const options = (values: Readonly<Record<string, unknown>>) => ({
    workers: [
      {
        ...COMPATIBILITY,
        name: "worker",
        modules: [{ type: "ESModule" as const, path: "worker.js", contents: script }],
        bindings: Object.fromEntries(
          Object.entries(values).filter(([key, value]) => value !== undefined && key !== "LEDGER"),
        ) as Record<string, string>,
        d1Databases:
          "LEDGER" in values && values["LEDGER"] === undefined
            ? ({} as Record<string, string>)
            : { LEDGER: "ledger" },
      },
      door.worker,
    ],
    handleRuntimeStdio: (stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream) => {
      for (const stream of [stdout, stderr])
        stream.on("data", (chunk: Buffer) => lines.push(...String(chunk).trim().split("\n")));
    },
  });
  const miniflare = new Miniflare(options(bindings));
  const db = door.database(miniflare, "LEDGER");
  let bound = JSON.stringify({});
  return {
    db: () => db,
    lines,
    fetch: async (at, init) =>
      readNow(
        (await miniflare.dispatchFetch(
          `${PUBLIC_URL}${at}`,
          init as Parameters<Miniflare["dispatchFetch"]>[1],
        )) as unknown as Response,
      ),
    sweep: async () => {
      await door.schedule(miniflare, "* * * * *");
    },
    idle: async () => workerdIdle(db),
    rebind: async (changes) => {
      // JSON leaves `undefined` out, which would look like no change.
      const wanted = JSON.stringify(changes, (_, value: unknown) => value ?? "(left out)");
      if (wanted === bound) return;
      bound = wanted;
      await miniflare.setOptions(options({ ...bindings, ...changes }));
    },
    close: async () => miniflare.dispose(),
  };
}

/** Miniflare answers with a copy whose original may be collected as garbage, and that cancels the body of both: a test
 *  that looks at the ledger first would then find it unreadable. */
async function readNow(response: Response): Promise<Response> {
  const headers: Record<string, string> = {};
  response.headers.forEach((value, name) => {
    headers[name] = value;
  });
  const body = await response.arrayBuffer();
  return new Response(body.byteLength === 0 ? null : body, { status: response.status, headers });
}

let built: Promise<{ readonly script: string }> | null = null;

/** The bundle that would be deployed; made once per test file. */
export async function bundle(): Promise<{ readonly script: string }> {
  built ??= Promise.resolve(buildWorker());
  return built;
}

/** Until nothing in the ledger is being sent or is due for a first try; bounded, since a full class never gets there. */
async function workerdIdle(db: Database): Promise<void> {
  const busy = `SELECT (SELECT count(*) FROM runners WHERE state = 'requested'
      AND (leased_until > ?1 OR (attempts = 0 AND next_attempt_at <= ?1)))
    + (SELECT count(*) FROM jobs WHERE state = 'checking' AND looks = 0) AS n`;
  for (let round = 0; round < 20; round++) {
    const { results } = await db.prepare(busy).bind(Date.now()).all();
    if (results[0]?.["n"] === 0 && round > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
