import { readFileSync, statSync } from "node:fs";

/** `local.delimiter` of jobs/runner.nomad.hcl. */
const TEMPLATE_MARK = "<<template<<";

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

  #content(): string {
    return this.text ?? (this.path === undefined ? "" : readFileSync(this.path, "utf8"));
  }

  /** What is wrong with the script, one sentence each. @param prop where it was given */
  problems(prop: string): string[] {
    const { path, text } = this;
    if (path !== undefined && !this.isFile) {
      return [`${prop}: must be a file that is there, got "${path}"; write its absolute path`];
    }
    // Nomad's template would take the rest of the line for an action of its own.
    if (this.#content().includes(TEMPLATE_MARK)) {
      return [
        `${prop}: must not hold "${TEMPLATE_MARK}", with which the job marks its templates, got it; write it otherwise`,
      ];
    }
    if (text?.trim() === "") return [`${prop}: must hold a script, got an empty text; leave it out for none`];
    return [];
  }
}
