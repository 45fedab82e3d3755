import type { Database } from "../worker/database";
import { every } from "../worker/every";
import { type EdgeRequest, type Json, type Runtime, type StoreSecret, startRuntime } from "../worker/runtime";
import { plain } from "./passage";
import { type Schedule, type Script, fieldOf } from "./types";

export interface WorkersOptions {
  /** Where the databases lie. */
  readonly databaseDir: string;
  /** Secrets Store: `<store id>/<name>` to its value. */
  readonly secrets: Readonly<Record<string, string>>;
  /** How often every schedule of a script fires. */
  readonly sweepSeconds: number;
  readonly outbound: (script: Script, request: EdgeRequest) => Promise<Response>;
  readonly schedules: (script: string) => readonly Schedule[];
  readonly onLine: (script: string, line: string) => void;
}

/** The uploaded scripts, each in a workerd of its own. */
export class DeployedWorkers {
  readonly #options: WorkersOptions;
  readonly #workers = new Map<string, DeployedWorker>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Puts a version of a script in the place of the one before. @throws Error when it does not start; the old one stays */
  async deploy(script: Script): Promise<void> {
    const known = this.#workers.get(script.name);
    const worker = known ?? new DeployedWorker(this.#options);
    this.#workers.set(script.name, worker);
    try {
      await worker.deploy(script);
    } catch (error) {
      if (known === undefined) await this.remove(script.name);
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    const worker = this.#workers.get(name);
    this.#workers.delete(name);
    await worker?.close();
  }

  async dispatch(name: string, request: EdgeRequest): Promise<Response> {
    const worker = this.#workers.get(name);
    if (worker === undefined) return plain(404, "error code: 1042");
    return worker
      .run((runtime) => runtime.dispatch(request))
      .catch((error: unknown) => {
        this.#options.onLine(name, `uncaught: ${String(error)}`);
        return plain(500, "error code: 1101");
      });
  }

  /** @throws Error when there is no such script, or no such database in it */
  async sweep(name: string): Promise<void> {
    await this.#get(name).sweep();
  }

  ledger(name: string): Promise<Database> {
    return this.#get(name).database((bindings) => bindings[0]);
  }

  /** The database of an id, by the script that has it bound; null when none has. */
  async database(id: string): Promise<Database | null> {
    for (const worker of this.#workers.values()) {
      if (worker.databaseIds().includes(id)) return worker.database((all) => all.find((it) => it.id === id));
    }
    return null;
  }

  /** The script that has a database bound. */
  holder(databaseId: string): string | null {
    const found = [...this.#workers].find(([, worker]) => worker.databaseIds().includes(databaseId));
    return found?.[0] ?? null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers.keys()].map((name) => this.remove(name)));
  }

  #get(name: string): DeployedWorker {
    const worker = this.#workers.get(name);
    if (worker === undefined) {
      throw new Error(
        `no script "${name}" is deployed; there are: ${[...this.#workers.keys()].join(", ") || "none"}`,
      );
    }
    return worker;
  }
}

/** How long an invocation of the old version may take to end; Cloudflare lets it end however long it takes. */
const QUIET_MS = 15_000;
/** A Worker between two fetches of one invocation looks quiet for a moment. */
const SETTLE_MS = 150;

interface DatabaseBinding {
  readonly name: string;
  readonly id: string;
}

/** One script: its running version, and the way to the next. */
class DeployedWorker {
  readonly #options: WorkersOptions;
  readonly #cron: { end(): Promise<void> };
  #script: Script | null = null;
  #runtime: Runtime | null = null;
  #busy = 0;
  /** Resolves when requests may go in: two runtimes must not have one database open. */
  #ready: Promise<void> = Promise.resolve();

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#cron = every(
      options.sweepSeconds,
      () => this.sweep(),
      (line) => {
        options.onLine(this.#script?.name ?? "", line);
      },
    );
  }

  /** One after the other; requests that come meanwhile wait, those inside end on the old version. */
  deploy(script: Script): Promise<void> {
    const turn = this.#ready.then(() => this.#replace(script));
    this.#ready = turn.catch(() => undefined);
    return turn;
  }

  async run<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    await this.#ready;
    if (this.#runtime === null) throw new Error("the script is not running");
    this.#busy += 1;
    try {
      return await work(this.#runtime);
    } finally {
      this.#busy -= 1;
    }
  }

  /** Fires every schedule once. */
  async sweep(): Promise<void> {
    if (this.#script === null) return;
    for (const { cron } of this.#options.schedules(this.#script.name)) {
      await this.run((runtime) => runtime.schedule(cron));
    }
  }

  databaseIds(): readonly string[] {
    return databasesOf(this.#script).map(({ id }) => id);
  }

  async database(pick: (all: readonly DatabaseBinding[]) => DatabaseBinding | undefined): Promise<Database> {
    const binding = pick(databasesOf(this.#script));
    if (binding === undefined) throw new Error(`script "${this.#script?.name ?? ""}" has no such D1 binding`);
    return this.run((runtime) => Promise.resolve(runtime.database(binding.name)));
  }

  async close(): Promise<void> {
    await this.#cron.end();
    await this.#ready;
    await this.#quiet();
    await this.#runtime?.close();
    this.#runtime = null;
  }

  async #replace(script: Script): Promise<void> {
    await this.#quiet();
    await this.#runtime?.close();
    this.#runtime = null;
    try {
      this.#runtime = await this.#start(script);
      this.#script = script;
    } catch (error) {
      if (this.#script !== null) this.#runtime = await this.#start(this.#script);
      throw error;
    }
  }

  #start(script: Script): Promise<Runtime> {
    const { secrets, databaseDir, onLine, outbound } = this.#options;
    return startRuntime({
      script: script.content,
      mainModule: script.mainModule,
      compatibilityDate: script.compatibilityDate,
      compatibilityFlags: script.compatibilityFlags,
      bindings: valuesOf(script),
      databases: Object.fromEntries(databasesOf(script).map(({ name, id }) => [name, id])),
      databaseDir,
      secrets: storeSecretsOf(script, secrets),
      outbound: (request) => this.#count(() => outbound(script, request)),
      onLine: (line) => {
        onLine(script.name, line);
      },
    });
  }

  /** A fetch keeps the version that made it alive, also after its answer (`waitUntil`). */
  async #count<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
    }
  }

  async #quiet(): Promise<void> {
    if (this.#runtime === null) return;
    const end = Date.now() + QUIET_MS;
    let since = Date.now();
    while (Date.now() < end && Date.now() - since < SETTLE_MS) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS / 10));
      if (this.#busy > 0) since = Date.now();
    }
  }
}

function databasesOf(script: Script | null): DatabaseBinding[] {
  const d1 = script?.bindings.filter(({ type }) => type === "d1") ?? [];
  return d1.map(({ name, id }) => ({ name, id: fieldOf(id) }));
}

/** What the bindings carry. A JSON binding gives what was sent: provider 5.14 sends its text, and a text it stays.
 *  @see https://github.com/cloudflare/terraform-provider-cloudflare/issues/6699 */
function valuesOf(script: Script): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const binding of script.bindings) {
    if (binding.type === "json") values[binding.name] = binding["json"] ?? null;
    if (binding.type === "plain_text" || binding.type === "secret_text") {
      values[binding.name] = binding["text"] ?? "";
    }
  }
  return values;
}

function storeSecretsOf(
  script: Script,
  secrets: Readonly<Record<string, string>>,
): Record<string, StoreSecret> {
  const bound = script.bindings.filter(({ type }) => type === "secrets_store_secret");
  return Object.fromEntries(
    bound.map((it) => {
      const [storeId, secretName] = [fieldOf(it["store_id"]), fieldOf(it["secret_name"])];
      return [it.name, { storeId, secretName, value: secrets[`${storeId}/${secretName}`] ?? "" }];
    }),
  );
}
