import { type Profiler, Session } from "node:inspector";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

/** The code whose blocks count. */
const WATCHED = [join(ROOT, "worker/"), join(ROOT, "contracts/")];

/**
 * Tells whether code was reached that was not reached before, by V8's own counts of blocks. It has to be there before the
 * code runs for the first time: V8 counts blocks only in functions that it compiles afterwards.
 * @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#method-startPreciseCoverage
 */
export class Coverage {
  readonly #session = new Session();
  readonly #watched: readonly string[];
  /** Script → which of its characters were run. */
  readonly #reached = new Map<string, Uint8Array>();

  /** @param watched directories or files, as absolute paths */
  constructor(watched: readonly string[] = WATCHED) {
    this.#watched = watched;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Whether what ran since the last question reached anything new, which is then forgotten again. */
  isNew(): boolean {
    return this.#take(false);
  }

  /** The same, and it counts as reached from now on. */
  keep(): boolean {
    return this.#take(true);
  }

  /** How many characters of code were reached. */
  reached(): number {
    let sum = 0;
    for (const characters of this.#reached.values()) for (const one of characters) sum += one;
    return sum;
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  #take(keep: boolean): boolean {
    let found = false;
    for (const script of this.#scripts()) {
      const ran = painted(script);
      const known = this.#reached.get(script.url) ?? new Uint8Array(ran.length);
      if (!ran.some((one, at) => one > (known[at] ?? 0))) continue;
      found = true;
      if (keep)
        this.#reached.set(
          script.url,
          Uint8Array.from(ran, (one, at) => one | (known[at] ?? 0)),
        );
    }
    return found;
  }

  #scripts(): readonly Profiler.ScriptCoverage[] {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    // On the thread of the session itself the answer comes before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts.filter(({ url }) => {
      const path = url.replace(/^file:\/\//, "");
      return this.#watched.some((one) => path.startsWith(one));
    });
  }
}

/** V8 tells ranges from the outside in, and leaves out those that ran as often as what is around them: only the innermost
 *  range over a character speaks for it. */
function painted({ functions }: Profiler.ScriptCoverage): Uint8Array {
  const ranges = functions.flatMap((one) => one.ranges);
  const characters = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges)
    characters.fill(Math.min(1, count), startOffset, endOffset);
  return characters;
}
