/** One thing that has to be so. */
export interface Check {
  readonly text: string;
  readonly ok: boolean;
  /** What there was instead, or what was counted. */
  readonly seen: string;
  /** False where this machine could not look; it counts neither for nor against. @default true */
  readonly ran?: false;
}

/** @param wrong is empty when all is as it has to be */
export function check(text: string, wrong: readonly string[]): Check {
  return { text, ok: wrong.length === 0, seen: wrong.join("; ") };
}

/** @param seen what there was instead; told only when it does not hold */
export function holds(text: string, ok: boolean, ...seen: readonly string[]): Check {
  return { text, ok, seen: ok ? "" : seen.join("; ") || "nothing" };
}

/** Something that this machine cannot show. @param why what it lacks, or what shows it elsewhere */
export function notHere(text: string, why: string): Check {
  return { text, ok: true, seen: `not run here: ${why}`, ran: false };
}

interface Stage {
  readonly title: string;
  readonly seconds: number;
  readonly checks: readonly Check[];
}

/** What was played, how long it took and what was looked at. */
export class Report {
  readonly #stages: Stage[] = [];
  readonly #began = Date.now();
  readonly #versions: string[] = [];

  /** Notes with what all of it was played, for the end of the report. */
  versions(...names: readonly string[]): void {
    this.#versions.push(...names);
  }

  /** Plays a stage and prints what it found. @throws what the stage throws */
  async stage(title: string, play: () => Promise<readonly Check[]>): Promise<void> {
    const began = Date.now();
    console.log(`\n${title}`);
    const checks = await play();
    for (const { ok, text, seen, ran } of checks)
      console.log(
        `  ${ran === false ? "-     " : ok ? "ok    " : "FAILED"} ${text}${seen === "" ? "" : `: ${seen}`}`,
      );
    this.#stages.push({ title, seconds: (Date.now() - began) / 1000, checks });
  }

  /** Every check that was not as it has to be. */
  failed(): readonly Check[] {
    return this.#stages.flatMap(({ checks }) => checks.filter(({ ok }) => !ok));
  }

  /**
   * The closing table, and the verdict below it.
   * @param completed whether it was played to its end
   */
  lines(completed: boolean): readonly string[] {
    const rows = this.#stages.map(({ title, seconds, checks }) => {
      return [title, seconds.toFixed(1), heldOf(checks), notRunOf(checks)];
    });
    const all = this.#stages.flatMap(({ checks }) => checks);
    const seconds = ((Date.now() - this.#began) / 1000).toFixed(1);
    const head = ["stage", "seconds", "held", "not run here"];
    const whole = [head, ...rows, ["all", seconds, heldOf(all), notRunOf(all)]];
    // Most runs can show everything, and need no column for what they cannot.
    const table = notRunOf(all) === "" ? whole.map((row) => row.slice(0, -1)) : whole;
    const failed = this.failed().length;
    const wrong = failed === 0 ? [] : [`${String(failed)} not as it has to be`];
    const cut = completed ? [] : ["not played to its end"];
    const verdict = [...cut, ...wrong].join(", ") || "All as it has to be";
    return [
      ...aligned(table),
      "",
      `With ${this.#versions.join(", ")}`,
      "",
      `${verdict}, after ${String(Math.round(Number(seconds)))} s.`,
    ];
  }
}

function heldOf(checks: readonly Check[]): string {
  const ran = checks.filter(({ ran: did }) => did !== false);
  return `${String(ran.filter(({ ok }) => ok).length)}/${String(ran.length)}`;
}

function notRunOf(checks: readonly Check[]): string {
  const count = checks.filter(({ ran }) => ran === false).length;
  return count === 0 ? "" : String(count);
}

/** Columns of one width each; the first to the left, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
}
