/**
 * Runs a program with the words behind its name, and ends with the code it gives. An error ends it with 1 and its text:
 * a trace tells a user nothing.
 */
export function runMain(main: (words: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
