import { type Row, STEPS, type Scene } from "./timeline";

/** Where the demo is drawn. */
export interface Terminal {
  write(text: string): void;
  /** Whether lines can be drawn over. */
  readonly live: boolean;
  readonly colours: boolean;
  /** Lines that fit; a scene that is higher is not drawn over. */
  readonly height: number;
  /** Characters that fit; a line that is longer would be two, and drawing over would go wrong. */
  readonly width: number;
}

const NAME_WIDTH = 22;
const CELL_WIDTH = 11;
const ROW_WIDTH = 2 + NAME_WIDTH + CELL_WIDTH * STEPS.length + 4;
/** No more pictures than an eye can follow. */
const FRAME_MS = 50;

const STYLES = { bold: "1", dim: "2", green: "32", yellow: "33", red: "31", cyan: "36" } as const;
type Style = keyof typeof STYLES;

/** Draws one scene at a time: over and over while it goes on where that is possible, else each row when it is final. */
export class Screen {
  readonly #terminal: Terminal;
  #scene: Scene | null = null;
  /** Lines drawn that the next picture goes over. */
  #drawn = 0;
  readonly #printed = new Set<Row>();
  #timer: NodeJS.Timeout | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  paint(style: Style, text: string): string {
    return this.#terminal.colours ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }

  line(text = ""): void {
    this.#terminal.write(`${text}\n`);
  }

  begin(scene: Scene): void {
    this.finish();
    this.#scene = scene;
    this.#drawn = 0;
    this.line();
    this.line(`${this.paint("bold", `▸ ${scene.title}`)}  ${this.paint("dim", scene.text)}`);
    const heads = STEPS.map((step) => step.padStart(CELL_WIDTH)).join("");
    this.line(this.paint("dim", `  ${"".padEnd(NAME_WIDTH)}${heads}`));
  }

  /** Something changed; drawn soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#draw();
    }, FRAME_MS);
  }

  /** Draws what is left of the scene. */
  finish(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#draw();
    for (const row of this.#scene?.rows ?? []) this.#print(row);
    this.#scene = null;
  }

  #draw(): void {
    const scene = this.#scene;
    if (scene === null) return;
    const { live, height, width } = this.#terminal;
    if (!live || scene.rows.length + 4 > height || ROW_WIDTH > width) {
      for (const row of scene.rows) if (row.ending !== null) this.#print(row);
      return;
    }
    const lines = scene.rows.map((row) => `\u001b[2K${this.#row(row)}\n`);
    const up = this.#drawn === 0 ? "" : `\u001b[${String(this.#drawn)}A`;
    this.#terminal.write(up + lines.join(""));
    this.#drawn = lines.length;
    for (const row of scene.rows) this.#printed.add(row);
  }

  #print(row: Row): void {
    if (this.#printed.has(row)) return;
    this.#printed.add(row);
    this.line(this.#row(row));
  }

  #row(row: Row): string {
    const cells = STEPS.map((step) => {
      const ms = row.steps[step];
      if (ms === undefined) return this.paint("dim", (row.ending === null ? "·" : "–").padStart(CELL_WIDTH));
      const text = `${String(ms)} ms`.padStart(CELL_WIDTH);
      if (step === "done") return this.paint("green", text);
      return step === "running" ? this.paint("cyan", text) : text;
    });
    const name = row.name.length > NAME_WIDTH ? `${row.name.slice(0, NAME_WIDTH - 1)}…` : row.name;
    return `  ${name.padEnd(NAME_WIDTH)}${cells.join("")}  ${this.#mark(row)}`.trimEnd();
  }

  #mark(row: Row): string {
    const room = this.#terminal.live ? Math.max(0, this.#terminal.width - ROW_WIDTH) : row.note.length;
    const text = row.note.length > room ? `${row.note.slice(0, Math.max(0, room - 1))}…` : row.note;
    const note = row.note === "" ? "" : this.paint("dim", ` ${text}`);
    switch (row.ending) {
      case null:
        return note.trimStart();
      case "done":
        return this.paint("green", "✓") + note;
      case "failed":
        return this.paint("red", "✗") + note;
      default:
        return this.paint("yellow", "○") + note;
    }
  }
}
