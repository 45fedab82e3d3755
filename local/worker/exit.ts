/** Miniflare removes its temporary directory after `dispose()` has resolved, and tells nobody when. */
const REMOVAL_MS = 300;

/** Ends the process once what was closed before has been cleared away. */
export function exitAfterClose(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), REMOVAL_MS);
}
