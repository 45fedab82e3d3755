/** What ends a drain early: a text for people, and the exit code. */
export class DrainError extends Error {
  override readonly name = "DrainError";
  readonly exitCode: number;

  constructor(text: string, exitCode: number = EXIT.failed) {
    super(text);
    this.exitCode = exitCode;
  }
}

/** How `npm run drain` ends. */
export const EXIT = {
  /** Nothing is left. */
  done: 0,
  /** It could not be done: settings, address, token. */
  failed: 1,
  /** The command line. */
  usage: 2,
  /** Something had not ended in time. */
  left: 3,
} as const;
