import { USAGE, readCommandLine } from "./drain/command-line";
import { type NomadConnection, readConnection } from "./drain/connection";
import { Drain } from "./drain/drain";
import { DrainError, EXIT } from "./drain/drain-error";
import { NomadClient } from "./drain/nomad-client";
import { NomadJobs } from "./drain/nomad-jobs";
import { type DrainSettings, readSettings } from "./drain/settings";

/** A runner has 110 s until it is killed, and its poststop task 120 s to give the claim back. */
const END_SECONDS = 240;
const POLL_MS = 1_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** An impatient third Ctrl-C ends it without another word. */
const PATIENCE = 3;

async function main(): Promise<number> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.help) {
    console.log(USAGE);
    return EXIT.done;
  }
  const settings = await readSettings(commandLine.settings);
  const connection = readConnection(settings.plan.nomadAddress, process.env);
  const { finish } = commandLine;
  const seconds = commandLine.timeoutSeconds ?? END_SECONDS + (finish ? settings.longestRunSeconds : 0);
  return drain(settings, connection, finish, seconds);
}

/** @returns the exit code */
async function drain(
  { plan }: DrainSettings,
  connection: NomadConnection,
  finish: boolean,
  seconds: number,
): Promise<number> {
  const stopping = new AbortController();
  let exitCode: number = EXIT.left;
  let count = 0;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      count += 1;
      if (count === PATIENCE) process.exit(code);
      exitCode = code;
      stopping.abort(new Error(signal));
    });
  }
  const client = new NomadClient(connection, stopping.signal);
  const namespaces = [plan.namespace, ...(plan.connector === undefined ? [] : [plan.connector.namespace])];
  const options = { finish, timeoutMs: seconds * 1_000, pollMs: POLL_MS, say };
  const draining = new Drain(plan, new NomadJobs(client, namespaces), options, stopping.signal);
  say(
    `Draining ${[...plan.jobs, ...plan.prePulls].join(", ")} in the namespace ${plan.namespace} of ${connection.address}`,
  );
  try {
    if (await draining.run()) return EXIT.done;
    remains(`after ${String(seconds)} s`, draining.left());
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    remains("when it was stopped", draining.left());
  } finally {
    client.close();
  }
  return exitCode;
}

function remains(when: string, left: readonly string[]): void {
  console.error(`npm run drain: not all had ended ${when}. What is stopped stays stopped.`);
  for (const line of left) console.error(`  ${line}`);
  console.error(
    "Run it again to go on. What can never end, you remove: nomad job stop -purge -namespace NAMESPACE ID",
  );
}

function say(line: string): void {
  console.log(line);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof DrainError;
    console.error(`npm run drain: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(known ? error.exitCode : EXIT.failed);
  },
);
