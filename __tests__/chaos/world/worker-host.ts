import { spawnSync } from "node:child_process";
import { freePort } from "../../../local/http/free-port";
import type { Database, Row } from "../../../local/worker/database";
import { type LocalBindings, type LocalWorker, startWorker } from "../../../local/worker/edge";

export interface WorkerHostOptions {
  readonly bindings: LocalBindings;
  /** Keeps the ledger. */
  readonly ledgerDir: string;
  /** Text of the Worker. */
  readonly script: string;
  readonly onLog: (line: string) => void;
}

/** Starts go one by one: a new process is told by being new. */
let starting: Promise<unknown> = Promise.resolve();

interface Started {
  readonly worker: LocalWorker;
  readonly pid: number;
}

/** The Worker in a workerd that can be killed, and starts again on the same port and ledger. */
export class WorkerHost {
  readonly url: string;
  readonly #options: WorkerHostOptions;
  readonly #port: number;
  #started: Promise<Started>;
  #generation = 0;

  private constructor(options: WorkerHostOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.url = `http://127.0.0.1:${String(port)}`;
    this.#started = this.#start();
  }

  static async start(options: WorkerHostOptions): Promise<WorkerHost> {
    const host = new WorkerHost(options, await freePort());
    await host.#started;
    return host;
  }

  /** Kills workerd as a machine's end does, whatever it is doing, and starts another one. Ends when that serves. */
  async kill(): Promise<void> {
    const { worker, pid } = await this.#started;
    this.#generation += 1;
    process.kill(pid, "SIGKILL");
    this.#started = worker
      .close()
      .catch(() => undefined)
      .then(() => this.#start());
    await this.#started;
  }

  /** Runs the cron once. @returns false when workerd was killed under it */
  async sweep(): Promise<boolean> {
    const generation = this.#generation;
    const { worker } = await this.#started;
    try {
      await worker.sweep();
      return true;
    } catch (error) {
      if (generation === this.#generation) throw error;
      return false;
    }
  }

  /** Runs a transaction on the ledger, again when workerd was killed under it. */
  async transaction(statements: readonly string[]): Promise<readonly (readonly Row[])[]> {
    for (;;) {
      const generation = this.#generation;
      const { worker } = await this.#started;
      try {
        const ledger: Database = worker.ledger();
        const results = await ledger.batch(statements.map((sql) => ledger.prepare(sql)));
        return results.map(({ results: rows }) => rows);
      } catch (error) {
        if (generation === this.#generation) throw error;
      }
    }
  }

  /** The ledger, for as long as workerd is not killed. */
  async ledger(): Promise<Database> {
    return (await this.#started).worker.ledger();
  }

  async close(): Promise<void> {
    await (await this.#started).worker.close();
  }

  #start(): Promise<Started> {
    const { bindings, ledgerDir, script, onLog } = this.#options;
    const start = async (): Promise<Started> => {
      const before = new Set(runtimes());
      const worker = await startWorker({ bindings, ledgerDir, onLog, script, port: this.#port });
      const [pid, ...others] = runtimes().filter((one) => !before.has(one));
      if (pid === undefined || others.length > 0) {
        await worker.close();
        throw new Error(
          `one new workerd was expected, got ${String(pid === undefined ? 0 : 1 + others.length)}`,
        );
      }
      return { worker, pid };
    };
    const started = starting.then(start, start);
    starting = started.catch(() => undefined);
    return started;
  }
}

/** Process ids of the workerd that this process has started. */
function runtimes(): number[] {
  const listed = spawnSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" });
  if (listed.status !== 0)
    throw new Error(`ps failed: ${listed.stderr}; workerd cannot be killed without it`);
  return listed.stdout.split("\n").flatMap((line) => {
    const [pid, parent, command = ""] = line.trim().split(/\s+/);
    return Number(parent) === process.pid && command.endsWith("workerd") ? [Number(pid)] : [];
  });
}
