import { parseArgs } from "node:util";
import { DrainError, EXIT } from "./drain-error";

export const USAGE = `npm run drain -- [settings] [--finish] [--timeout SECONDS]

Stops what a deployed stack runs in Nomad, waits for its end, and removes it, so that nothing holds up
\`cdktf destroy\`. Only the stack's own jobs are touched. It may be run again at any time.

  settings            file whose default export is the stack's settings (runners.config.ts)
  --finish            let runners that have started end by themselves; those without room are stopped
  --timeout SECONDS   how long to wait for the end of it all (240; with --finish as long as a runner may live)

NOMAD_ADDR takes the place of the settings' address. NOMAD_TOKEN, NOMAD_REGION, NOMAD_HTTP_AUTH, NOMAD_CACERT,
NOMAD_CLIENT_CERT, NOMAD_CLIENT_KEY, NOMAD_TLS_SERVER_NAME and NOMAD_SKIP_VERIFY mean what they mean to \`nomad\`.

Ends with 0 when nothing is left, 1 when it cannot be done, 2 for a wrong command line, 3 when something had not
ended in time, 130 and 143 when it was stopped by a signal.
`;

export interface CommandLine {
  readonly help: boolean;
  readonly settings: string;
  readonly finish: boolean;
  readonly timeoutSeconds: number | undefined;
}

/** GitHub ends a job on a self-hosted runner after five days; nothing takes longer to drain.
 *  @see https://docs.github.com/en/actions/reference/limits */
const MAX_TIMEOUT_SECONDS = 6 * 86_400;

/** @throws DrainError that says what is wrong with it */
export function readCommandLine(words: readonly string[]): CommandLine {
  const { values, positionals } = parsed(words);
  if (positionals.length > 1) throw wrong(`takes one file of settings, got ${positionals.join(", ")}`);
  return {
    help: values.help === true,
    settings: positionals[0] ?? "runners.config.ts",
    finish: values.finish === true,
    timeoutSeconds: values.timeout === undefined ? undefined : seconds(values.timeout),
  };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        finish: { type: "boolean" },
        timeout: { type: "string" },
      },
    });
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function seconds(text: string): number {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_TIMEOUT_SECONDS) return value;
  throw wrong(
    `--timeout must be a whole number of seconds from 1 to ${String(MAX_TIMEOUT_SECONDS)}, got ${text}`,
  );
}

function wrong(what: string): DrainError {
  return new DrainError(`${what}\n\n${USAGE}`, EXIT.usage);
}
