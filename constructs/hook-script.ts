import { statSync } from "node:fs";

/**
 * A script of the user's own for `bash -e`, whatever its first line says, in the name of the runner's user. Nomad shows it to
 * whoever may read the job: no secrets in it.
 * @see https://docs.github.com/en/actions/how-tos/manage-runners/self-hosted-runners/run-scripts
 */
export class HookScript {
  /** The script itself. */
  static text(text: string): HookScript {
    return new HookScript(text, undefined);
  }

  /** A file beside the stack's code, by its absolute path. */
  static file(path: string): HookScript {
    return new HookScript(undefined, path);
  }

  private constructor(
    /** @internal */
    readonly text: string | undefined,
    /** @internal */
    readonly path: string | undefined,
  ) {}

  /** Whether its file is there.
   *  @internal */
  get isFile(): boolean {
    return this.path !== undefined && statSync(this.path, { throwIfNoEntry: false })?.isFile() === true;
  }

  /** What is wrong with the script, one sentence each. @param prop where it was given */
  problems(prop: string): string[] {
    const { path, text } = this;
    if (path !== undefined && !this.isFile) {
      return [`${prop}: must be a file that is there, got "${path}"; write its absolute path`];
    }
    if (text?.trim() === "") return [`${prop}: must hold a script, got an empty text; leave it out for none`];
    return [];
  }
}
